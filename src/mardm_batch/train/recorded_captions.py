"""Captions of recorded motion: descriptions of a frame's joints, and the recording's own description."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from mardm_batch.library.describe import describe
from mardm_batch.pose.sides import swap_sides

_SUBJECTS: Final = ("A person", "A person", "A person", "Someone", "The person", "A man", "A woman")
_TEMPLATES: Final = ("{who} {action}", "{who} doing {action}", "{action}")


def recorded_captions(
    joints: npt.NDArray[np.floating], actions: Sequence[str], rng: np.random.Generator
) -> list[tuple[tuple[str, int], ...]]:
    """Captions with their open sides (`Description.open_side`) for each of the poses (n, 22, 3) of a recording.

    The poses face +Z; `actions` are those of `clip_actions`.
    """
    first, second = describe(joints, rng), describe(joints, rng)
    captions = []
    for one, other in zip(first, second, strict=True):
        own = [(one.caption, one.open_side), (other.caption, other.open_side)]
        if actions:
            template, who, action = (str(rng.choice(options)) for options in (_TEMPLATES, _SUBJECTS, actions))
            own.append((template.format(who=who, action=action), 0))
        captions.append(tuple(own))
    return captions


def clip_actions(description: str, mirrored: bool) -> list[str]:
    """The actions of a recording by its description: as a whole, its topic, and its details where it is one action.

    `mirrored`: whether they are for the mirror image.
    """
    words = swap_sides(description) if mirrored else description
    words = re.sub(r"\s+", " ", words.replace("/", " or ")).strip().removeprefix("playground - ")
    topic, _, details = words.rpartition(" - ")
    single = [topic] if topic else []
    if "," not in words:
        single.append(details or words)
    return [action for action in (words.replace(" - ", ", "), *single) if action]
