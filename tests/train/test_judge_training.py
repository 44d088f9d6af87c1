"""The judge learns from composed captions which conditions these state."""

from pathlib import Path

import numpy as np
import pytest

from mardm_batch.config.compose import compose_config, to_settings
from mardm_batch.errors import ExitCode
from mardm_batch.judge.judge import judged_conditions, load_judge
from mardm_batch.judge.network import CaptionNetwork
from mardm_batch.train.judge import main, train_judge
from mardm_batch.train.judge_data import JudgedConditions, choose_conditions, compose_captions, compose_poses, subjects
from mardm_batch.train.judge_network import TrainedCaptionNetwork
from mardm_batch.train.judge_settings import JudgeConfig, register_judge_schema

register_judge_schema()

TINY = ("threads=1", "poses=60", "captions=150", "steps=6", "batch_size=32", "vocabulary=300", "word_width=8",
        "width=16", "features=24")  # fmt: skip


@pytest.fixture(scope="module")
def judged() -> JudgedConditions:
    return choose_conditions(compose_poses(150, np.random.default_rng(3)))


def test_stronger_conditions_imply_weaker_ones_of_the_same_part(judged: JudgedConditions) -> None:
    texts = judged_conditions(judged.outputs)
    assert len(texts) == len(judged.shares)
    sided = texts[: len(judged.mirrored)]
    follow = {sided[place] for place in judged.stated["hands above head 0.1"]}
    assert any("above spine" in text or "above neck" in text or "above head" in text for text in follow)
    assert all(subjects(text) <= subjects("hands above head 0.1") for text in follow)
    assert not any("below head" in text for text in follow)
    implied = set(judged.implied)
    assert not any((second, first) in implied for first, second in implied)
    np.testing.assert_array_equal(judged.mirrored[judged.mirrored], np.arange(len(sided)))


def test_targets_of_an_open_side_are_half_on_both(judged: JudgedConditions) -> None:
    left = judged.targets(["left_hand above head"])
    right = judged.targets(["right_hand above head"])
    either = judged.targets(["right_hand above head or left_hand above head"])
    assert left.max() == 1.0
    # What follows from a condition is counted on poses, so that the sides may differ where it nearly always does.
    assert (left[judged.mirrored] == right).mean() > 0.99
    np.testing.assert_array_equal(either, either[judged.mirrored])
    sided = judged.mirrored != np.arange(len(judged.mirrored))
    certain = either == 1.0  # what follows from each
    assert (either == 0.5 * (left + right))[sided & ~certain].mean() > 0.99
    assert judged.targets(["zorbing"]).max() == 0.0


def test_captions_are_composed_without_poses() -> None:
    captions = compose_captions(60, np.random.default_rng(1))
    assert captions == compose_captions(60, np.random.default_rng(1))
    assert len({caption for caption, _ in captions}) > 55
    assert sum(bool(conditions) for _, conditions in captions) > 50


def test_the_network_computes_in_numpy_what_was_trained_in_torch() -> None:
    network = TrainedCaptionNetwork(vocabulary=9, outputs=5, word_width=4, width=6, features=7).eval()
    tokens = [[1], [1, 4, 5, 2], [1, 3, 3, 8, 9, 10, 11, 4], [1, 7]]
    expected = network(tokens).detach().numpy()
    found = CaptionNetwork(network.weights())
    np.testing.assert_allclose(found.logits(tokens), expected, atol=1e-5)
    np.testing.assert_allclose(found.logits(tokens[2:3]), expected[2:3], atol=1e-5)


def test_a_training_writes_a_judge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "judge.safetensors"
    assert main([*TINY, f"output={output}"]) == 0
    assert "MB" in capsys.readouterr().out
    judge = load_judge(output)
    (demands,) = judge.demands(["A person waving"])
    assert len(demands.places) == len(demands.weights)
    config = to_settings(compose_config([*TINY, f"output={output}"], name="judge"), JudgeConfig, "judge")
    assert train_judge(config) == output.read_bytes()


@pytest.mark.parametrize("word", ["steps=0", "output=judge.txt", "stepz=3", "output=nowhere/judge.safetensors"])
def test_a_mistake_is_one_line(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([word])
    assert ended.value.code == ExitCode.BAD_INPUT
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert word.partition("=")[0] in error
