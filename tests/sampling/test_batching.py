"""What a failing batch costs: faults are injected into the sampler, the rest is the real main path."""

import signal
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.dataset.records import Failure, Pose
from mardm_batch.library.posing import pose
from mardm_batch.pose.geometry import canonical_position, left_right_axis
from mardm_batch.pose.vectors import rotate_about_y
from mardm_batch.prompts.names import Prompt
from mardm_batch.registries import register_schemas
from mardm_batch.sampling.batching import SamplingQueue, sample_poses
from mardm_batch.sampling.cores import sampling_threads
from mardm_batch.system.signals import Interrupted, defer_signals, raise_on_signals

PROMPTS = tuple(Prompt(f"pose_{number}", f"A person {number}") for number in range(10))


MANY_PROMPTS = tuple(Prompt(f"pose_{number}", f"A person {number}") for number in range(1000))


def record_batch(seconds: float, device: str, device_memory_mb: float) -> None:
    """Takes the statistics of the batches."""
    assert seconds >= 0


BEYOND = 77.0
"""Stands for a joint beyond human limits."""


class IndifferentJudge:
    """Cannot judge any caption."""

    def scores(self, captions: Sequence[str], joints: np.ndarray) -> list[float | None]:
        return [None] * len(captions)


class FaultySampler:
    """Samples fixed clips, unless `fault` raises or spoils them."""

    candidates = 1
    min_agreement: float | None = None
    chooses_poses = False
    judge = IndifferentJudge()
    max_attempts = 2

    def __init__(self, batch_size: int, fault: Callable[[Sequence[str], Sequence[int], np.ndarray], None]) -> None:
        self.batch_size = self.largest_batch = batch_size
        self.fault = fault
        self.model = self
        self.sizes: list[int] = []

    keeps_clips = False
    adjuster: Any = None

    def chosen_frame(self, clips: np.ndarray) -> int:
        return 4

    def sample(self, captions: Sequence[str], attempts: Sequence[int], *numbers: object) -> np.ndarray:
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
    for result in sample_poses(PROMPTS, sampler, record_batch):
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


@pytest.mark.parametrize("frame", [0, 4, 7])
def test_a_pose_is_its_frame_facing_forward_the_last_one_too(frame: int) -> None:
    person = np.broadcast_to(pose({}), (8, 22, 3))
    turned = rotate_about_y(person, np.linspace(-1.5, 2.5, 8)[:, None])

    def fault(captions: Sequence[str], attempts: Sequence[int], clips: np.ndarray) -> None:
        clips[:] = turned + np.arange(8)[:, None, None] * (0.1, 0.0, 0.2)

    sampler = FaultySampler(4, fault)
    sampler.chosen_frame = lambda clips: frame
    for result in outcomes(sampler).values():
        assert isinstance(result, Pose)
        assert result.frame_index == frame
        np.testing.assert_allclose(result.joints, canonical_position(turned[frame]), atol=1e-5)
        axis, _ = left_right_axis(result.joints, 0.0)
        assert axis[0] > 0
        assert abs(axis[2]) < 1e-5


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


# A fault that hits every caption --------------------------------------------------------------------------------------


def test_a_fault_that_hits_every_caption_ends_the_sampling_after_a_few_dozen_calls(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fault(captions: Sequence[str], attempts: Sequence[int], clips: np.ndarray) -> None:
        raise ValueError(f"cannot encode {captions[0]}")

    sampler = FaultySampler(32, fault)
    results = list(sample_poses(MANY_PROMPTS, sampler, record_batch))
    assert len(sampler.sizes) <= 36
    assert all(isinstance(result, Failure) and result.error.startswith("ValueError: cannot") for result in results)
    numbers = [MANY_PROMPTS.index(Prompt(result.name, result.caption)) for result in results]
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) > 900  # captions of the whole list were tried
    (stopped,) = [record.getMessage() for record in caplog.records if "sampling stopped" in record.getMessage()]
    assert f"the last {len(results)} poses failed alike (ValueError: cannot encode" in stopped
    assert stopped.endswith(f"none succeeded; the log file has the traceback; {1000 - len(results)} were not sampled")
    (traceback,) = [record.exc_info for record in caplog.records if record.exc_info]
    assert isinstance(traceback[1], ValueError)


def test_joints_that_are_never_finite_end_the_sampling(caplog: pytest.LogCaptureFixture) -> None:
    def fault(captions: Sequence[str], attempts: Sequence[int], clips: np.ndarray) -> None:
        clips[:] = np.nan

    sampler = FaultySampler(32, fault)
    results = list(sample_poses(MANY_PROMPTS, sampler, record_batch))
    assert len(sampler.sizes) <= 36
    assert {result.error for result in results if isinstance(result, Failure)} == {
        "joints are not finite, with other noise too"
    }
    assert "sampling stopped" in caplog.text


@pytest.mark.parametrize("bad", [range(40, 140), range(0, 1000, 3)])
def test_many_bad_captions_cost_only_themselves(bad: range) -> None:
    captions_of_bad = {f"A person {number}" for number in bad}

    def fault(captions: Sequence[str], attempts: Sequence[int], clips: np.ndarray) -> None:
        if captions_of_bad & set(captions):
            raise ValueError("cannot be read")

    results = list(sample_poses(MANY_PROMPTS, FaultySampler(32, fault), record_batch))
    failed = [result.caption for result in results if isinstance(result, Failure)]
    assert sorted(failed) == sorted(captions_of_bad)
    made = [result.prompt.caption for result in results if isinstance(result, Pose)]
    assert sorted(failed + made) == sorted(prompt.caption for prompt in MANY_PROMPTS)


def test_a_device_that_fails_half_way_ends_the_sampling() -> None:
    calls = []

    def fault(captions: Sequence[str], attempts: Sequence[int], clips: np.ndarray) -> None:
        calls.append(len(captions))
        if len(calls) > 10:
            raise RuntimeError("CUDA error: unspecified launch failure\nand advice")

    results = list(sample_poses(MANY_PROMPTS, FaultySampler(32, fault), record_batch))
    assert sum(isinstance(result, Pose) for result in results) == 320
    assert len(calls) <= 46


def test_different_faults_are_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    def fault(captions: Sequence[str], attempts: Sequence[int], clips: np.ndarray) -> None:
        if {"A person 2", "A person 3"} & set(captions):
            raise ValueError("cannot be read")
        if "A person 8" in captions:
            raise KeyError("no such word")

    list(sample_poses(PROMPTS, FaultySampler(4, fault), record_batch))
    logged = [type(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert logged == [ValueError, KeyError]


def test_probes_are_spread_over_the_captions_that_wait() -> None:
    queue = SamplingQueue(MANY_PROMPTS)
    queue.put_probes(5)
    probes = [queue.take(32) for _ in range(5)]
    names = sorted(probe.prompt.name for (probe,) in probes)
    assert names == [
        "pose_0",
        "pose_250",
        "pose_500",
        "pose_749",
        "pose_999",
    ]
    assert len(queue) == 995
    few = SamplingQueue(PROMPTS[:3])
    few.put_probes(12)
    assert sorted(len(few.take(32)) for _ in range(3)) == [1, 1, 1]
    assert not few


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
