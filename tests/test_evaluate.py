"""Scores: poses that show their captions meet the conditions, the control's do not."""

import json
from pathlib import Path

import numpy as np
import pytest

from mardm_batch.conditions import parse
from mardm_batch.evaluate import composed_captions, main, score
from mardm_batch.training.library import load_library


def test_composed_poses_meet_their_own_conditions_and_not_each_other_s() -> None:
    library, rng = load_library(), np.random.default_rng(1)
    samples = [sample for sample in (library.sample(rng, 1) for _ in range(60)) if sample.conditions]
    poses = np.concatenate([sample.clip for sample in samples])
    conditions = [tuple(map(parse, sample.conditions)) for sample in samples]
    assert score(conditions, poses)[0] > 0.98
    assert score(conditions[30:] + conditions[:30], poses)[0] < 0.7


def test_the_command_prints_and_writes_scores(
    tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "scores.json"
    settings = ["+preset=fast", f"model.weights={tiny_weights}"]
    assert main([*settings, "--library", "6", "--seeds", "2", "--json", str(path)]) == 0
    assert "6 captions, 2 seeds" in capsys.readouterr().out
    scores = json.loads(path.read_text())
    assert 0 <= scores["conditions_met"] <= 1
    assert scores["bone_length_error_cm"] > 1  # random weights make no person
    assert scores["difference_of_seeds_cm"] > 0


def test_a_file_of_conditions_is_scored(tiny_weights: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("A person:\n  conditions: [left_hand above head or left_hand below head]\n")
    path = tmp_path / "scores.json"
    settings = [f"model.weights={tiny_weights}", "--conditions", str(tmp_path / "mine.yaml"), "--seeds", "1"]
    assert main([*settings, "--json", str(path)]) == 0
    assert json.loads(path.read_text())["captions_met"] == 1


@pytest.mark.parametrize("content", ["", "- a list", "A person: {}", "A person:\n  conditions: [left_hand sings]\n"])
def test_a_file_without_conditions_is_refused(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.yaml").write_text(content)
    with pytest.raises(SystemExit) as ended:
        main(["--conditions", str(tmp_path / "bad.yaml")])
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_new_captions_are_many_and_have_conditions() -> None:
    captions = composed_captions(20)
    assert len(captions) == 20
    assert all(captions.values())
