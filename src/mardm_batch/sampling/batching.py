"""Prompts to poses, batch after batch, with retries. No torch here."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mardm_batch.dataset.records import Failure, Pose
from mardm_batch.pose.geometry import canonical_position, frame_change
from mardm_batch.prompts.names import Prompt
from mardm_batch.sampling.batch_size import BatchSize

if TYPE_CHECKING:
    from mardm_batch.sampling.sampler import PoseSampler

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SamplingAttempt:
    """A pose to be sampled, for the first time or, as what came was not usable, with other noise."""

    prompt: Prompt
    attempt: int = 0


def sample_poses(
    prompts: Sequence[Prompt], sampler: "PoseSampler", sampled: Callable[[float, str, float], None]
) -> Iterator[Pose | Failure]:
    """Sample batch after batch; what is to be sampled anew goes with the next one.

    `sampled` is told of each batch its seconds, the device and the most memory (MB) that was taken there.

    A batch that fails is tried again in halves, so that one bad caption costs only itself; where memory runs out, the
    batches that follow are smaller too.
    """
    size = BatchSize(sampler.batch_size, sampler.largest_batch)
    waiting, halves = deque(map(SamplingAttempt, prompts)), deque[Sequence[SamplingAttempt]]()
    while waiting or halves:
        batch = halves.popleft() if halves else [waiting.popleft() for _ in range(min(size.now, len(waiting)))]
        started = time.perf_counter()
        try:
            results = sample_batch(batch, sampler)
        except Exception as error:
            if len(batch) == 1:
                log.debug("sampling failed", exc_info=error)
                yield failure(batch[0].prompt, f"{type(error).__name__}: {error}")
                continue
            half = (len(batch) + 1) // 2
            if sampler.model.is_out_of_memory(error) and half < size.now:
                size.limit(half)
                log.warning("out of memory with %d poses at once: going on with %d", len(batch), half)
                waiting.extendleft(reversed(batch))
            else:
                halves.extendleft((batch[half:], batch[:half]))
            continue
        seconds = time.perf_counter() - started
        size.sampled(len(batch), seconds)
        sampled(seconds, sampler.model.device, sampler.model.device_memory_mb())
        for result in results:
            if isinstance(result, SamplingAttempt):
                waiting.appendleft(result)
            else:
                yield result


def sample_batch(batch: Sequence[SamplingAttempt], sampler: "PoseSampler") -> list[Pose | Failure | SamplingAttempt]:
    """Clips of a batch, and of each the one frame in canonical position, or the next trial where it is not usable.

    The last trial's pose is taken where it is finite, usable or not.
    """
    clips = sampler.sample([trial.prompt.caption for trial in batch], [trial.attempt for trial in batch])
    usable = sampler.model.acceptable(clips)  # (b,)
    with np.errstate(invalid="ignore"):  # not all need be finite
        joints = canonical_position(clips[:, sampler.frame_index])  # (b, 22, 3)
        changes = frame_change(clips, sampler.frame_index)  # (b,)
    results: list[Pose | Failure | SamplingAttempt] = []
    for row, trial in enumerate(batch):
        if not usable[row] and trial.attempt + 1 < sampler.model.max_attempts:
            results.append(replace(trial, attempt=trial.attempt + 1))
        elif np.isfinite(clips[row]).all():
            pose = Pose(trial.prompt, joints[row], sampler.frame_index, trial.attempt, float(changes[row]))
            results.append(pose)
        else:
            results.append(failure(trial.prompt, "joints are not finite, with other noise too"))
    return results


def failure(prompt: Prompt, error: str) -> Failure:
    return Failure(prompt.caption, prompt.name, "sample", error)
