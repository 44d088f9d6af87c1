"""Clips composed from the pose library, with their captions. Axes: t frames, f features.

A clip has `CLIP_FRAMES` frames, and its captions describe the middle one.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import Final

import numpy as np
import numpy.typing as npt

from mardm_batch.library.describe import describe, elaborate
from mardm_batch.library.library import load_library
from mardm_batch.pose.features import joints_to_features

CLIP_FRAMES: Final = 32


_SAID_AGAIN: Final = 3
"""Further captions of a composed clip; two more tell or add what is measured of its joints."""


_CHUNK: Final = 100
"""Composed clips that share a random generator, so that the number of processes changes nothing."""


@dataclass(frozen=True)
class Clip:
    """Features (t, f), not normalised, and the captions that are true of the middle frame.

    What a caption leaves open is shown on one side only, so that it means one pose: `sides` has -1 for a caption that
    is to be read with the clip's mirror image where it names no side. (Sampling turns every other pose of such captions
    round.)
    """

    features: npt.NDArray[np.float32]
    captions: tuple[str, ...]
    sides: tuple[int, ...]


def composed_clips(count: int, seed: int, processes: int) -> list[Clip]:
    """`count` random poses of the library, held for the length of a clip; none that is held out."""
    sizes = [min(_CHUNK, count - start) for start in range(0, count, _CHUNK)]
    if processes == 1 or len(sizes) < 2:
        chunks = [_compose_chunk(size, seed, chunk) for chunk, size in enumerate(sizes)]
    else:
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
            chunks = list(pool.map(_compose_chunk, sizes, repeat(seed), range(len(sizes))))
    return [clip for chunk in chunks for clip in chunk]


def composed_poses(count: int, seed: int, processes: int) -> npt.NDArray[np.float32]:
    """The middle poses (count, 22, 3) of the first `count` clips that a training with this seed composes."""
    clips = composed_clips(count, seed, processes)
    return np.stack([pose_of_frame(clip.features[CLIP_FRAMES // 2]) for clip in clips])


def _compose_chunk(size: int, seed: int, chunk: int) -> list[Clip]:
    rng = np.random.default_rng([seed, chunk])
    library = load_library()
    samples = [library.sample(rng, CLIP_FRAMES, held_out=False) for _ in range(size)]
    poses = np.stack([sample.clip[CLIP_FRAMES // 2] for sample in samples])
    said = [
        [(sample.caption, sample.open_side or 0), *(library.say_again(sample, rng) for _ in range(_SAID_AGAIN))]
        for sample in samples
    ]
    elaborated = elaborate([library.say_again(sample, rng) for sample in samples], poses, rng)
    described = [(description.caption, description.open_side) for description in describe(poses, rng)]
    return [
        # Composed poses face +Z whichever way they lie, so their heading need not be guessed.
        Clip(joints_to_features(sample.clip, np.zeros(CLIP_FRAMES)), *zip(*others, more, measured, strict=True))
        for sample, others, more, measured in zip(samples, said, elaborated, described, strict=True)
    ]


def pose_of_frame(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The joints (22, 3) of one frame's features (f,), facing +Z."""
    return np.concatenate([[0.0, features[3], 0.0], features[4:]]).reshape(-1, 3).astype(np.float32)
