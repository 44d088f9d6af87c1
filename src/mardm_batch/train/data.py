"""Training clips as arrays, drawn by their source's share. Axes: n clips, t frames, f features."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from mardm_batch.library.clips import Clip, composed_clips
from mardm_batch.library.held_out import is_held_out
from mardm_batch.pose.features import FEATURE_SIZE
from mardm_batch.train.clips import recorded_clips
from mardm_batch.train.mocap import Recording, read_bvh_folder, read_clips
from mardm_batch.train.settings import DataSettings

CLIPS_FILE: Final = "clips.pt"
_LEAST_POSITION_STD: Final = 0.02
_LEAST_VELOCITY_STD: Final = 0.005
"""Feature scales below these (metres, radians a frame) would blow up what is hardly there in still clips."""


@dataclass(frozen=True)
class Motions:
    """All clips: features (n, t, f) not normalised, their scales (f,), and how a clip is drawn.

    `captions` and `sides` are those of each `Clip`.
    """

    features: Tensor
    mean: Tensor
    std: Tensor
    cumulative: Tensor
    captions: tuple[tuple[str, ...], ...]
    sides: tuple[tuple[int, ...], ...]

    @staticmethod
    def from_sources(sources: Sequence[tuple[float, Sequence[Clip]]]) -> "Motions":
        """Sources as (share, clips); empty ones leave their share to the others."""
        present = [(share, clips) for share, clips in sources if share > 0 and clips]
        clips = [clip for _, source in present for clip in source]
        features = torch.from_numpy(np.stack([clip.features for clip in clips]))
        weights = torch.cat(
            [torch.full((len(source),), share / len(source), dtype=torch.float64) for share, source in present]
        )
        mean, std = _scales(features, (weights / weights.sum()).float())
        captions, sides = (tuple(each) for each in zip(*((clip.captions, clip.sides) for clip in clips), strict=True))
        return Motions(features, mean, std, weights.cumsum(0) / weights.sum(), captions, sides)

    def __len__(self) -> int:
        return len(self.features)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Numbers of `count` clips, with replacement, each source by its share."""
        where = torch.rand(count, generator=generator, dtype=torch.float64)
        return torch.searchsorted(self.cumulative, where).clamp(max=len(self) - 1)

    def normalised(self, rows: Tensor) -> Tensor:
        """Features (b, t, f) of the clips `rows`, as the networks read them."""
        return (self.features[rows] - self.mean) / self.std

    def unnormalised(self, features: Tensor) -> Tensor:
        """The features of joints that normalised ones (…, f) stand for."""
        return features * self.std + self.mean


def read_motions(
    settings: DataSettings, seed: int, folder: Path, resume: bool, given: tuple[Tensor, Tensor] | None = None
) -> Motions:
    """Everything that is trained on, always the same for the same seed; kept in `folder` for `resume`.

    The features' mean and scale are those `given`, else their own. Without the kept clips (CLIPS_FILE) `resume` makes
    them anew, so that a grown library can be trained on, but the scales stay those that the autoencoder began with.
    Nothing that is held out is among them. Raises InputError where recorded motion cannot be read.
    """
    clips, scales = folder / CLIPS_FILE, folder / "scales.pt"
    if resume and clips.exists():
        kept = torch.load(clips, weights_only=True)
        return Motions(**torch.load(scales, weights_only=True), **kept)
    recordings = [each for each in read_recordings(settings) if not is_held_out("recording", each.name)]
    motions = Motions.from_sources(
        [
            (settings.mocap_share, recorded_clips(recordings, settings.mocap_stride, seed)),
            (1 - settings.mocap_share, composed_clips(settings.composed_clips, seed, settings.processes)),
        ]
    )
    if given is not None:
        motions = replace(motions, mean=given[0], std=given[1])
    elif resume and scales.exists():
        motions = replace(motions, **torch.load(scales, weights_only=True))
    torch.save({"mean": motions.mean, "std": motions.std}, scales)
    names = ("features", "cumulative", "captions", "sides")
    partial = clips.with_suffix(".partial")
    torch.save({name: getattr(motions, name) for name in names}, partial)
    partial.replace(clips)
    return motions


def read_unseen_motions(settings: DataSettings, seed: int, motions: Motions) -> Motions | None:
    """The recordings that are held out, as `motions` are; None where there are none."""
    recordings = [each for each in read_recordings(settings) if is_held_out("recording", each.name)]
    clips = recorded_clips(recordings, settings.mocap_stride, seed)
    return replace(Motions.from_sources([(1.0, clips)]), mean=motions.mean, std=motions.std) if clips else None


def read_recordings(settings: DataSettings) -> list[Recording]:
    """All recorded motion that the settings name."""
    recordings = read_clips(Path(settings.mocap).expanduser()) if settings.mocap is not None else []
    return recordings + (read_bvh_folder(Path(settings.bvh).expanduser()) if settings.bvh is not None else [])


def _scales(features: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean and standard deviation (f,) over clips and frames."""
    mean = torch.einsum("ntf,n->f", features, weights) / features.shape[1]
    square = torch.einsum("ntf,n->f", (features - mean).square(), weights) / features.shape[1]
    least = torch.full((FEATURE_SIZE,), _LEAST_POSITION_STD)
    least[:3] = _LEAST_VELOCITY_STD
    return mean, torch.maximum(square.sqrt(), least)
