"""Several poses a caption: the first is what it would be alone, and everything that counts poses agrees."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.support import Run, wait_until, write_captions

from mardm_batch.verify.__main__ import main as verify

CAPTIONS = [f"a person arms raised sitting {number}" for number in range(25)]


def joints_by_name(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: np.load(path) for path in folder.glob("*.npy")}


def test_every_caption_has_its_poses_whatever_the_run_was_interrupted_by(run: Run, tmp_path: Path, capsys) -> None:
    settings = (write_captions(tmp_path, CAPTIONS), "render.enabled=false", "+preset=fast")
    assert run(*settings, "paths.output=one").returncode == 0
    assert run(*settings, "paths.output=four", "poses_per_caption=4", "limit=20").returncode == 0
    four = tmp_path / "four"
    assert len(joints_by_name(four)) == 80
    for path in sorted(four.glob("*__3.json"))[:7]:  # as if the run had been killed
        path.unlink()
    again = run(*settings, "paths.output=four", "poses_per_caption=4")
    assert again.returncode == 0, again.stderr
    assert "73 of 100 poses are finished already" in again.stderr
    one, all_poses = joints_by_name(tmp_path / "one"), joints_by_name(four)
    assert sorted(all_poses) == sorted(name + end for name in one for end in ("", "__2", "__3", "__4"))
    for name, joints in one.items():
        alone, among_others = (json.loads((tmp_path / each / f"{name}.json").read_text()) for each in ("one", "four"))
        assert np.abs(np.array(alone.pop("joints")) - among_others.pop("joints")).max() < 1e-4  # in another batch
        assert alone == among_others
        assert np.abs(all_poses[name] - joints).max() < 1e-4
        further = np.stack([all_poses[name + end] for end in ("", "__2", "__3", "__4")])
        assert len(np.unique(further.reshape(4, -1), axis=0)) == 4
    document = json.loads((four / f"{next(iter(one))}__3.json").read_text())
    assert document["pose_number"] == 3
    rows = [json.loads(line) for line in (four / "metadata.jsonl").read_text().splitlines()]
    assert sorted(row["caption"] for row in rows) == sorted(CAPTIONS * 4)
    assert verify([str(four)]) == 0
    assert "100 requested" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_where_it_was(run: Run, tmp_path: Path, tiny_weights: Path) -> None:
    """About 15 seconds: python -m pytest -m slow tests/e2e/test_poses_per_caption.py -n 0"""
    settings = (
        *(write_captions(tmp_path, CAPTIONS), f"model.weights={tiny_weights}", "tracking.mode=disabled"),
        *("+preset=fast", "sampling.batch_size=2", "cpu_threads=1", "poses_per_caption=4", "paths.output=killed"),
    )
    killed = tmp_path / "killed"
    words = [sys.executable, "-m", "mardm_batch", *settings]
    with subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.DEVNULL, env=dict(os.environ)) as process:
        wait_until(lambda: len(list(killed.glob("*__3.json"))) >= 3)
        process.kill()
    assert process.returncode == -9
    time.sleep(1.5)  # a worker finishes the pose in its hands
    finished = {path: path.stat().st_mtime_ns for path in killed.glob("*.json")}
    assert 9 <= len(finished) < 100
    again = run(*settings)
    assert again.returncode == 0, again.stderr
    assert f"{len(finished)} of 100 poses are finished already" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert run(*settings[:-1], "paths.output=whole").returncode == 0
    expected, found = joints_by_name(tmp_path / "whole"), joints_by_name(killed)
    assert found.keys() == expected.keys()
    assert max(np.abs(found[name] - expected[name]).max() for name in expected) < 1e-4
    assert verify([str(killed)]) == 0
