"""Scores of a model: do its poses meet the conditions of their captions, and are they human poses?

Axes: s seeds, n captions, 22 joints, 3 coordinates.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mardm_batch.config.schema import Config
from mardm_batch.dataset.records import Failure
from mardm_batch.errors import InputError
from mardm_batch.evaluate.agreement import JudgeScores, score_judge
from mardm_batch.evaluate.captions import EvaluationSet, held_out_samples
from mardm_batch.evaluate.nearest import nearest_distances
from mardm_batch.evaluate.retrieval import RetrievalScores, score_retrieval
from mardm_batch.judge.judge import load_judge
from mardm_batch.library.clips import composed_poses
from mardm_batch.pose.balance import is_balanced, limb_in_trunk, may_rest
from mardm_batch.pose.conditions import Condition
from mardm_batch.pose.geometry import Joints, bone_length_error, canonical_position, diversity, lowest_joint_height
from mardm_batch.pose.joint_limits import within_limits
from mardm_batch.pose.skeleton import NUM_JOINTS
from mardm_batch.prompts.names import Prompt
from mardm_batch.sampling.batching import sample_poses
from mardm_batch.system.processes import available_cores
from mardm_batch.system.terminal import counted

if TYPE_CHECKING:
    from mardm_batch.sampling.sampler import PoseSampler

FLOOR_TOLERANCE = 0.03
"""Metres that the lowest joint of a pose on the floor may be above or below it."""
DISCRIMINATIVE_SHARE = 0.5
"""A condition is discriminative if at most this share of arbitrary poses meets it."""
TRAINING_SEED = 3407
"""Seed of `conf/train.yaml`, by which the training poses of the embedded model are composed again."""
NEW_POSES = 300
"""Held-out poses of the library: the reference for chance and for the distance between unrelated poses."""


@dataclass(frozen=True)
class FailedCaption:
    """A caption of which some poses do not meet every condition."""

    caption: str
    poses: int
    """Number of its poses, of one a seed, that fail."""
    conditions: Mapping[str, int]
    """Number of the poses that fail it, by condition."""


@dataclass(frozen=True)
class GroupScores:
    """Of captions with one label: their number, and the shares of their poses that meet every condition."""

    captions: int
    captions_met: float
    control_captions_met: float
    """By the conditions of the other captions of the whole evaluation."""


@dataclass(frozen=True)
class Scores:
    """Shares are from 0 to 1, lengths in centimetres. The control scores poses by the conditions of other captions."""

    captions: int
    seeds: int
    discriminative_conditions_met: float
    """Share of the conditions that at most half of the held-out library poses meet."""
    control_discriminative_conditions_met: float
    conditions_met: float
    captions_met: float
    """Share of the poses that meet all conditions of their caption."""
    control_conditions_met: float
    control_captions_met: float
    chance_conditions_met: float
    """Share of the conditions that arbitrary library poses meet: about the control of a perfect model."""
    bone_length_error_cm: float
    on_floor: float
    within_joint_limits: float
    balanced: float
    """Share of the poses that neither sit nor lie whose centre of mass is above what is on the floor."""
    limb_in_trunk: float
    """Share of the poses in which a forearm, a hand or a shin goes through the trunk."""
    difference_of_seeds_cm: float | None
    """Mean joint distance between the poses of one caption with different seeds; None for one seed."""
    diversity_cm: float | None
    """Mean joint distance between the poses of different captions; None for one caption."""
    nearest_training_pose_cm: float
    """Mean joint distance to the nearest of the composed training poses."""
    nearest_training_pose_of_new_ones_cm: float
    """The same for held-out library poses, as a reference."""
    held_out: Mapping[str, int]
    """Number of captions by what about them is held out of training."""
    judge: JudgeScores
    """Of the judge of agreement."""
    retrieval: RetrievalScores
    """Of captions and poses by that judge."""
    groups: Mapping[str, GroupScores]
    """By the labels of the captions; empty where they have none."""
    failed: tuple[FailedCaption, ...]
    """The captions that failed, the worst first."""
    without_known_words: tuple[str, ...] = ()
    """The captions without any word that the model knows, of which a run makes no pose; scored all the same."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def evaluate(
    config: Config,
    captions: EvaluationSet,
    seeds: int,
    training_poses: int,
    report: Callable[[str], None] = lambda stage: None,
) -> Scores:
    """Sample every caption with `seeds` consecutive seeds, beginning with the configuration's, and score the poses.

    They are compared with the first `training_poses` poses of the embedded model's training. `report` is called with
    what is done next.

    Raises:
        InputError: a pose cannot be sampled, or the model's files are missing or broken.
    """
    texts = list(captions.conditions)
    report("loading the model")
    sampler, of_seeds = load_model(config), []
    for offset in range(seeds):
        report(f"sampling {counted(len(texts), 'caption')} with seed {config.seed + offset}, {offset + 1} of {seeds}")
        sampler.seed = config.seed + offset
        of_seeds.append(make_poses(sampler, texts))
    poses = np.stack(of_seeds)  # (s, n, 22, 3)
    all_poses = poses.reshape(-1, *poses.shape[2:])  # (s * n, 22, 3)
    report(f"composing {NEW_POSES} held-out poses as a reference")
    new = reference_poses()
    report(f"composing {training_poses:,} training poses to compare with")
    trained = trained_poses(training_poses)
    report(f"scoring {counted(len(all_poses), 'pose')}")
    upright = ~may_rest(all_poses)
    conditions = list(captions.conditions.values())
    shares = [score(conditions, of_seed) for of_seed in poses]
    discriminative_only = discriminative(conditions, new)
    discriminative_shares = [score(discriminative_only, of_seed) for of_seed in poses]
    return Scores(
        captions=len(texts),
        seeds=seeds,
        discriminative_conditions_met=float(np.mean([each.conditions for each in discriminative_shares])),
        control_discriminative_conditions_met=float(
            np.mean([each.control_conditions for each in discriminative_shares])
        ),
        conditions_met=float(np.mean([each.conditions for each in shares])),
        captions_met=float(np.mean([each.captions for each in shares])),
        control_conditions_met=float(np.mean([each.control_conditions for each in shares])),
        control_captions_met=float(np.mean([each.control_captions for each in shares])),
        chance_conditions_met=float(np.mean([each.holds(new).mean() for listed in conditions for each in listed])),
        bone_length_error_cm=100 * float(bone_length_error(all_poses).mean()),
        on_floor=float((np.abs(lowest_joint_height(all_poses)) <= FLOOR_TOLERANCE).mean()),
        within_joint_limits=float(within_limits(all_poses).mean()),
        balanced=float(is_balanced(all_poses[upright]).mean()) if upright.any() else 1.0,
        limb_in_trunk=float(limb_in_trunk(all_poses).mean()),
        difference_of_seeds_cm=mean_cm([diversity(each) for each in poses.swapaxes(0, 1)]),
        diversity_cm=mean_cm([diversity(poses[0])]),
        nearest_training_pose_cm=100 * float(nearest_distances(all_poses, trained).mean()),
        nearest_training_pose_of_new_ones_cm=100 * float(nearest_distances(new, trained).mean()),
        held_out=dict(captions.held_out),
        judge=score_judge(captions.conditions, poses),
        retrieval=score_retrieval(load_judge(), texts, poses),
        groups=group_scores([captions.labels.get(text, ()) for text in texts], shares),
        failed=failed_captions(captions.conditions, poses),
        without_known_words=tuple(text for text in texts if not sampler.model.knows_a_word(text)),
    )


