"""Captions of poses from their joints alone. Axes: n poses, 22 joints (n, 22, 3), facing +Z.

`assets/posecode_phrases.yaml` pairs conditions with phrases ("posecodes", after PoseScript, Delmas et al., ECCV 2022).
All conditions are measured on all poses at once; a caption is then composed of one main posecode that holds for the
pose and of some details.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, Final

import numpy as np
import yaml
from numpy.typing import NDArray

from mardm_batch.library.wording import EntryPhrases, append_details, compose_caption
from mardm_batch.pose.conditions import either_side, parse
from mardm_batch.pose.sides import swap_sides

_DETAIL_SHARES: Final = (0.05, 0.22, 0.3, 0.24, 0.13, 0.06)
"""Shares of captions with 0, 1, 2, … details; a main posecode without conditions has at least one."""
_ADDED_SHARES: Final = (0.0, 0.4, 0.38, 0.22)
"""Shares of captions to which 0, 1, 2, … details are added."""


@dataclass(frozen=True)
class Description:
    """A caption of a pose and the conditions that it states.

    `open_side` is the side of the first posecode whose phrase does not name it: 1 as in the data file, -1 mirrored, 0
    without such a posecode.
    """

    caption: str
    conditions: tuple[str, ...]
    open_side: int


@dataclass(frozen=True)
class _Posecode:
    conditions: tuple[str, ...]
    phrases: EntryPhrases
    parts: frozenset[str]
    """Parts of the body that it describes; a caption describes each at most once."""
    weight: float
    side: int = 0
    """1 as in the data file, -1 for the mirror image, 0 where the two are the same."""


def describe(joints: NDArray[np.floating], rng: np.random.Generator) -> list[Description]:
    """A random description of each of the poses (n, 22, 3), in canonical position."""
    mains, details = _load_posecodes()
    # Main posecodes are sorted by how specific they are, so the first that holds is used.
    first = _holds(mains, joints).argmax(axis=1)
    possible = _applicable_details(details, joints)
    return [
        _compose_description(mains[main], [details[index] for index in np.flatnonzero(row)], rng)
        for main, row in zip(first, possible, strict=True)
    ]


def imagine_description(rng: np.random.Generator) -> Description:
    """A description of no pose in particular: any main posecode, and any details."""
    mains, details = _load_posecodes()
    return _compose_description(mains[int(rng.integers(len(mains)))], list(details), rng)


def posecode_conditions() -> set[str]:
    """All conditions that posecodes state."""
    return {text for codes in _load_posecodes() for code in codes for text in code.conditions}


def add_details(
    captions: Sequence[tuple[str, int]], joints: NDArray[np.floating], rng: np.random.Generator
) -> list[tuple[str, int]]:
    """Captions of the poses (n, 22, 3) with further details that hold for them; captions go with their open sides."""
    _, details = _load_posecodes()
    extended = []
    for (caption, side), row in zip(captions, _applicable_details(details, joints), strict=True):
        count = int(rng.choice(len(_ADDED_SHARES), p=_ADDED_SHARES))
        chosen = _draw_details([details[index] for index in np.flatnonzero(row)], count, frozenset(), rng)
        text = append_details(caption, [code.phrases for code in chosen], rng) if chosen else caption
        extended.append((text, side or _first_side(chosen)))
    return extended


def _holds(codes: Sequence[_Posecode], joints: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Whether (n, codes) each posecode holds for each pose."""
    holds = {text: parse(text).holds(joints) for text in sorted({text for code in codes for text in code.conditions})}
    everywhere = np.ones(len(joints), dtype=bool)
    rows = [np.all([everywhere, *(holds[text] for text in code.conditions)], axis=0) for code in codes]
    return np.stack(rows, axis=1)


def _applicable_details(details: Sequence[_Posecode], joints: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Whether (n, codes) each detail holds for each pose, and its mirror image does not: "the left hand is raised"."""
    holds = _holds(details, joints)
    left = np.flatnonzero([code.side == 1 for code in details])
    right = left + 1  # the mirror image of a posecode follows it
    holds[:, left], holds[:, right] = holds[:, left] & ~holds[:, right], holds[:, right] & ~holds[:, left]
    return holds


def _draw_details(
    possible: Sequence[_Posecode], count: int, described: frozenset[str], rng: np.random.Generator
) -> list[_Posecode]:
    """At most `count` of the posecodes, drawn by weight; none of a part that is described already."""
    chosen: list[_Posecode] = []
    for _ in range(count):
        free = [code for code in possible if not described & code.parts]
        if not free:
            break
        shares = np.cumsum([code.weight for code in free])
        chosen.append(free[int(np.searchsorted(shares, rng.random() * shares[-1], side="right"))])
        described |= chosen[-1].parts
    return chosen


def _first_side(codes: Sequence[_Posecode]) -> int:
    return next((code.side for code in codes if code.side), 0)


def _compose_description(main: _Posecode, possible: list[_Posecode], rng: np.random.Generator) -> Description:
    count = int(rng.choice(len(_DETAIL_SHARES), p=_DETAIL_SHARES))
    details = _draw_details(possible, count if main.conditions else max(count, 1), main.parts, rng)
    chosen = [main, *details]
    wording = compose_caption([code.phrases for code in chosen], rng, with_synonyms=True)
    conditions = [
        text if code.phrases.name in wording.sided else either_side(text) for code in chosen for text in code.conditions
    ]
    open_side = _first_side([code for code in chosen if code.phrases.name not in wording.sided])
    return Description(wording.caption, tuple(dict.fromkeys(conditions)), open_side)


@cache
def _load_posecodes() -> tuple[tuple[_Posecode, ...], tuple[_Posecode, ...]]:
    """Main posecodes, the most specific first, and details; each is followed by its mirror image."""
    file = resources.files("mardm_batch") / "assets" / "posecode_phrases.yaml"
    loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
    mains, details = (
        tuple(code for fields in loaded[group] for code in _both_sides(fields)) for group in ("main", "details")
    )
    return mains, details


def _both_sides(fields: Mapping[str, Any]) -> list[_Posecode]:
    code = _parse_posecode(fields, lambda text: text)
    mirrored = _parse_posecode(fields, swap_sides)
    if [*map(_from_the_right, mirrored.conditions)] == [*map(_from_the_right, code.conditions)]:
        return [code]
    return [replace(code, side=1), replace(mirrored, side=-1)]


def _from_the_right(condition: str) -> str:
    """A condition with "right of" in place of "left of": crossed ankles are their own mirror image."""
    return re.sub(r"^(\w+) left of (\w+)", r"\2 right of \1", condition)


def _parse_posecode(fields: Mapping[str, Any], on_side: Callable[[str], str]) -> _Posecode:
    conditions = tuple(on_side(text) for text in fields["when"])
    verb_phrases, with_phrases = (tuple(on_side(text) for text in fields.get(key, ())) for key in ("does", "with"))
    return _Posecode(
        conditions=conditions,
        phrases=EntryPhrases(" and ".join(conditions), verb_phrases, with_phrases, implied=not conditions),
        parts=frozenset(on_side(part) for part in fields.get("about", ())),
        weight=float(fields.get("weight", 1.0)),
    )
