"""Prompts to poses, batch after batch: candidates, retries, an end to faults that hit every caption. No torch here."""

import logging
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from mardm_batch.dataset.records import Failure, Pose
from mardm_batch.errors import first_line
from mardm_batch.judge.judge import Judge
from mardm_batch.pose.balance import is_possible
from mardm_batch.pose.geometry import canonical_position, frame_change
from mardm_batch.prompts.names import Prompt
from mardm_batch.sampling.adjusting import Adjustment, clip_of_pose
from mardm_batch.sampling.batch_size import BatchSize
from mardm_batch.sampling.candidates import NOT_FINITE, Candidates, SamplingAttempt

if TYPE_CHECKING:
    from mardm_batch.sampling.sampler import PoseSampler

log = logging.getLogger(__name__)

FAILURES_BEFORE_PROBES: Final = 12
"""Failures in a row, all alike, after which single captions from all over the list are sampled next."""
PROBES: Final = 12
NO_REJECTIONS: Final[Mapping[str, int]] = MappingProxyType({})


SamplingResult = Pose | Failure | SamplingAttempt
"""A pose, the failure of one, or the next attempt at it."""


class SamplingQueue:
    """The attempts that are to be sampled: batches whose poses are fixed, and after them all others in their order."""

    def __init__(
        self, prompts: Sequence[Prompt], rejections: Mapping[str, int] = NO_REJECTIONS, candidates: int = 1
    ) -> None:
        """`candidates` for each prompt, one after the other; prompts whose clips are of one length together."""
        lengths = {length: place for place, length in enumerate(dict.fromkeys(each.frames for each in prompts))}
        self.waiting = deque(
            SamplingAttempt(each, rejections=rejections.get(each.name, 0), candidate=candidate)
            for each in sorted(prompts, key=lambda prompt: lengths[prompt.frames])
            for candidate in range(candidates)
        )
        self.batches: deque[Sequence[SamplingAttempt]] = deque()

    def __len__(self) -> int:
        return len(self.waiting) + sum(map(len, self.batches))

    def left(self) -> Iterator[SamplingAttempt]:
        """All that are to be sampled yet."""
        return chain(*self.batches, self.waiting)

    def take(self, size: int) -> Sequence[SamplingAttempt]:
        """The next batch, of clips of one length and at most `size` poses unless its poses are fixed."""
        if self.batches:
            return self.batches.popleft()
        batch = [self.waiting.popleft()]
        while len(batch) < size and self.waiting and self.waiting[0].prompt.frames == batch[0].prompt.frames:
            batch.append(self.waiting.popleft())
        return batch

    def put_back(self, *attempts: SamplingAttempt) -> None:
        """Sample these with the next batch of those that wait."""
        self.waiting.extendleft(reversed(attempts))

    def put_halves(self, batch: Sequence[SamplingAttempt]) -> None:
        """Sample the halves of a batch next."""
        half = (len(batch) + 1) // 2
        self.batches.extendleft((batch[half:], batch[:half]))

    def put_probes(self, count: int) -> None:
        """Sample this many of those that wait next, each alone, evenly spaced over the rest of the list."""
        waiting = list(self.waiting)
        chosen = {round(place) for place in np.linspace(0, len(waiting) - 1, min(count, len(waiting)))}
        self.waiting = deque(attempt for place, attempt in enumerate(waiting) if place not in chosen)
        self.batches.extendleft([waiting[place]] for place in chosen)


@dataclass(frozen=True)
class Fault:
    """Why a batch gave no poses. Two faults are alike where their types and their messages or places agree."""

    kind: str
    """Type of the error; empty for joints that are not finite."""
    message: str
    place: tuple[str, int | None] | None = None
    """File and line that raised the error."""

    @staticmethod
    def of(error: Exception) -> "Fault":
        frames = traceback.extract_tb(error.__traceback__)
        place = (frames[-1].filename, frames[-1].lineno) if frames else None
        return Fault(type(error).__name__, first_line(error), place)

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.kind else self.message

    def is_alike(self, other: "Fault") -> bool:
        # A message may hold the caption, and an error of the GPU is raised wherever its work is waited for.
        return self.kind == other.kind and (self.message == other.message or self.place == other.place)


