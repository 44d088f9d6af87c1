"""Training clips as tensors, and how they are drawn. Axes: n clips, t frames, f features, b batch."""

from collections.abc import Callable, Sequence
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
from mardm_batch.train.files import CLIPS_FILE, SCALES_FILE, save_atomically
from mardm_batch.train.mocap import Recording, read_bvh_folder, read_clips
from mardm_batch.train.settings import DataSettings

_MIN_POSITION_STD: Final = 0.02
_MIN_VELOCITY_STD: Final = 0.005
"""Lower bounds of the features' scales (metres, radians a frame): smaller ones would amplify noise of still clips."""


@dataclass(frozen=True)
class Motions:
    """All clips of a training.

    Attributes:
        features: (n, t, f), not normalised.
        mean: (f,) by which features are normalised.
        std: (f,) by which features are normalised.
        cumulative: (n,) cumulative probabilities with which clips are drawn.
        captions: of each clip, as `Clip.captions`.
        sides: of each clip, as `Clip.sides`.
    """

    features: Tensor
    mean: Tensor
    std: Tensor
    cumulative: Tensor
    captions: tuple[tuple[str, ...], ...]
    sides: tuple[tuple[int, ...], ...]

    @staticmethod
    def from_sources(sources: Sequence[tuple[float, Sequence[Clip]]]) -> "Motions":
        """From sources (share, clips); the share of an empty source goes to the others."""
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
        """Indices (count,) of random clips, with replacement, from each source by its share."""
        positions = torch.rand(count, generator=generator, dtype=torch.float64)
        return torch.searchsorted(self.cumulative, positions).clamp(max=len(self) - 1)

    def normalised(self, rows: Tensor) -> Tensor:
        """Normalised features (b, t, f) of the clips with indices `rows` (b,)."""
        return (self.features[rows] - self.mean) / self.std

    def unnormalised(self, features: Tensor) -> Tensor:
        """Features (…, f) from normalised ones."""
        return features * self.std + self.mean


def read_motions(
    settings: DataSettings,
    seed: int,
    folder: Path,
    resume: bool,
    scales: tuple[Tensor, Tensor] | None = None,
    report: Callable[[int], None] = lambda composed: None,
    write: Callable[[], Sequence[Clip]] = tuple,
) -> Motions:
    """All clips to train on, without held-out ones; the same for the same seed. They are saved for `resume`.

    Args:
        settings: sources of clips.
        seed: of the composed clips and of captions.
        folder: the training's folder.
        resume: load the saved clips; where CLIPS_FILE is absent, as after it was deleted because the library has grown,
            they are made again and normalised with the saved scales.
        scales: mean and standard deviation to normalise with; by default those of the clips.
        report: called with the number of clips composed so far.
        write: makes the clips of written captions, where they have a share.

    Raises:
        InputError: recorded motion cannot be read.
    """
    clips_file, scales_file = folder / CLIPS_FILE, folder / SCALES_FILE
    if resume and clips_file.exists():
        saved = torch.load(clips_file, weights_only=True)
        return Motions(**torch.load(scales_file, weights_only=True), **saved)
    recordings = [each for each in read_recordings(settings) if not is_held_out("recording", each.name)]
    composed_share = 1 - settings.mocap_share - settings.written_share
    motions = Motions.from_sources(
        [
            (settings.mocap_share, recorded_clips(recordings, settings.mocap_stride, seed)),
            (settings.written_share, write() if settings.written_share else ()),
            (composed_share, composed_clips(settings.composed_clips, seed, settings.processes, report)),
        ]
    )
    if scales is not None:
        motions = replace(motions, mean=scales[0], std=scales[1])
    elif resume and scales_file.exists():
        motions = replace(motions, **torch.load(scales_file, weights_only=True))
    save_atomically({"mean": motions.mean, "std": motions.std}, scales_file)
    names = ("features", "cumulative", "captions", "sides")
    save_atomically({name: getattr(motions, name) for name in names}, clips_file)
    return motions


def read_held_out_motions(settings: DataSettings, seed: int, motions: Motions) -> Motions | None:
    """Clips of the held-out recordings, normalised as `motions`; None where there are none."""
    recordings = [each for each in read_recordings(settings) if is_held_out("recording", each.name)]
    clips = recorded_clips(recordings, settings.mocap_stride, seed)
    return replace(Motions.from_sources([(1.0, clips)]), mean=motions.mean, std=motions.std) if clips else None


def read_recordings(settings: DataSettings) -> list[Recording]:
    """All recordings that the settings name."""
    recordings = read_clips(Path(settings.mocap).expanduser()) if settings.mocap is not None else []
    return recordings + (read_bvh_folder(Path(settings.bvh).expanduser()) if settings.bvh is not None else [])


def _scales(features: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean and standard deviation (f,) over clips and frames."""
    mean = torch.einsum("ntf,n->f", features, weights) / features.shape[1]
    square = torch.einsum("ntf,n->f", (features - mean).square(), weights) / features.shape[1]
    min_std = torch.full((FEATURE_SIZE,), _MIN_POSITION_STD)
    min_std[:3] = _MIN_VELOCITY_STD
    return mean, torch.maximum(square.sqrt(), min_std)
