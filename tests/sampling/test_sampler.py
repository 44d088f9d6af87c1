"""Precision and batch size: what `auto` chooses, and that the choice changes what it says and no more."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.config.schema import Config
from mardm_batch.errors import ConfigurationError
from mardm_batch.language.version import RULES_VERSION
from mardm_batch.model.text import CachedTextEncoder
from mardm_batch.pose.geometry import canonical_position
from mardm_batch.pose.sides import names_side
from mardm_batch.pose.skeleton import JOINT_INDEX
from mardm_batch.prompts.names import Prompt
from mardm_batch.registries import register_schemas
from mardm_batch.sampling.batching import sample_poses
from mardm_batch.sampling.device import bfloat16_is_faster
from mardm_batch.sampling.sampler import load_sampler

register_schemas()

CAPTIONS = ["A person sitting", "A person with raised arms", "A person"]


def config_of(*words: str) -> Config:
    return to_config(compose_config(list(words)))


def middle_poses(clips: np.ndarray) -> np.ndarray:
    return clips[:, clips.shape[1] // 2]


@pytest.mark.parametrize(
    ("words", "fast", "expected"),
    [
        ([], True, "float32"),
        (["model=mardm_sit_xl"], True, "bfloat16"),
        (["model=mardm_ddpm_xl"], True, "bfloat16"),
        (["model=mardm_sit_xl"], False, "float32"),
        (["sampling.precision=bfloat16"], False, "bfloat16"),
        (["model=mardm_sit_xl", "sampling.precision=float32"], True, "float32"),
    ],
)
def test_auto_takes_bfloat16_for_the_published_models_where_it_is_fast(
    words: list[str], fast: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mardm_batch.sampling.device.bfloat16_is_faster", lambda device: fast)
    config = config_of(*words)
    assert config.model.choose_precision(config.sampling.precision, "cpu") == expected


@pytest.mark.parametrize(
    ("flags", "fast"),
    [("fpu avx2 avx512f avx512_bf16", True), ("fpu amx_bf16 amx_tile", True), ("fpu avx2 avx512f", False)],
)
def test_a_processor_s_flags_say_whether_bfloat16_is_fast(
    flags: str, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: f"processor : 0\nflags : {flags}\n")
    assert bfloat16_is_faster("cpu") is fast


def test_where_nothing_tells_bfloat16_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(path: Path, encoding: str) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", absent)
    assert not bfloat16_is_faster("cpu")


@pytest.mark.parametrize(
    ("words", "device", "expected"),
    [
        (["model.solver=dopri5"], "cpu", (1, 1)),
        ([], "cpu", (32, 128)),
        (["model=mardm_sit_xl"], "cpu", (8, 256)),
        (["model=mardm_ddpm_xl"], "cuda:1", (64, 1024)),
    ],
)
def test_large_networks_start_small_and_may_grow(words: list[str], device: str, expected: tuple[int, int]) -> None:
    assert config_of(*words).model.batch_bounds(device) == expected


@pytest.mark.parametrize(("words", "expected"), [(["sampling.batch_size=5"], 5), (["+preset=lowmem"], 4)])
def test_a_batch_size_of_the_settings_is_fixed(words: list[str], expected: int, tiny_weights: Path) -> None:
    sampler = load_sampler(config_of(*words, f"model.weights={tiny_weights}"), cpu_threads=1)
    assert (sampler.batch_size, sampler.largest_batch) == (expected, expected)
    assert sampler.describe(expected + 1) == f"{sampler.describe(expected)}, {expected} at once"


def test_bfloat16_moves_joints_a_little_and_says_so(tiny_weights: Path) -> None:
    exact, rounded = (
        load_sampler(config_of(f"model.weights={tiny_weights}", f"sampling.precision={precision}"), cpu_threads=1)
        for precision in ("float32", "bfloat16")
    )
    assert "float32" in exact.describe(1)
    assert rounded.model.precision == "bfloat16"
    assert exact.model.networks.mean.dtype == rounded.model.networks.mean.dtype == torch.float32
    clips, others = exact.sample(CAPTIONS, [0, 0, 0]), rounded.sample(CAPTIONS, [0, 0, 0])
    assert others.dtype == np.float32
    assert 0 < np.abs(clips - others).max() < 0.05 * np.abs(clips - clips[[1, 2, 0]]).max()


def test_only_a_large_text_encoder_reads_the_job_up_front(tiny_weights: Path, tmp_path: Path) -> None:
    sampler = load_sampler(config_of(f"model.weights={tiny_weights}"), cpu_threads=1)
    sampler.model.cache_text_embeddings(CAPTIONS, tmp_path, "all")
    assert not isinstance(sampler.model.networks.text_encoder, CachedTextEncoder)
    assert list(tmp_path.iterdir()) == []
    sampler.model.clear_text_embeddings()


def test_what_a_caption_leaves_open_is_shown_on_either_side() -> None:
    sampler = load_sampler(config_of(), 1)
    captions = ["A person waving", "A person waving with the right hand", "Left arm raised"]
    shown = set()
    for seed in range(12):
        sampler.seed = seed
        poses = middle_poses(sampler.sample(captions, [0, 0, 0]))
        left, right = (poses[:, JOINT_INDEX[f"{side}_wrist"], 1] for side in ("left", "right"))
        shown.add(bool(left[0] > right[0]))
        assert left[1] < right[1]
        assert left[2] > right[2]
    assert shown == {True, False}


def test_a_caption_is_read_in_known_words_also_where_sides_are_concerned() -> None:
    model, exact = (load_sampler(config_of(f"model.rewriting={value}"), 1).model for value in ("true", "false"))
    typed, meant = "A persn with the lefft arm raised, the right arm not raised", "A person with the left arm raised"
    assert model.read(typed).text == f"{meant}, the right arm down at the side"
    assert model.unknown_words(typed) == []
    assert exact.unknown_words(typed) == ["persn", "lefft"]
    keys = list(range(6))
    shown = model.generate([typed] * 6, keys, 16)
    np.testing.assert_array_equal(shown, exact.generate([model.read(typed).text] * 6, keys, 16))
    assert names_side(model.read("the lefft arm raised").text)


def test_the_rules_of_reading_are_part_of_the_provenance_of_poses() -> None:
    rules = [config_of(f"model.rewriting={value}").model.provenance()["rewriting"] for value in ("true", "false")]
    assert rules == [RULES_VERSION, 0]


def test_a_pose_beyond_human_limits_is_not_usable_where_the_settings_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mardm_batch.model.mardm.within_limits", lambda poses: np.arange(len(poses)) != 1)
    limited, free = (load_sampler(config_of(f"model.joint_limits={value}"), 1) for value in ("true", "false"))
    clips = free.sample(CAPTIONS, [0, 0, 0])
    assert limited.model.acceptable(clips).tolist() == [True, False, True]
    assert free.model.acceptable(clips).all()
    clips[0, 3] = np.nan
    assert limited.model.acceptable(clips).tolist() == [
        False,
        True,
        False,
    ]  # now the last is the second that is looked at
    assert free.model.acceptable(clips).tolist() == [False, True, True]
    assert (limited.model.max_attempts, free.model.max_attempts) == (3, 2)


def test_an_attempt_is_other_noise_for_its_caption_alone() -> None:
    sampler = load_sampler(config_of(), 1)
    first, other = sampler.sample(CAPTIONS, [0, 0, 0]), sampler.sample(CAPTIONS, [0, 1, 0])
    np.testing.assert_array_equal(other[[0, 2]], first[[0, 2]])
    assert np.abs(other[1] - first[1]).max() > 0.01


def test_what_is_not_usable_comes_with_the_noise_of_its_next_attempt(
    tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []

    def all_but_the_second_at_first(poses: np.ndarray) -> np.ndarray:
        looks.append(len(poses))
        return np.arange(len(poses)) != (1 if len(looks) == 1 else -1)

    monkeypatch.setattr("mardm_batch.model.mardm.within_limits", all_but_the_second_at_first)
    sampler = load_sampler(config_of(f"model.weights={tiny_weights}", "sampling.min_agreement=null"), 1)
    prompts = [Prompt(str(number), caption) for number, caption in enumerate(CAPTIONS)]
    results = {each.prompt.name: each for each in sample_poses(prompts, sampler, lambda *told: None)}
    assert looks == [3, 1]
    assert {name: each.attempt for name, each in results.items()} == {"0": 0, "1": 1, "2": 0}
    expected = canonical_position(middle_poses(sampler.sample(CAPTIONS, [0, 1, 0])))
    for number, joints in enumerate(expected):
        np.testing.assert_allclose(results[str(number)].joints, joints, atol=1e-5)


def test_dopri5_without_its_package_is_refused_before_the_model_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchdiffeq", None)
    for model in ("embedded", "mardm_sit_xl"):
        with pytest.raises(ConfigurationError) as refusal:
            load_sampler(config_of(f"model={model}", "model.solver=dopri5"), 1)
        assert str(refusal.value) == (
            "model.solver=dopri5: needs the package torchdiffeq; pip install 'mardm-batch[dopri5]'"
        )
