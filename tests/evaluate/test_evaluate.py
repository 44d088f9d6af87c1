"""Poses that show their captions meet the conditions; those of the control do not."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from rich.console import Console

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.config.schema import conf_dir
from mardm_batch.evaluate.__main__ import JUDGE_MEASURES, MEASURES, WORST_LISTED, main, show
from mardm_batch.evaluate.agreement import JudgeScores
from mardm_batch.evaluate.captions import held_out_samples
from mardm_batch.evaluate.nearest import nearest_distances
from mardm_batch.evaluate.retrieval import RetrievalScores
from mardm_batch.evaluate.scores import (
    TRAINING_SEED,
    FailedCaption,
    Scores,
    discriminative,
    failed_captions,
    load_model,
    make_poses,
    score,
)
from mardm_batch.library.caption_conditions import read_captions
from mardm_batch.library.clips import composed_clips, composed_poses
from mardm_batch.library.library import load_library
from mardm_batch.pose.conditions import parse
from mardm_batch.pose.geometry import bone_length_error
from mardm_batch.registries import register_schemas

FEW = ("--training-poses", "50")


def test_composed_poses_meet_their_own_conditions_and_not_each_other_s() -> None:
    library, rng = load_library(), np.random.default_rng(1)
    samples = [sample for sample in (library.sample(rng, 1) for _ in range(60)) if sample.conditions]
    poses = np.concatenate([sample.clip for sample in samples])
    conditions = [tuple(map(parse, sample.conditions)) for sample in samples]
    shares = score(conditions, poses)
    assert shares.conditions > 0.98
    assert shares.control_conditions < 0.7
    rotated = [score(conditions[n:] + conditions[:n], poses).conditions for n in range(1, len(conditions))]
    assert np.isclose(np.mean(rotated), shares.control_conditions)
    assert shares.control_captions < shares.control_conditions < shares.captions


def test_conditions_that_most_poses_meet_are_not_discriminative() -> None:
    library, rng = load_library(), np.random.default_rng(3)
    poses = np.concatenate([library.sample(rng, 1).clip for _ in range(60)])
    common, rare = parse("pelvis height 0.1.."), parse("torso inverted")
    assert discriminative([(common, rare), (common,)], poses) == [(rare,), ()]


def test_failed_captions_are_listed_the_worst_first() -> None:
    standing = np.zeros((22, 3))
    standing[:, 1] = np.linspace(1, 2, 22)
    standing[20, 1] = 1.6  # the left wrist, below the head
    raised = standing.copy()
    raised[20, 1] = 5.0
    conditions = {
        "half": [parse("left_wrist above head")],
        "never": [parse("left_wrist below left_foot"), parse("left_wrist above head")],
        "always": [parse("left_wrist above left_foot or left_wrist below left_foot")],
    }
    poses = np.stack([np.stack([pose] * 3) for pose in (standing, raised)])
    failed = failed_captions(conditions, poses)
    assert [(each.caption, each.poses, dict(each.conditions)) for each in failed] == [
        ("never", 2, {"left_wrist below left_foot": 2, "left_wrist above head": 1}),
        ("half", 1, {"left_wrist above head": 1}),
    ]


def test_only_the_worst_captions_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    failed = tuple(FailedCaption(f"caption {n} [red]\x1b", 2, {"head looks up": 1}) for n in range(30))
    values: dict[str, Any] = dict.fromkeys(MEASURES, 0.5)
    judge = JudgeScores(*[0.5] * len(JUDGE_MEASURES))
    retrieval = RetrievalScores(32, 32, 0.1, 0.5, 0.875, 0.2, 0.6, 0.9)
    scores = Scores(
        **values, captions=40, seeds=2, held_out={}, judge=judge, retrieval=retrieval, groups={}, failed=failed
    )
    show(scores, Console(width=100, markup=False))
    lines = capsys.readouterr().out.splitlines()
    assert "captions with a pose that misses a condition: 30 of 40; the worst, with how many poses do:" in lines
    assert any("pose found by its caption, among 32: top 1, 5, 10" in x and "10.0, 50.0, 87.5 %" in x for x in lines)
    assert sum("[red]\\x1b: head looks up (1)" in line for line in lines) == WORST_LISTED
    assert lines[-1].strip() == "and 20 more; --json FILE lists all"


def test_poses_of_the_embedded_model_have_the_skeleton_s_bones(shapeless_weights: Path) -> None:
    register_schemas()
    sampler = load_model(to_config(compose_config(["+preset=fast", f"model.weights={shapeless_weights}"])))
    assert bone_length_error(make_poses(sampler, ["A person waving", "A person sitting"])).max() < 1e-5


def test_the_command_prints_and_writes_scores(
    shapeless_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "scores.json"
    settings = ["+preset=fast", f"model.weights={shapeless_weights}", "model.fit_bones=false"]
    assert main([*settings, "--library", "6", "--seeds", "2", *FEW, "--json", str(path)]) == 0
    captured = capsys.readouterr()
    shown = captured.out
    stages = captured.err.splitlines()
    assert ["2 of 2" in line for line in stages if "sampling 6 captions" in line] == [False, True]
    assert any("composing 50 training poses" in line for line in stages)
    assert "6 captions that training never saw, 2 seeds" in shown
    assert "reference: held-out library poses" in shown
    scores = json.loads(path.read_text())
    assert set(scores) == {
        *MEASURES,
        "captions",
        "seeds",
        "held_out",
        "groups",
        "judge",
        "retrieval",
        "failed",
        "without_known_words",
    }
    assert f"captions with a pose that misses a condition: {len(scores['failed'])} of 6" in shown
    assert sum(scores["held_out"].values()) >= 6
    assert scores["nearest_training_pose_of_new_ones_cm"] < scores["nearest_training_pose_cm"]
    assert 0 <= scores["conditions_met"] <= 1
    assert 0 < scores["chance_conditions_met"] < 0.7
    assert scores["bone_length_error_cm"] > 1
    assert scores["difference_of_seeds_cm"] > 0
    assert 0 <= scores["limb_in_trunk"] <= 1
    assert 0 < scores["balanced"] <= 1


def test_groups_and_numbers_of_demands_are_scored_apart(
    tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = "  group: {}\n  demands: {}\n  conditions: [{}]\n"
    (tmp_path / "mine.yaml").write_text(
        "A person:\n" + entry.format("easy", 1, "left_hand above head or left_hand below head")
        + "A person sitting:\n" + entry.format("hard", 2, "left_hand above head 9")
        + "A person arms:\n" + entry.format("hard", 1, "left_hand above head 8")
    )  # fmt: skip
    path = tmp_path / "scores.json"
    settings = [f"model.weights={tiny_weights}", "--conditions", str(tmp_path / "mine.yaml"), "--seeds", "2", *FEW]
    assert main([*settings, "--json", str(path)]) == 0
    groups = json.loads(path.read_text())["groups"]
    assert {label: each["captions"] for label, each in groups.items()} == {
        "easy": 1, "hard": 2, "1 demand": 2, "2 demands": 1,
    }  # fmt: skip
    assert groups["easy"] == {"captions": 1, "captions_met": 1.0, "control_captions_met": 1.0}
    assert groups["hard"]["captions_met"] == 0
    assert groups["1 demand"]["captions_met"] == 0.5
    assert "1 demand" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["harder_captions.yaml", "harder_captions_scored.yaml"])
def test_harder_captions_have_groups_and_demands(name: str) -> None:
    captions = read_captions(Path(__file__).parents[1] / name)
    assert {entry.group for entry in captions.values()} == {"actions", "several", "joints", "terse", "colloquial"}
    assert all(entry.demands for entry in captions.values())


def test_a_file_of_conditions_is_scored_and_captions_without_known_words_are_told(
    tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = ":\n  conditions: [left_hand above head or left_hand below head]\n"
    (tmp_path / "mine.yaml").write_text(f"A person sitting{entry}Zxqwv blarg{entry}")
    path = tmp_path / "scores.json"
    settings = [f"model.weights={tiny_weights}", "--conditions", str(tmp_path / "mine.yaml"), "--seeds", "1", *FEW]
    assert main([*settings, "--json", str(path)]) == 0
    scores = json.loads(path.read_text())
    assert scores["captions_met"] == 1
    assert scores["without_known_words"] == ["Zxqwv blarg"]
    assert "captions without any word that the model knows: 1 of 2, such as 'Zxqwv blarg'; " in capsys.readouterr().out
    assert main([f"model.weights={tiny_weights}", "limit=3", "--seeds", "1", *FEW, "--json", str(path)]) == 0
    assert json.loads(path.read_text())["captions"] == 3
    with pytest.raises(SystemExit, match="2"):
        main(["paths.prompts=mine.md"])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "- a list",
        "A person: {}",
        "A person:\n  conditions: [left_hand sings]\n",
        "A: {demands: many, conditions: [left_hand above head]}",
    ],
)
def test_a_file_without_conditions_is_refused(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.yaml").write_text(content)
    with pytest.raises(SystemExit) as ended:
        main(["--conditions", str(tmp_path / "bad.yaml")])
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_file_of_conditions_that_cannot_be_read_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "fifo.yaml")
    for name, reason in (("none.yaml", "no such file"), ("fifo.yaml", "is a FIFO, not a regular file")):
        with pytest.raises(SystemExit, match="2"):
            main(["--conditions", str(tmp_path / name)])
        line = f"error: {tmp_path / name}: {reason}; python -m mardm_batch.evaluate --help shows the format\n"
        assert capsys.readouterr().err == line


def test_a_file_of_scores_that_cannot_be_written_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--json", str(tmp_path / "absent" / "scores.json")])
    assert ended.value.code == 2
    assert "scores.json cannot be written to" in capsys.readouterr().err


def test_held_out_captions_are_different_and_have_conditions() -> None:
    samples = held_out_samples(20)
    assert len({sample.caption for sample in samples}) == 20
    assert all(sample.conditions and sample.held_out for sample in samples)


def test_copies_of_training_poses_are_found() -> None:
    rng = np.random.default_rng(2)
    trained = composed_poses(60, seed=1, processes=1)
    copies = trained[rng.permutation(60)[:20]] + rng.normal(0, 0.002, (20, 22, 3)).astype(np.float32)
    others = np.stack([np.linalg.norm(trained - each, axis=-1).mean(axis=-1).min() for each in copies])
    np.testing.assert_allclose(nearest_distances(copies, trained), others, atol=1e-6)
    assert others.max() < 0.005
    new = np.concatenate([sample.clip for sample in held_out_samples(20)])
    assert nearest_distances(new, trained).mean() > 0.03


def test_the_training_s_poses_are_those_of_its_recipe() -> None:
    recipe = yaml.safe_load((conf_dir() / "train.yaml").read_text())
    assert recipe["seed"] == TRAINING_SEED
    (clip,) = composed_clips(1, TRAINING_SEED, processes=1)
    np.testing.assert_allclose(
        composed_poses(1, TRAINING_SEED, processes=1)[0, :, 1].ravel()[1:], clip.features[16, 5::3], atol=1e-6
    )


def test_the_packaged_model_puts_the_feet_side_by_side_and_crosses_them_on_request() -> None:
    together = ["A person standing at attention", "A person standing at attention with feet together"]
    crossed = ["A person standing with the ankles crossed", "A person standing with crossed legs"]
    config = to_config(compose_config(["+preset=fast"]))
    sampler, of_seeds = load_model(config), []
    for sampler.seed in range(4):
        of_seeds.append(make_poses(sampler, together + crossed))
    poses = np.stack(of_seeds)
    uncrossed = parse("left_ankle left of right_ankle").holds(poses.reshape(-1, 22, 3)).reshape(4, 4)
    assert uncrossed[:, :2].mean() >= 0.75, uncrossed
    assert uncrossed[:, 2:].mean() <= 0.25, uncrossed
    assert parse("feet close 0.2").holds(poses[:, :2].reshape(-1, 22, 3)).mean() >= 0.75
