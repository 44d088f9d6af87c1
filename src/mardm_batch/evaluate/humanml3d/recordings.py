"""The recordings of HumanML3D's test split with their captions. Axes: t frames, f features."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.constants import FRAMES_PER_TOKEN
from mardm_batch.errors import InputError
from mardm_batch.pose.humanml3d import HUMANML3D_FEATURE_SIZE
from mardm_batch.pose.skeleton import FRAMES_PER_SECOND
from mardm_batch.system.files import read_regular

SHORTEST, LONGEST = 40, 199
"""Frames of the recordings that are used, at least and at most."""
LONGEST_CLIP: Final = LONGEST // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN
"""Frames of the longest clip that is cut out of one."""


@dataclass(frozen=True)
class Description:
    """A caption, and its words with their parts of speech, `person/NOUN`."""

    caption: str
    tokens: tuple[str, ...]


@dataclass(frozen=True)
class Recording:
    """Features (t, 263), and what is said of them."""

    features: NDArray[np.float32]
    descriptions: tuple[Description, ...]


@dataclass(frozen=True)
class Draw:
    """A clip cut out of a recording, and one of its descriptions."""

    features: NDArray[np.float32]
    description: Description


@dataclass(frozen=True)
class Split:
    """The recordings of a split; `unusable` counts those of the list that are missing or cannot be read."""

    recordings: tuple[Recording, ...]
    unusable: int

    def draw(self, rng: np.random.Generator) -> list[Draw]:
        """Of each recording, in random order, a clip and a description.

        As published: a clip has a multiple of 4 frames, the most that the recording has or, one time in three, 4 fewer.
        """
        draws = []
        for number in rng.permutation(len(self.recordings)):
            recording = self.recordings[number]
            frames = len(recording.features) // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN
            frames -= FRAMES_PER_TOKEN * (rng.integers(3) == 0)
            start = rng.integers(len(recording.features) - frames + 1)
            description = recording.descriptions[rng.integers(len(recording.descriptions))]
            draws.append(Draw(recording.features[start : start + frames], description))
        return draws


def read_split(folder: Path) -> Split:
    """The test split of HumanML3D: its list, `new_joint_vecs/ID.npy` and `texts/ID.txt`.

    A description of a part of a recording, by its seconds, makes a recording of its own.

    Raises:
        InputError: the list cannot be read, or there is no recording.
    """
    listed = folder / "test.txt"
    try:
        names = read_regular(listed).decode("utf-8").split()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise InputError(
            f"{listed}: {reason}; --dataset names the folder of HumanML3D, with test.txt, new_joint_vecs and texts"
        ) from None
    recordings: list[Recording] = []
    unusable = 0
    for name in names:
        try:
            recordings += _read_recording(folder, name)
        except (OSError, ValueError, IndexError, EOFError):
            unusable += 1
    if not recordings:
        raise InputError(
            f"{folder}: none of the {len(names)} recordings of test.txt can be used; a recording is "
            f"new_joint_vecs/ID.npy, of {HUMANML3D_FEATURE_SIZE} numbers a frame, and texts/ID.txt"
        )
    return Split(tuple(recordings), unusable)


def _read_recording(folder: Path, name: str) -> list[Recording]:
    content = read_regular(folder / "new_joint_vecs" / f"{name}.npy")
    features = np.asarray(np.load(BytesIO(content), allow_pickle=False), dtype=np.float32)
    if features.ndim != 2 or features.shape[1] != HUMANML3D_FEATURE_SIZE or not np.isfinite(features).all():
        raise ValueError(f"not finite numbers (frames, {HUMANML3D_FEATURE_SIZE})")
    if not _is_used(features):
        return []
    parts, whole = [], []
    for line in read_regular(folder / "texts" / f"{name}.txt").decode("utf-8").splitlines():
        if not line.strip():
            continue
        caption, words, start, end = line.strip().split("#")[:4]
        description = Description(caption, tuple(words.split(" ")))
        begins, ends = (0.0 if np.isnan(float(each)) else float(each) for each in (start, end))
        part = features[int(begins * FRAMES_PER_SECOND) : int(ends * FRAMES_PER_SECOND)]
        if begins == 0.0 and ends == 0.0:
            whole.append(description)
        elif _is_used(part):
            parts.append(Recording(part, (description,)))
    return [*parts, Recording(features, tuple(whole))] if whole else parts


def _is_used(features: Sequence[object] | NDArray[np.float32]) -> bool:
    return SHORTEST <= len(features) <= LONGEST