class FailureStreak:
    """Batches in a row that gave no pose, all for faults that are alike."""

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.count = self.poses = 0
        """Failures: batches that raised and poses that are not finite; and the poses among them."""
        self.probed = False
        """Whether captions from all over the list were put next since the streak began."""
        self.logged: list[Fault] = []

    def __str__(self) -> str:
        where = "; the log file has the traceback" if self.fault and self.fault.place else ""
        return f"the last {self.poses} poses failed alike ({self.fault}) and none succeeded{where}"

    def add(self, results: Sequence[SamplingResult]) -> None:
        """Count a batch that was sampled; a pose in it ends the streak."""
        failed = sum(isinstance(result, Failure) for result in results)
        if any(isinstance(result, Pose) for result in results):
            self.restart(None)
        elif failed:
            self.extend(Fault("", NOT_FINITE), failed, failed)

    def add_error(self, error: Exception, poses: int) -> None:
        """Count a batch that raised. The traceback of the first of several faults alike goes to the log file."""
        fault = Fault.of(error)
        self.extend(fault, 1, 1 if poses == 1 else 0)
        if not any(fault.is_alike(each) for each in self.logged):
            self.logged.append(fault)
            log.warning("sampling failed: %s; the log file has the traceback", fault, exc_info=error)

    def extend(self, fault: Fault, count: int, poses: int) -> None:
        if self.fault is None or not fault.is_alike(self.fault):
            self.restart(fault)
        self.count, self.poses = self.count + count, self.poses + poses

    def restart(self, fault: Fault | None) -> None:
        self.fault, self.count, self.poses, self.probed = fault, 0, 0, False

    @property
    def needs_probes(self) -> bool:
        return not self.probed and self.count >= FAILURES_BEFORE_PROBES

    @property
    def hits_every_caption(self) -> bool:
        return self.probed and self.count >= FAILURES_BEFORE_PROBES + PROBES


def sample_poses(
    prompts: Sequence[Prompt],
    sampler: "PoseSampler",
    record_batch: Callable[[float, str, float], None],
    rejections: Mapping[str, int] = NO_REJECTIONS,
) -> Iterator[Pose | Failure]:
    """The poses and failures of `sample_batches`, one after the other."""
    return chain.from_iterable(sample_batches(prompts, sampler, record_batch, rejections))


def sample_batches(
    prompts: Sequence[Prompt],
    sampler: "PoseSampler",
    record_batch: Callable[[float, str, float], None],
    rejections: Mapping[str, int] = NO_REJECTIONS,
) -> Iterator[Sequence[Pose | Failure]]:
    """Sample batch after batch; a pose whose clip is not acceptable is sampled again with the next one.

    A batch that raises is sampled again in halves, so that one bad caption costs only itself; where memory runs out,
    the batches that follow are smaller too. A fault that hits every caption ends the sampling: once a dozen failures
    in a row were alike, and those of a dozen captions from all over the list too, the rest is not sampled.

    Of several candidates for a prompt the one that agrees best with its caption is taken; where it does not convince
    a further one is sampled with the next batch. The size of a batch counts candidates.

    Args:
        record_batch: called with the duration of each batch in seconds, the device, and the peak of memory there in MB.
        rejections: by name the number of earlier poses that a review rejected.
    """
    queue = SamplingQueue(prompts, rejections, sampler.candidates)
    candidates = Candidates(sampler.candidates, sampler.min_agreement)
    size, streak = BatchSize(sampler.batch_size, sampler.largest_batch), FailureStreak()
    while queue:
        if streak.hits_every_caption:
            left = {attempt.prompt.name for attempt in queue.left()} | candidates.incomplete()
            log.error("sampling stopped: %s; %d were not sampled", streak, len(left))
            return
        if streak.needs_probes:
            queue.put_probes(PROBES)
            streak.probed = True
        batch = queue.take(size.current)
        started = time.perf_counter()
        try:
            results = sample_batch(batch, sampler)
        except Exception as error:
            half = (len(batch) + 1) // 2
            if len(batch) == 1:
                streak.add_error(error, poses=1)
                failure = sampling_failure(batch[0].prompt, f"{type(error).__name__}: {error}")
                if isinstance(chosen := candidates.add(batch[0], failure), Pose | Failure):
                    yield [chosen]
            elif sampler.model.is_out_of_memory(error) and half < size.current:
                size.limit(half)
                log.warning("out of memory with %d poses at once: continuing with %d", len(batch), half)
                queue.put_back(*batch)
            else:
                streak.add_error(error, poses=len(batch))
                queue.put_halves(batch)
            continue
        seconds = time.perf_counter() - started
        size.record(len(batch), seconds)
        record_batch(seconds, sampler.model.device, sampler.model.device_memory_mb())
        streak.add(results)
        done: list[Pose | Failure] = []
        for each, result in zip(batch, results, strict=True):
            outcome = result if isinstance(result, SamplingAttempt) else candidates.add(each, result)
            if isinstance(outcome, SamplingAttempt):
                queue.put_back(outcome)
            elif outcome is not None:
                done.append(outcome)
        yield done


