"""The embedded model: its speed, and the errors of its solver and of bfloat16. Axis: b captions."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mardm_batch.benchmark.figures import EmbeddedFigures
from mardm_batch.config.schema import Config
from mardm_batch.pose.geometry import Joints, canonical_position
from mardm_batch.sampling.sampler import load_sampler


def measure_embedded(config: Config, captions: Sequence[str], threads: int, with_dopri5: bool) -> EmbeddedFigures:
    """Milliseconds per pose, and the errors against dopri5 and float32."""
    sampler = load_sampler(config, threads)
    sampler.sample(captions[:1], [0])
    started = time.perf_counter()
    for start in range(0, len(captions), sampler.largest_batch):
        batch = captions[start : start + sampler.largest_batch]
        sampler.sample(batch, [0] * len(batch))
    ms_per_pose = 1000 * (time.perf_counter() - started) / len(captions)

    poses = sample_poses(config, captions, threads)
    bfloat16 = replace(config, sampling=replace(config.sampling, precision="bfloat16"))
    dopri5_error = None
    if with_dopri5:
        dopri5 = replace(config, model=replace(config.model, solver="dopri5", solver_steps=None))
        dopri5_error = error_mm(poses, sample_poses(dopri5, captions, threads))
    return EmbeddedFigures(ms_per_pose, error_mm(poses, sample_poses(bfloat16, captions, threads)), dopri5_error)


def error_mm(poses: Joints, others: Joints) -> float:
    """Mean joint distance between poses (b, 22, 3), millimetres."""
    return 1000 * float(np.linalg.norm(poses - others, axis=-1).mean())


def sample_poses(config: Config, captions: Sequence[str], threads: int) -> Joints:
    """Poses (b, 22, 3), sampled as one batch."""
    sampler = load_sampler(config, threads)
    clips = sampler.sample(captions, [0] * len(captions))
    return canonical_position(clips[:, sampler.chosen_frame(clips)])
