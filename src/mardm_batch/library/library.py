"""The pose library: entries combined into captions, clips and conditions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.errors import InputError
from mardm_batch.library.entries import FRAGMENT_KINDS, MAIN_KINDS, Entry, read_entries
from mardm_batch.library.held_out import Kind, Split
from mardm_batch.library.posing import pose
from mardm_batch.library.posture import STANDING
from mardm_batch.library.sway import sway
from mardm_batch.library.wording import Phrase, Wording, put_into_words
from mardm_batch.pose.conditions import either_side

_SHARE_OF_GESTURES: Final = 0.2
"""How often somebody just stands and does one thing: "A person leaning to the left"."""

# How often a main entry that takes a kind of fragment gets one.
_SHARE_OF_FRAGMENTS: Final = {"arms": 0.72, "torso": 0.32, "head": 0.36}

# Natural variation of a number that is not given as a range: degrees, metres.
_JITTER: Final[Mapping[str, float]] = {
    "raise": 4, "plane": 5, "elbow": 5, "knee": 3, "turn": 4, "turnout": 5, "heel": 3, "point": 5, "shrug": 2,
    "pitch": 2, "lean": 2, "bend": 3, "twist": 3, "nod": 4, "tilt": 4, "slack": 3, "balance": 0,
    "height": 0.01, "out": 0.012, "up": 0.012, "front": 0.015,
}  # fmt: skip
_NOT_NEGATIVE: Final = ("elbow", "knee", "heel", "slack")


@dataclass(frozen=True)
class Sample:
    """A caption, a clip (T, 22, 3) that shows it, the conditions it meets, and the phrases that the caption is made of.

    `open_side` is that of `Composition.open_side` for its words. `held_out` says what of it training never sees.
    """

    composition: "Composition"
    caption: str
    open_side: int | None
    clip: NDArray[np.float32]
    conditions: tuple[str, ...]
    phrases: tuple[str, ...]
    held_out: frozenset[Kind]


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
                text if entry.name in sided else either_side(text)
                for entry in self.entries
                for text in entry.conditions
            )
        )

    def open_side(self, sided: Collection[str]) -> int | None:
        """Which side (1, -1, `Entry.side`) the entries show whose words name none; 0 where no such entry has a side.

        None where training cannot use these words: the sides that they leave open differ among each other, or from that
        of the first entry that names its own, so that they would mean one pose here and another there.
        """
        sides = {entry.side for entry in self.entries if entry.side and entry.name not in sided}
        named = [entry.side for entry in self.entries if entry.side and entry.name in sided][:1]
        if not sides:
            return 0
        return sides.pop() if len(sides.union(named)) == 1 else None

    def put_into_words(self, rng: np.random.Generator, with_synonyms: bool = False) -> Wording:
        """One random way to say it, in the library's own words or with synonyms of some."""
        phrases = [Phrase(entry.name, entry.does, entry.having, entry.implied, entry.sides) for entry in self.entries]
        return put_into_words(phrases, rng, with_synonyms)

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
        self.mains = [entry for entry in entries if entry.kind in MAIN_KINDS]
        weights = np.array([entry.weight for entry in self.mains])
        self._main_shares = weights / weights.sum()
        self._stand = next(entry for entry in self.mains if entry.implied)
        self._gestures = [entry for kind in FRAGMENT_KINDS for entry in self.fragments_for(kind, self._stand)]
        self.split = Split(entries)

    def sample(self, rng: np.random.Generator, frames: int, held_out: bool | None = None) -> Sample:
        """Caption, clip (frames, 22, 3) float32, conditions and way of saying; the same for the same `rng`.

        `held_out`: False draws what training uses, with synonyms, True what is held out of it, None anything.
        """
        while True:
            composition = self.compose(rng)
            words = composition.put_into_words(rng, with_synonyms=held_out is False)
            side = composition.open_side(words.sided)
            kinds = self.split.held_out_of(composition.entries, words.phrases)
            if held_out is None or (held_out == bool(kinds) and (held_out or side is not None)):
                break
        clip = sway(composition.joints(rng), frames, rng)
        conditions = composition.conditions_as_said(words.sided)
        return Sample(composition, words.caption, side, clip, conditions, words.phrases, kinds)

    def say_again(self, sample: Sample, rng: np.random.Generator) -> tuple[str, int]:
        """Another caption, with its open side, of a sample that training uses; training may use it too."""
        while True:
            words = sample.composition.put_into_words(rng, with_synonyms=True)
            side = sample.composition.open_side(words.sided)
            if side is not None and not self.split.held_out_of(sample.composition.entries, words.phrases):
                return words.caption, side

    def compose(self, rng: np.random.Generator) -> Composition:
        """A main entry with the fragments that chance and `takes` give it, or one fragment of a plain stand."""
        if rng.random() < _SHARE_OF_GESTURES:
            return Composition((self._stand, *_draw(self._gestures, rng)))
        main = self.mains[int(rng.choice(len(self.mains), p=self._main_shares))]
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
        if form < 0.5:
            return _draw(self.fragments_for("arms", main), rng)
        single = self.fragments_for("arm", main)
        first = _draw(single, rng)
        if form < 0.84:
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