def sample_batch(batch: Sequence[SamplingAttempt], sampler: "PoseSampler") -> list[SamplingResult]:
    """Sample the clips of a batch, all of one length, and take one frame of each in canonical position.

    A clip that is not acceptable gives the next attempt. At the last attempt it gives its pose where that is finite.
    The agreement of poses with their captions is measured.
    """
    captions, most = [each.prompt.caption for each in batch], sampler.model.max_attempts
    clips = sampler.sample(
        captions,
        [each.candidate * most + each.attempt for each in batch],
        [each.rejections for each in batch],
        [each.prompt.number for each in batch],
        batch[0].prompt.frames,
    )  # (b, T, 22, 3)
    acceptable = sampler.model.acceptable(clips)  # (b,)
    frame = sampler.chosen_frame(clips)
    with np.errstate(invalid="ignore"):  # not all need be finite
        joints = canonical_position(clips[:, frame])  # (b, 22, 3)
        changes = frame_change(clips, frame)  # (b,)
        adjustments = [Adjustment()] * len(batch)
        if sampler.adjuster:
            joints, adjustments = sampler.adjuster.adjust(captions, joints)
        possible = is_possible(joints)  # (b,)
    results: list[SamplingResult] = []
    for row, each in enumerate(batch):
        if not acceptable[row] and each.attempt + 1 < most:
            results.append(replace(each, attempt=each.attempt + 1))
        elif np.isfinite(clips[row]).all():
            pose = Pose(each.prompt, joints[row], frame, each.attempt, float(changes[row]))
            results.append(
                replace(
                    pose,
                    rejections=each.rejections,
                    clip=clip_of_pose(clips[row], frame, joints[row]) if sampler.keeps_clips else None,
                    adjusted_for=adjustments[row].adjusted_for,
                    shows_statements=not adjustments[row].missed,
                    candidate=each.candidate if sampler.chooses_poses else None,
                    acceptable=bool(acceptable[row]),
                    is_possible=bool(possible[row]),
                )
            )
        else:
            results.append(sampling_failure(each.prompt, NOT_FINITE))
    return with_agreement(results, sampler.judge)


def with_agreement(results: Sequence[SamplingResult], judge: Judge) -> list[SamplingResult]:
    """The results, the poses among them with their agreement."""
    poses = [result for result in results if isinstance(result, Pose)]
    if not poses:
        return list(results)
    scores = judge.scores([pose.prompt.caption for pose in poses], np.stack([pose.joints for pose in poses]))
    measured = iter(replace(pose, agreement=score) for pose, score in zip(poses, scores, strict=True))
    return [next(measured) if isinstance(result, Pose) else result for result in results]


def sampling_failure(prompt: Prompt, error: str) -> Failure:
    return Failure.of(prompt, "sample", error)
