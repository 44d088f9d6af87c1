"""`--suite scale`: what finished poses cost, measured with folders of them."""

import io
import json

import pytest
from rich.console import Console

from mardm_batch.benchmark.scale import measure_scale, scale_json, show_scale

KEYS = ("first_look_s", "nothing_to_do_s", "nothing_to_do_mb", "launcher_s", "verify_s", "verify_mb")


@pytest.mark.slow
def test_folders_of_finished_poses_are_measured_and_shown() -> None:
    steps: list[str] = []
    figures = list(measure_scale((10, 200), steps.append))
    assert [each.poses for each in figures] == [10, 200]
    document = scale_json(figures)
    assert set(document) == {"suite", *(f"scale.poses_{poses}.{key}" for poses in (10, 200) for key in KEYS)}
    assert all(value > 0 for key, value in document.items() if key != "suite")
    json.dumps(document)
    shown = io.StringIO()
    show_scale(figures, Console(file=shown, width=120))
    assert "20 times as many" in shown.getvalue()
    assert any("verify" in step for step in steps)