def mean_cm(distances: Sequence[float | None]) -> float | None:
    """The mean of distances in metres, in centimetres; None where none could be measured."""
    measured = [each for each in distances if each is not None]
    return 100 * float(np.mean(measured)) if measured else None


@cache
def reference_poses() -> Joints:
    """Held-out poses of the library (NEW_POSES, 22, 3)."""
    return canonical_position(np.concatenate([sample.clip for sample in held_out_samples(NEW_POSES)]))


@cache
def trained_poses(count: int) -> Joints:
    """The first poses (count, 22, 3) of the embedded model's training."""
    return canonical_position(composed_poses(count, TRAINING_SEED, available_cores()))


def failed_captions(captions: Mapping[str, Sequence[Condition]], poses: Joints) -> tuple[FailedCaption, ...]:
    """The captions of which a pose of (s, n, 22, 3) does not meet a condition, those with the most such poses first."""
    failed = []
    for number, (caption, conditions) in enumerate(captions.items()):
        fails = np.array(
            [~condition.holds(poses[:, number]) for condition in conditions], dtype=bool
        )  # (conditions, s)
        if fails.any():
            counts = {each.text: int(count) for each, count in zip(conditions, fails.sum(axis=1), strict=True) if count}
            failed.append(FailedCaption(caption, int(fails.any(axis=0).sum()), counts))
    return tuple(sorted(failed, key=lambda each: (-each.poses, -sum(each.conditions.values()))))


