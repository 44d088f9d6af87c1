"""Training clips composed from the pose library, with captions. Axes: t frames, f features.

A clip has `CLIP_FRAMES` frames; its captions describe the middle one.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import repeat
from typing import Final

import numpy as np
import numpy.typing as npt

from mardm_batch.library.describe import add_details, describe
from mardm_batch.library.library import load_library
from mardm_batch.pose.features import joints_to_features
from mardm_batch.system.workers import Workers

CLIP_FRAMES: Final = 32
_REPHRASINGS: Final = 5
"""Further captions of a composed clip in other words; in one more, details of its joints are added."""
_DESCRIPTIONS: Final = 2
"""Captions of a composed clip by its joints alone."""
_CHUNK_SIZE: Final = 100
"""Clips that share a random generator, so that the number of processes does not change them."""


@dataclass(frozen=True)
class Clip:
    """Features (t, f), not normalised, and captions of the middle frame.

    A caption that does not name a side is always trained with the same side, so that it has one meaning: `sides` is -1
    for captions that go with the clip's mirror image, and 0 or 1 for others. (Sampling mirrors every other pose of such
    captions.)
    """

    features: npt.NDArray[np.float32]
    captions: tuple[str, ...]
    sides: tuple[int, ...]


def composed_clips(
    count: int, seed: int, processes: int, report: Callable[[int], None] = lambda composed: None
) -> list[Clip]:
    """`count` random clips of held poses of the library, none of them held out; composed by `processes` processes.

    `report` is called with the number of clips so far.
    """
    sizes = [min(_CHUNK_SIZE, count - start) for start in range(0, count, _CHUNK_SIZE)]
    clips: list[Clip] = []
    with ExitStack() as stack:
        compose: Callable[..., Iterator[list[Clip]]] = map
        if processes > 1 and len(sizes) > 1:
            pool = Workers(processes)
            stack.callback(pool.shutdown, cancel_futures=True)  # an interruption waits for what is begun alone
            compose = pool.map
        for chunk in compose(_compose_chunk, sizes, repeat(seed), range(len(sizes))):
            clips += chunk
            report(len(clips))
    return clips


def composed_poses(
    count: int, seed: int, processes: int, report: Callable[[int], None] = lambda composed: None
) -> npt.NDArray[np.float32]:
    """The poses (count, 22, 3) in the middle of `composed_clips`."""
    clips = composed_clips(count, seed, processes, report)
    return np.stack([pose_of_frame(clip.features[CLIP_FRAMES // 2]) for clip in clips])


def _compose_chunk(size: int, seed: int, chunk: int) -> list[Clip]:
    rng = np.random.default_rng([seed, chunk])
    library = load_library()
    samples = [library.sample(rng, CLIP_FRAMES, held_out=False) for _ in range(size)]
    poses = np.stack([sample.clip[CLIP_FRAMES // 2] for sample in samples])
    captions = [
        [(sample.caption, sample.open_side or 0), *(library.rephrase(sample, rng) for _ in range(_REPHRASINGS))]
        for sample in samples
    ]
    detailed = add_details([library.rephrase(sample, rng) for sample in samples], poses, rng)
    described = [describe(poses, rng) for _ in range(_DESCRIPTIONS)]
    return [
        # Composed poses face +Z, also when they lie on the side, so their heading is known.
        Clip(
            joints_to_features(sample.clip, np.zeros(CLIP_FRAMES)),
            *zip(*own, more, *((each.caption, each.open_side) for each in measured), strict=True),
        )
        for sample, own, more, measured in zip(samples, captions, detailed, zip(*described, strict=True), strict=True)
    ]


def pose_of_frame(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The joints (22, 3) of one frame's features (f,), facing +Z."""
    return np.concatenate([[0.0, features[3], 0.0], features[4:]]).reshape(-1, 3).astype(np.float32)
