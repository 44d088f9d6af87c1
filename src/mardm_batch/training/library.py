"""The pose library: named postures and fragments in data files, combined into captions, clips and conditions.

Every entry of `assets/pose_library/*.yaml` says how it looks (`pose`, the keys of `training/posing.py`), how people
say it (`does`: verb phrases with the verb in <>; `with`: what follows "with"), and what must hold of the joints
(`conditions`, the language of `conditions.py`). An entry of kind `support` or `whole` stands alone; fragments of
the kinds `arms`, `arm`, `torso` and `head` join those that take them. An entry whose posture differs on the left
and the right has its mirror image as a second entry, in joints, words and conditions.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import numpy as np
import yaml
from numpy.typing import NDArray

from mardm_batch.conditions import mirrored as mirrored_condition
from mardm_batch.conditions import on_either_side, parse
from mardm_batch.errors import InputError
from mardm_batch.posecodes import swap_sides
from mardm_batch.training.kinematics import DIRECTIONS
from mardm_batch.training.posing import pose
from mardm_batch.training.posture import ANCHORS, HAND_SPOTS, PART_KEYS, STANDING
from mardm_batch.training.sway import sway
from mardm_batch.training.wording import Phrase, put_into_words

MAIN_KINDS: Final = ("support", "whole")
FRAGMENT_KINDS: Final = ("arms", "arm", "torso", "head")
ENTRY_KEYS: Final = ("pose", "does", "with", "conditions", "takes", "needs", "weight", "implied")

# How often a main entry that takes a kind of fragment gets one.
_SHARE_OF_FRAGMENTS: Final = {"arms": 0.72, "torso": 0.25, "head": 0.14}

# Natural variation of a number that is not given as a range: degrees, metres.
_JITTER: Final[Mapping[str, float]] = {
    "raise": 4, "plane": 5, "elbow": 5, "knee": 3, "turn": 4, "turnout": 5, "heel": 3, "point": 5, "shrug": 2,
    "pitch": 2, "lean": 2, "bend": 3, "twist": 3, "nod": 4, "tilt": 4, "slack": 3, "balance": 0,
    "height": 0.01, "out": 0.012, "up": 0.012, "front": 0.015,
}  # fmt: skip
_NOT_NEGATIVE: Final = ("elbow", "knee", "heel", "slack")
_SIDED: Final = ("lean", "twist", "tilt", "turn")


@dataclass(frozen=True)
class Entry:
    """One posture or fragment; `pose` maps parts to numbers or [low, high] ranges."""

    name: str
    kind: str
    pose: Mapping[str, Mapping[str, Any]]
    does: tuple[str, ...]
    having: tuple[str, ...]
    conditions: tuple[str, ...]
    takes: frozenset[str]
    needs: frozenset[str]
    weight: float
    implied: bool


@dataclass(frozen=True)
class Sample:
    """A caption, a clip (T, 22, 3) that shows it, the conditions it meets, and how it was put into words."""

    caption: str
    clip: NDArray[np.float32]
    conditions: tuple[str, ...]
    way: str


@dataclass(frozen=True)
class Composition:
    """The entries of one sample: first what stands alone, then its fragments."""

    entries: tuple[Entry, ...]

    @property
    def name(self) -> str:
        return "+".join(entry.name for entry in self.entries)

    @property
    def conditions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text for entry in self.entries for text in entry.conditions))

    def conditions_as_said(self, sided: Collection[str]) -> tuple[str, ...]:
        """The conditions that the words ask for: where an entry's words name no side, either will do."""
        return tuple(
            dict.fromkeys(
                text if entry.name in sided else on_either_side(text)
                for entry in self.entries
                for text in entry.conditions
            )
        )

    def joints(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """One random pose (22, 3) of it."""
        parts: dict[str, Mapping[str, Any]] = dict(STANDING)
        for entry in self.entries:
            for part, numbers in entry.pose.items():
                merged = part in ("pelvis", "torso", "head")
                parts[part] = {**parts[part], **numbers} if merged else numbers
        return pose(_drawn(parts, rng))


class Library:
    """All entries, and random draws from them."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)
        self.by_name = {entry.name: entry for entry in entries}
        self._mains = [entry for entry in entries if entry.kind in MAIN_KINDS]
        weights = np.array([entry.weight for entry in self._mains])
        self._main_shares = weights / weights.sum()

    def sample(self, rng: np.random.Generator, frames: int) -> Sample:
        """Caption, clip (frames, 22, 3) float32, conditions and way of saying; the same for the same `rng`."""
        composition = self.compose(rng)
        words = put_into_words([_phrase(entry) for entry in composition.entries], rng)
        clip = sway(composition.joints(rng), frames, rng)
        return Sample(words.caption, clip, composition.conditions_as_said(words.sided), words.way)

    def compose(self, rng: np.random.Generator) -> Composition:
        """A main entry with the fragments that chance and `takes` give it."""
        main = self._mains[int(rng.choice(len(self._mains), p=self._main_shares))]
        parts = [main]
        for slot, share in _SHARE_OF_FRAGMENTS.items():
            if slot in main.takes and rng.random() < share:
                parts += self._fragments(slot, main, rng)
        return Composition(tuple(parts))

    def fragments_for(self, kind: str, main: Entry) -> list[Entry]:
        """The fragments of a kind that go with a main entry."""
        return [entry for entry in self.entries if entry.kind == kind and entry.needs <= main.takes]

    def _fragments(self, slot: str, main: Entry, rng: np.random.Generator) -> list[Entry]:
        if slot != "arms":
            return _draw(self.fragments_for(slot, main), rng)
        form = rng.random()
        if form < 0.6:
            return _draw(self.fragments_for("arms", main), rng)
        single = self.fragments_for("arm", main)
        first = _draw(single, rng)
        if form < 0.88:
            return first
        taken = {part for entry in first for part in entry.pose}
        return first + _draw([entry for entry in single if not taken & entry.pose.keys()], rng)


@lru_cache(maxsize=1)
def load_library() -> Library:
    """The library that ships with the package.

    Raises InputError naming the file, the entry and what is allowed where an entry is malformed.
    """
    entries: list[Entry] = []
    folder = resources.files("mardm_batch") / "assets" / "pose_library"
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        if file.name.endswith(".yaml"):
            entries += read_entries(file.read_text(encoding="utf-8"), file.name)
    names = [entry.name for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"pose_library: {', '.join(twice)} is there twice; give each entry its own name")
    return Library(entries)


def read_entries(text: str, file: str) -> list[Entry]:
    """The entries of one data file, each followed by its mirror image where that differs."""
    loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    entries: list[Entry] = []
    for kind, group in loaded.items():
        if kind not in MAIN_KINDS + FRAGMENT_KINDS:
            _fail(file, kind, "this kind is unknown", MAIN_KINDS + FRAGMENT_KINDS)
        for name, fields in group.items():
            entry = _entry(str(name), kind, fields, file)
            twin = _mirrored(entry)
            if twin.pose == entry.pose:
                entries.append(entry)
            else:  # the two sides share the weight
                entries += [replace(side, weight=0.5 * entry.weight) for side in (entry, twin)]
    return entries


def _entry(name: str, kind: str, fields: Mapping[str, Any], file: str) -> Entry:
    for key in fields:
        if key not in ENTRY_KEYS:
            _fail(file, name, f"the key '{key}' is unknown", ENTRY_KEYS)
    conditions = tuple(fields.get("conditions", ()))
    for text in conditions:
        try:
            parse(text)
        except InputError as error:
            raise InputError(f"{file}: {name}: {error}") from None
    slot = "arms" if kind == "arm" else kind
    return Entry(
        name=name,
        kind=kind,
        pose=_parts(fields.get("pose", {}), name, file),
        does=tuple(fields.get("does", ())),
        having=tuple(fields.get("with", ())),
        conditions=conditions,
        takes=frozenset(fields.get("takes", ())),
        needs=frozenset([*fields.get("needs", ()), *([slot] if kind in FRAGMENT_KINDS else [])]),
        weight=float(fields.get("weight", 1.0)),
        implied=bool(fields.get("implied", False)),
    )


def _parts(written: Mapping[str, Any], name: str, file: str) -> dict[str, Mapping[str, Any]]:
    """`arms` and `legs` stand for both sides, which then share the numbers drawn from a range."""
    parts: dict[str, Mapping[str, Any]] = {}
    for part, numbers in written.items():
        sides = [f"left_{part[:-1]}", f"right_{part[:-1]}"] if part in ("arms", "legs") else [part]
        for side in sides:
            if side not in PART_KEYS:
                _fail(file, name, f"the part '{part}' is unknown", (*PART_KEYS, "arms", "legs"))
            for key in numbers:
                if key not in PART_KEYS[side]:
                    _fail(file, name, f"{part} has no '{key}'", PART_KEYS[side])
            hand = numbers.get("hand")
            if isinstance(hand, str) and hand not in HAND_SPOTS:
                _fail(file, name, f"there is no spot '{hand}' for a hand", tuple(HAND_SPOTS))
            if numbers.get("from", "shoulder") not in ANCHORS:
                _fail(file, name, f"a hand cannot be placed from '{numbers['from']}'", tuple(ANCHORS))
            for word in f"{numbers.get('toward', '')} {numbers.get('pole', '')}".split():
                if word not in DIRECTIONS:
                    _fail(file, name, f"'{word}' is no direction", tuple(DIRECTIONS))
            parts[side] = numbers
    return parts


def _fail(file: str, entry: str, what: str, allowed: Sequence[str]) -> None:
    raise InputError(f"{file}: {entry}: {what}; allowed: {', '.join(allowed)}")


def _mirrored(entry: Entry) -> Entry:
    other_name = swap_sides(entry.name)
    return replace(
        entry,
        name=other_name if other_name != entry.name else f"{entry.name} (mirrored)",
        pose={swap_sides(part): _mirrored_part(part, numbers) for part, numbers in entry.pose.items()},
        does=tuple(swap_sides(text) for text in entry.does),
        having=tuple(swap_sides(text) for text in entry.having),
        conditions=tuple(mirrored_condition(text) for text in entry.conditions),
    )


def _mirrored_part(part: str, numbers: Mapping[str, Any]) -> Mapping[str, Any]:
    """A limb's numbers are outward and need no change; the middle of the body swaps its leans and turns."""
    if part == "pelvis" and "rests_on" in numbers:
        numbers = {**numbers, "rests_on": sorted(swap_sides(joint) for joint in numbers["rests_on"])}
    if part not in ("pelvis", "torso", "head") or not any(key in numbers for key in _SIDED):
        return numbers
    return {key: _negated(value) if key in _SIDED else value for key, value in numbers.items()}


def _negated(value: Any) -> Any:
    return [-value[1], -value[0]] if isinstance(value, list) else -value


def _phrase(entry: Entry) -> Phrase:
    return Phrase(entry.name, entry.does, entry.having, entry.implied)


def _draw(entries: Sequence[Entry], rng: np.random.Generator) -> list[Entry]:
    if not entries:
        return []
    weights = np.array([entry.weight for entry in entries])
    return [entries[int(rng.choice(len(entries), p=weights / weights.sum()))]]


def _drawn(parts: Mapping[str, Mapping[str, Any]], rng: np.random.Generator) -> dict[str, dict[str, Any]]:
    """Plain numbers for a posture: from each range a number, about each number its natural variation."""
    shared: dict[tuple[int, str], float] = {}
    return {part: _drawn_numbers(numbers, shared, rng) for part, numbers in parts.items()}


def _drawn_numbers(
    numbers: Mapping[str, Any], shared: dict[tuple[int, str], float], rng: np.random.Generator
) -> dict[str, Any]:
    drawn: dict[str, Any] = {}
    for key, value in numbers.items():
        if isinstance(value, Mapping):
            drawn[key] = _drawn_numbers(value, shared, rng)
        elif key in _JITTER:
            ranged = isinstance(value, list)
            if ranged:
                share = shared.setdefault((id(numbers), key), float(rng.random()))
                value = value[0] + share * (value[1] - value[0])
            value = value + _JITTER[key] * (0.3 if ranged else 1.0) * float(rng.uniform(-1.0, 1.0))
            drawn[key] = max(value, 0.0) if key in _NOT_NEGATIVE else value
        else:
            drawn[key] = value
    if isinstance(numbers.get("hand"), str):
        drawn["offset"] = tuple(rng.uniform(-0.012, 0.012, 3))
    return drawn
