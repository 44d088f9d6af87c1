"""Describe poses of which only the joints are known. Axes: n poses, 22 joints (n, 22, 3), facing +Z.

`assets/posecode_phrases.yaml` pairs conditions with words. All conditions are measured on all poses at once; each
pose is then given what its body does and a few telling details.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, Final

import numpy as np
import yaml
from numpy.typing import NDArray

from mardm_batch.library.wording import Phrase, put_into_words, with_details
from mardm_batch.pose.conditions import either_side, parse
from mardm_batch.pose.sides import swap_sides

_DETAILS: Final = (0.08, 0.34, 0.34, 0.18, 0.06)
"""How often a caption has 0, 1, 2, … details; a main code without conditions has at least one."""
_ADDED: Final = (0.0, 0.45, 0.4, 0.15)
"""How often 0, 1, 2, … details are added to a caption."""


@dataclass(frozen=True)
class Description:
    """A caption of one pose, and the conditions that it states.

    `open_side` says on which side the pose shows the first of what the words leave open: 1 as the conditions are
    written in the data file, -1 mirrored, 0 where they leave nothing open.
    """

    caption: str
    conditions: tuple[str, ...]
    open_side: int


@dataclass(frozen=True)
class _Posecode:
    conditions: tuple[str, ...]
    phrase: Phrase
    about: frozenset[str]
    weight: float
    side: int = 0
    """1 as in the data file, -1 mirrored, 0 where the two are the same."""


def describe(joints: NDArray[np.floating], rng: np.random.Generator) -> list[Description]:
    """A random description of each of the poses (n, 22, 3), canonical as `pose.canonical_position` makes them."""
    mains, details = _posecodes()
    # A main code and its mirror image are equally specific; the first in the file that holds is taken.
    first = _holding(mains, joints).argmax(axis=1)
    possible = _worth_saying(details, joints)
    return [
        _description(mains[main], [details[index] for index in np.flatnonzero(row)], rng)
        for main, row in zip(first, possible, strict=True)
    ]


def elaborate(
    captions: Sequence[tuple[str, int]], joints: NDArray[np.floating], rng: np.random.Generator
) -> list[tuple[str, int]]:
    """Captions, with their open sides, of the poses (n, 22, 3), each with a few details more that are true of it."""
    _, details = _posecodes()
    elaborated = []
    for (caption, side), row in zip(captions, _worth_saying(details, joints), strict=True):
        wanted = int(rng.choice(len(_ADDED), p=_ADDED))
        chosen = _telling([details[index] for index in np.flatnonzero(row)], wanted, frozenset(), rng)
        text = with_details(caption, [code.phrase for code in chosen], rng) if chosen else caption
        elaborated.append((text, side or _first_side(chosen)))
    return elaborated


def _holding(codes: Sequence[_Posecode], joints: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which codes hold (n, codes) of which poses."""
    holds = {text: parse(text).holds(joints) for text in sorted({text for code in codes for text in code.conditions})}
    everywhere = np.ones(len(joints), dtype=bool)
    rows = [np.all([everywhere, *(holds[text] for text in code.conditions)], axis=0) for code in codes]
    return np.stack(rows, axis=1)


def _worth_saying(details: Sequence[_Posecode], joints: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which details (n, codes) hold: one side's only where the other's does not, as "the left hand is raised" says."""
    holds = _holding(details, joints)
    left = np.flatnonzero([code.side == 1 for code in details])
    right = left + 1  # a code's mirror image stands after it
    holds[:, left], holds[:, right] = holds[:, left] & ~holds[:, right], holds[:, right] & ~holds[:, left]
    return holds


def _telling(
    possible: Sequence[_Posecode], count: int, taken: frozenset[str], rng: np.random.Generator
) -> list[_Posecode]:
    """At most `count` of the codes, by weight, no two about the same part nor one about what is `taken`."""
    chosen: list[_Posecode] = []
    for _ in range(count):
        free = [code for code in possible if not taken & code.about]
        if not free:
            break
        shares = np.cumsum([code.weight for code in free])
        chosen.append(free[int(np.searchsorted(shares, rng.random() * shares[-1], side="right"))])
        taken |= chosen[-1].about
    return chosen


def _first_side(codes: Sequence[_Posecode]) -> int:
    return next((code.side for code in codes if code.side), 0)


def _description(main: _Posecode, possible: list[_Posecode], rng: np.random.Generator) -> Description:
    wanted = int(rng.choice(len(_DETAILS), p=_DETAILS))
    details = _telling(possible, wanted if main.conditions else max(wanted, 1), main.about, rng)
    chosen = [main, *details]
    words = put_into_words([code.phrase for code in chosen], rng, with_synonyms=True)
    conditions = [
        text if code.phrase.name in words.sided else either_side(text) for code in chosen for text in code.conditions
    ]
    open_side = _first_side([code for code in chosen if code.phrase.name not in words.sided])
    return Description(words.caption, tuple(dict.fromkeys(conditions)), open_side)


@cache
def _posecodes() -> tuple[tuple[_Posecode, ...], tuple[_Posecode, ...]]:
    """What the body does, the most specific first, and the details; each followed by its mirror image."""
    file = resources.files("mardm_batch") / "assets" / "posecode_phrases.yaml"
    loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
    mains, details = (
        tuple(code for fields in loaded[group] for code in _both_sides(fields)) for group in ("main", "details")
    )
    return mains, details


def _both_sides(fields: Mapping[str, Any]) -> list[_Posecode]:
    code = _posecode(fields, lambda text: text)
    twin = _posecode(fields, swap_sides)
    return [code] if twin.conditions == code.conditions else [replace(code, side=1), replace(twin, side=-1)]


def _posecode(fields: Mapping[str, Any], side: Any) -> _Posecode:
    conditions = tuple(side(text) for text in fields["when"])
    does, having = (tuple(side(text) for text in fields.get(key, ())) for key in ("does", "with"))
    return _Posecode(
        conditions=conditions,
        phrase=Phrase(" and ".join(conditions), does, having, implied=not conditions),
        about=frozenset(side(part) for part in fields.get("about", ())),
        weight=float(fields.get("weight", 1.0)),
    )