def load_model(config: Config) -> "PoseSampler":
    """The sampler of a run with these settings. Raises InputError where the model's files are missing or broken."""
    from mardm_batch.sampling.sampler import load_sampler  # imports torch

    return load_sampler(config, config.cpu_threads or available_cores())


def make_poses(sampler: "PoseSampler", captions: Sequence[str]) -> Joints:
    """The poses (n, 22, 3), metres, that a run would write. Raises InputError where one cannot be sampled."""
    prompts = [Prompt(str(number), caption) for number, caption in enumerate(captions)]
    poses = np.zeros((len(captions), NUM_JOINTS, 3), np.float32)
    for result in sample_poses(prompts, sampler, lambda seconds, device, memory: None):
        if isinstance(result, Failure):
            raise InputError(f"no pose of {result.caption!r}: {result.error}")
        poses[int(result.prompt.name)] = result.joints
    return poses


def discriminative(conditions: Sequence[Sequence[Condition]], poses: Joints) -> list[tuple[Condition, ...]]:
    """The conditions of each caption that at most half of these arbitrary poses (m, 22, 3) meet."""
    share_met = {each: each.holds(poses).mean() for listed in conditions for each in listed}
    return [tuple(each for each in listed if share_met[each] <= DISCRIMINATIVE_SHARE) for listed in conditions]


@dataclass(frozen=True)
class Shares:
    """Share of all conditions that are met, share of the captions all of whose conditions are met, and the control."""

    conditions: float
    captions: float
    control_conditions: float
    control_captions: float
    of_captions: NDArray[np.float64]
    """(2, n): of each caption 1 where its pose meets all conditions, else 0; and its control."""


def group_scores(labels: Sequence[Sequence[str]], shares: Sequence[Shares]) -> dict[str, GroupScores]:
    """The scores by label; `labels` of each of n captions, `shares` of each seed."""
    of_captions = np.mean([each.of_captions for each in shares], axis=0)  # (2, n)
    groups = {}
    for label in sorted({label for each in labels for label in each}):
        rows = [number for number, each in enumerate(labels) if label in each]
        met, control = of_captions[:, rows].mean(axis=1)
        groups[label] = GroupScores(len(rows), float(met), float(control))
    return groups


def score(conditions: Sequence[Sequence[Condition]], poses: Joints) -> Shares:
    """Score pose i of (n, 22, 3) by the conditions of caption i.

    The control scores it by the conditions of every other caption: the average over all exchanges of the captions.
    """
    met = {each: each.holds(poses) for listed in conditions for each in listed}  # (n,) for each condition
    others = max(len(poses) - 1, 1)
    own, control, captions, control_captions = [], [], [], []
    for number, listed in enumerate(conditions):
        rows = np.array([met[each] for each in listed], dtype=bool).reshape(len(listed), len(poses))
        all_met: NDArray[np.bool_] = np.asarray(rows.all(axis=0))  # (n,)
        own += [*rows[:, number]]
        control += [*(rows.sum(axis=1) - rows[:, number]) / others]
        captions.append(all_met[number])
        control_captions.append((all_met.sum() - all_met[number]) / others)
    own_share, captions_share, control_share, control_captions_share = (
        float(np.mean(each)) if each else 1.0 for each in (own, captions, control, control_captions)
    )
    return Shares(
        conditions=own_share,
        captions=captions_share,
        control_conditions=control_share,
        control_captions=control_captions_share,
        of_captions=np.array([captions, control_captions], dtype=float),
    )
