"""Of several candidates for a caption the one that agrees best with it is kept, whatever else is in its batch."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.sampling.test_batching import BEYOND, FaultySampler, record_batch

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.config.schema import Config
from mardm_batch.dataset.records import Failure, Pose
from mardm_batch.errors import ConfigurationError
from mardm_batch.prompts.names import Prompt
from mardm_batch.registries import register_schemas
from mardm_batch.sampling.adjusting import Adjustment
from mardm_batch.sampling.batching import sample_poses
from mardm_batch.sampling.candidates import best_candidate
from mardm_batch.sampling.provenance import settings_provenance
from mardm_batch.sampling.sampler import load_sampler

register_schemas()

PROMPTS = tuple(Prompt(f"pose_{number}", f"A person {number}") for number in range(5))
CAPTIONS = ("A person sitting", "A person with the left arm raised", "A person kneeling", "A person waving")


class HeightJudge:
    """Agrees the more, the higher the first joint."""

    def scores(self, captions: Sequence[str], joints: np.ndarray) -> list[float | None]:
        return [round(float(each[0, 1]), 3) for each in joints]


class ChoosingSampler(FaultySampler):
    """Samples clips whose first joint is as high as `height` of their caption and the number of their noise."""

    judge = HeightJudge()

    def __init__(self, candidates: int, height: Callable[[str, int], float], batch_size: int = 4) -> None:
        super().__init__(batch_size, self.place)
        self.candidates, self.height = candidates, height
        self.chooses_poses = candidates > 1

    def place(self, captions: Sequence[str], numbers: Sequence[int], clips: np.ndarray) -> None:
        for row, each in enumerate(zip(captions, numbers, strict=True)):
            clips[row, :, 0, 1] = self.height(*each)


def sampled(sampler: FaultySampler) -> dict[str, Pose | Failure]:
    results = list(sample_poses(PROMPTS, sampler, record_batch))
    named = {each.name if isinstance(each, Failure) else each.prompt.name: each for each in results}
    assert len(named) == len(results) == len(PROMPTS)
    return named


@pytest.mark.parametrize("batch_size", [1, 4, 7, 64])
def test_the_best_of_the_candidates_is_kept(batch_size: int) -> None:
    sampler = ChoosingSampler(3, lambda caption, number: {0: 0.2, 2: 0.6, 4: 0.4}[number], batch_size)
    poses = sampled(sampler).values()
    assert [(each.agreement, each.candidate) for each in poses if isinstance(each, Pose)] == [(0.6, 1)] * 5
    assert sum(sampler.sizes) == 3 * len(PROMPTS)
    assert max(sampler.sizes) <= batch_size


def test_of_equal_candidates_the_first_is_kept() -> None:
    poses = sampled(ChoosingSampler(3, lambda caption, number: 0.5)).values()
    assert [each.candidate for each in poses if isinstance(each, Pose)] == [0] * 5


def test_one_candidate_is_the_pose_as_ever() -> None:
    poses = sampled(ChoosingSampler(1, lambda caption, number: 0.1 * number)).values()
    assert [(each.candidate, each.attempt) for each in poses if isinstance(each, Pose)] == [(None, 0)] * 5


def test_a_candidate_that_is_not_acceptable_is_sampled_again_and_comes_last() -> None:
    sampler = ChoosingSampler(2, lambda caption, number: {0: 0.9, 1: 0.8, 2: 0.1}[number])

    def beyond_limits(captions: Sequence[str], numbers: Sequence[int], clips: np.ndarray) -> None:
        sampler.place(captions, numbers, clips)
        clips[[number < 2 for number in numbers], 0, 0, 0] = BEYOND

    sampler.fault = beyond_limits
    poses = sampled(sampler).values()
    assert [(each.candidate, each.agreement) for each in poses if isinstance(each, Pose)] == [(1, 0.1)] * 5


def test_candidates_that_are_not_finite_drop_out() -> None:
    def height(caption: str, number: int) -> float:
        return np.nan if number >= 2 or caption.endswith("3") else 0.3

    results = sampled(ChoosingSampler(2, height))
    assert isinstance(results["pose_3"], Failure)
    others = [each for name, each in results.items() if name != "pose_3"]
    assert [each.candidate for each in others if isinstance(each, Pose)] == [0] * 4


def test_a_candidate_that_raises_makes_a_failure_of_the_prompt() -> None:
    def height(caption: str, number: int) -> float:
        if caption.endswith("2") and number == 2:
            raise ValueError("cannot be read")
        return 0.3

    results = sampled(ChoosingSampler(2, height))
    assert [name for name, each in results.items() if isinstance(each, Failure)] == ["pose_2"]


def test_candidates_without_agreement_are_alike() -> None:
    poses = [Pose(PROMPTS[0], np.zeros((22, 3), np.float32), 4, 0, candidate=number) for number in range(3)]
    assert best_candidate(poses) is poses[0]


def config_of(*words: str) -> Config:
    return to_config(compose_config(["+preset=fast", *words]))


def test_candidates_are_part_of_the_provenance_where_there_are_several() -> None:
    assert "candidates" not in settings_provenance(config_of()).sampling
    sampling = settings_provenance(config_of("sampling.candidates=3")).sampling
    assert sampling["candidates"] == 3
    assert len(sampling["judge"]) == 64


def test_at_least_one_candidate_is_sampled() -> None:
    with pytest.raises(ConfigurationError, match="sampling.candidates=0"):
        config_of("sampling.candidates=0")


def test_the_first_candidate_is_the_pose_of_a_run_without_others(fluent_weights: Path) -> None:
    prompts = [Prompt(str(number), caption) for number, caption in enumerate(CAPTIONS)]
    single, several, alone = (
        {
            pose.prompt.name: pose
            for chosen in batches
            for pose in sample_poses(
                chosen, load_sampler(config_of(f"model.weights={fluent_weights}", words), 1), record_batch
            )
            if isinstance(pose, Pose)
        }
        for words, batches in (
            ("sampling.candidates=1", [prompts]),
            ("sampling.candidates=3", [prompts]),
            ("sampling.candidates=3", [prompts[2:], prompts[:2]]),
        )
    )
    for name, pose in several.items():
        assert (pose.agreement or 0.0) >= (single[name].agreement or 0.0)
        if pose.candidate == 0:
            np.testing.assert_allclose(pose.joints, single[name].joints, atol=1e-4)
        assert (pose.agreement, pose.candidate) == (alone[name].agreement, alone[name].candidate)
        np.testing.assert_allclose(pose.joints, alone[name].joints, atol=1e-4)


def demanding(height: Callable[[str, int], float], candidates: int = 1) -> ChoosingSampler:
    """Samples further candidates where the pose agrees with its caption by less than 0.5."""
    sampler = ChoosingSampler(candidates, height)
    sampler.min_agreement, sampler.chooses_poses = 0.5, True
    return sampler


@pytest.mark.parametrize(
    ("agreements", "kept"),
    [([0.5, 0.9, 0.9, 0.9], 0), ([0.1, 0.2, 0.6, 0.9], 2), ([0.1, 0.4, 0.3, 0.2], 1), ([0.1, 0.1, 0.1, 0.5], 3)],
)
def test_where_a_pose_does_not_convince_up_to_three_more_are_sampled(
    agreements: Sequence[float], kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mardm_batch.sampling.batching.is_possible", lambda joints: np.ones(len(joints), bool))
    sampler = demanding(lambda caption, number: agreements[number // 2])  # of two attempts each
    poses = sampled(sampler).values()
    assert [(each.agreement, each.candidate) for each in poses if isinstance(each, Pose)] == [
        (agreements[kept], kept)
    ] * 5
    needed = next((n for n, each in enumerate(agreements, 1) if each >= 0.5), 4)
    assert sum(sampler.sizes) == needed * len(PROMPTS)


def test_further_candidates_follow_those_that_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mardm_batch.sampling.batching.is_possible", lambda joints: np.ones(len(joints), bool))
    poses = sampled(demanding(lambda caption, number: 0.1 * (number // 2), candidates=2)).values()
    assert [each.candidate for each in poses if isinstance(each, Pose)] == [4] * 5  # 0.4 is the most of five


def test_a_pose_that_could_not_stand_is_sampled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mardm_batch.sampling.batching.is_possible", lambda joints: joints[:, 0, 1] > 0.75)
    sampler = demanding(lambda caption, number: {0: 0.6, 2: 0.7, 4: 0.8}.get(number, 0.9))
    assert [each.candidate for each in sampled(sampler).values() if isinstance(each, Pose)] == [2] * 5


def test_a_pose_that_misses_what_its_caption_states_is_sampled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Adjuster:
        """Changes nothing; poses of which the first joint is below 0.75 miss a statement."""

        def adjust(self, captions: Sequence[str], joints: np.ndarray) -> tuple[np.ndarray, list[Adjustment]]:
            return joints, [Adjustment(missed=("hands on floor",) if each[0, 1] < 0.75 else ()) for each in joints]

    monkeypatch.setattr("mardm_batch.sampling.batching.is_possible", lambda joints: np.ones(len(joints), bool))
    sampler = demanding(lambda caption, number: {0: 0.6, 2: 0.7, 4: 0.8}.get(number, 0.9))
    sampler.adjuster = Adjuster()
    assert [each.candidate for each in sampled(sampler).values() if isinstance(each, Pose)] == [2] * 5
