"""What a failing batch costs: faults are injected into the sampler, the rest is the real main path."""

import signal
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.dataset.records import Failure, Pose
from mardm_batch.generate import sampling_threads
from mardm_batch.prompts.names import Prompt
from mardm_batch.registries import register_schemas
from mardm_batch.sampling.batching import sample_poses
from mardm_batch.system.signals import Interrupted, defer_signals, raise_on_signals

PROMPTS = tuple(Prompt(f"pose_{number}", f"A person {number}") for number in range(10))


def told(seconds: float, device: str, device_memory_mb: float) -> None:
    """Takes what the main path tells of its batches."""
    assert seconds >= 0


BEYOND = 77.0
"""Stands for a joint beyond human limits."""


class FaultySampler:
    """Samples fixed clips, unless `fault` raises or spoils them."""

    frame_index = 4
    max_attempts = 2

    def __init__(self, batch_size: int, fault: Callable[[Sequence[str], Sequence[int], np.ndarray], None]) -> None:
        self.batch_size = self.largest_batch = batch_size
        self.fault = fault
        self.model = self
        self.sizes: list[int] = []

    def sample(self, captions: Sequence[str], attempts: Sequence[int]) -> np.ndarray:
        self.sizes.append(len(captions))
        clips = np.random.default_rng(0).normal(size=(len(captions), 8, 22, 3)).astype(np.float32)
        self.fault(captions, attempts, clips)
        return clips

    def acceptable(self, clips: np.ndarray) -> np.ndarray:
        return np.isfinite(clips).all(axis=(1, 2, 3)) & (clips[:, 0, 0, 0] != BEYOND)

    device = "cpu"

    def device_memory_mb(self) -> float:
        return 0.0

    def is_out_of_memory(self, error: Exception) -> bool:
        return isinstance(error, torch.cuda.OutOfMemoryError)


def outcomes(sampler: FaultySampler) -> dict[str, Pose | Failure]:
    results = {}
    for result in sample_poses(PROMPTS, sampler, told):
        name = result.name if isinstance(result, Failure) else result.prompt.name
        assert name not in results, "made twice"
        results[name] = result
    assert results.keys() == {prompt.name for prompt in PROMPTS}
    return results


@pytest.mark.parametrize("bad", [0, 3, 9])
def test_one_bad_caption_costs_only_itself(bad: int) -> None:
    def fault(captions: Sequence[str], attempts: Sequence[int], clips: np.ndarray) -> None:
        if f"A person {bad}" in captions:
            raise ValueError("cannot be read")

    results = outcomes(FaultySampler(4, fault))
    failed = [result for result in results.values() if isinstance(result, Failure)]
    assert failed == [Failure(f"A person {bad}", f"pose_{bad}", "sample", "ValueError: cannot be read")]


def test_out_of_memory_halves_the_batches_that_follow() -> None:
    def fault(captions: Sequence[str], attempts: Sequence[int], clips: np.ndarray) -> None:
        if len(captions) > 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    sampler = FaultySampler(8, fault)
    assert all(isinstance(result, Pose) for result in outcomes(sampler).values())
    assert sampler.sizes == [8, 4, 2, 2, 2, 2, 2]


def test_out_of_memory_for_a_single_pose_is_its_failure() -> None:
    def fault(captions: Sequence[str], attempts: Sequence[int], clips: np.ndarray) -> None:
        if "A person 5" in captions:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    results = outcomes(FaultySampler(4, fault))
    assert [name for name, result in results.items() if isinstance(result, Failure)] == ["pose_5"]


def test_what_is_not_finite_is_sampled_once_more_with_other_noise() -> None:
    def fault(captions: Sequence[str], attempts: Sequence[int], clips: np.ndarray) -> None:
        for row, (caption, attempt) in enumerate(zip(captions, attempts, strict=True)):
            if caption == "A person 2" and attempt == 0:
                clips[row, 7, 3, 1] = np.nan
            if caption == "A person 6":
                clips[row, 0, 0, 0] = np.inf

    results = outcomes(FaultySampler(4, fault))
    again, never = results["pose_2"], results["pose_6"]
    assert isinstance(again, Pose)
    assert again.attempt == 1
    assert isinstance(never, Failure)
    assert (never.stage, "not finite" in never.error) == ("sample", True)
    others = [result for name, result in results.items() if name not in ("pose_2", "pose_6")]
    assert all(isinstance(result, Pose) and result.attempt == 0 for result in others)


def test_what_is_sampled_anew_goes_with_the_next_batch_and_the_last_try_is_taken() -> None:
    def fault(captions: Sequence[str], attempts: Sequence[int], clips: np.ndarray) -> None:
        for row, (caption, attempt) in enumerate(zip(captions, attempts, strict=True)):
            if caption == "A person 6" or caption == "A person 2" and attempt == 0:
                clips[row, 0, 0, 0] = BEYOND

    sampler = FaultySampler(4, fault)
    results = outcomes(sampler)
    assert sampler.sizes == [4, 4, 4]  # of ten, and two of them again
    assert all(isinstance(result, Pose) for result in results.values())
    again = {"pose_2", "pose_6"}
    assert {name for name, result in results.items() if isinstance(result, Pose) and result.attempt == 1} == again


@pytest.mark.parametrize(
    ("settings", "cores", "threads"),
    [([], 1, 1), ([], 2, 1), ([], 16, 8), (["render.enabled=false"], 2, 2), (["model=mardm_sit_xl"], 2, 2)],
)
def test_the_embedded_model_leaves_cores_to_the_pictures(settings: list[str], cores: int, threads: int) -> None:
    register_schemas()
    assert sampling_threads(to_config(compose_config(settings)), cores) == threads


def test_a_signal_that_is_held_back_interrupts_afterwards() -> None:
    done = []
    with raise_on_signals(), pytest.raises(Interrupted) as stopped:  # noqa: PT012
        with defer_signals():
            signal.raise_signal(signal.SIGTERM)
            done.append("what must not stay half done")
        done.append("what comes after")
    assert done == ["what must not stay half done"]
    assert stopped.value.exit_code == 143
