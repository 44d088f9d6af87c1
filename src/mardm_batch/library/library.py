"""The pose library: random combinations of entries, with captions, clips and conditions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.errors import InputError
from mardm_batch.library.entries import FRAGMENT_KINDS, MAIN_KINDS, Entry, read_entries
from mardm_batch.library.held_out import HeldOutSplit, Kind
from mardm_batch.library.posing import pose
from mardm_batch.library.posture import STANDING
from mardm_batch.library.sway import sway
from mardm_batch.library.wording import EntryPhrases, Wording, compose_caption
from mardm_batch.pose.conditions import either_side

_GESTURE_SHARE: Final = 0.2
"""Share of compositions that are a plain stand with one fragment: "A person leaning to the left"."""

# Shares of the main entries which take a kind of fragment that are combined with one.
_FRAGMENT_SHARES: Final = {"arms": 0.72, "torso": 0.32, "head": 0.36}

# Largest random variation of a number that is not a range: degrees, metres.
_JITTER: Final[Mapping[str, float]] = {
    "raise": 4, "plane": 5, "elbow": 5, "knee": 3, "turn": 4, "turnout": 5, "heel": 3, "point": 5, "shrug": 2,
    "pitch": 2, "lean": 2, "bend": 3, "twist": 3, "nod": 4, "tilt": 4, "slack": 3, "balance": 0,
    "height": 0.01, "out": 0.012, "up": 0.012, "front": 0.015,
}  # fmt: skip
_NOT_NEGATIVE: Final = ("elbow", "knee", "heel", "slack")


@dataclass(frozen=True)
class Sample:
    """A composition with a caption and a clip that shows it.

    Attributes:
        composition: the entries.
        caption: as composed of `phrases`.
        open_side: `Composition.open_side` for the caption.
        clip: (t, 22, 3), metres.
        conditions: that the caption states and the clip meets.
        phrases: of which the caption is composed.
        held_out: whether its combination of entries or one of its phrases is held out of training.
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
    """A main entry and the fragments that it is combined with."""

    entries: tuple[Entry, ...]

    @property
    def name(self) -> str:
        return "+".join(entry.name for entry in self.entries)

    @property
    def conditions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text for entry in self.entries for text in entry.conditions))

    def stated_conditions(self, sided: Collection[str]) -> tuple[str, ...]:
        """The conditions that a caption states; for entries whose phrase names no side they may hold on either side.

        `sided` are the names of the entries whose phrases name a side.
        """
        return tuple(
            dict.fromkeys(
                text if entry.name in sided else either_side(text)
                for entry in self.entries
                for text in entry.conditions
            )
        )

    def open_side(self, sided: Collection[str]) -> int | None:
        """The side (1 or -1, as `Entry.side`) of the entries whose phrases do not name it; 0 without such entries.

        None where the caption is ambiguous and thus of no use for training: the sides of these entries differ, or
        differ from that of the first entry whose phrase names its side. `sided` as for `stated_conditions`.
        """
        sides = {entry.side for entry in self.entries if entry.side and entry.name not in sided}
        named = [entry.side for entry in self.entries if entry.side and entry.name in sided][:1]
        if not sides:
            return 0
        return sides.pop() if len(sides.union(named)) == 1 else None

    def compose_caption(self, rng: np.random.Generator, with_synonyms: bool = False) -> Wording:
        """A random caption, in the words of the data files or with synonyms of some."""
        phrases = [
            EntryPhrases(each.name, each.verb_phrases, each.with_phrases, each.implied, each.side_phrases)
            for each in self.entries
        ]
        return compose_caption(phrases, rng, with_synonyms)

    def joints(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """A random pose (22, 3), metres."""
        parts: dict[str, Mapping[str, Any]] = dict(STANDING)
        for entry in self.entries:
            for part, numbers in entry.pose.items():
                merged = part in ("pelvis", "torso", "head")
                parts[part] = {**parts[part], **numbers} if merged else numbers
        return pose(_draw_numbers(parts, rng))


class Library:
    """All entries, and random compositions of them."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)
        self.by_name = {entry.name: entry for entry in entries}
        self.mains = [entry for entry in entries if entry.kind in MAIN_KINDS]
        weights = np.array([entry.weight for entry in self.mains])
        self._main_shares = weights / weights.sum()
        self._stand = next(entry for entry in self.mains if entry.implied)
        self._gestures = [entry for kind in FRAGMENT_KINDS for entry in self.fragments_for(kind, self._stand)]
        self.split = HeldOutSplit(entries)

    def sample(self, rng: np.random.Generator, frames: int, held_out: bool | None = None) -> Sample:
        """A random sample with a clip (frames, 22, 3); the same for the same state of `rng`.

        `held_out`: False for samples of training, whose captions have synonyms; True for held-out samples; None for
        either.
        """
        while True:
            composition = self.compose(rng)
            words = composition.compose_caption(rng, with_synonyms=held_out is False)
            side = composition.open_side(words.sided)
            kinds = self.split.held_out_kinds(composition.entries, words.phrases)
            if held_out is None or (held_out == bool(kinds) and (held_out or side is not None)):
                break
        clip = sway(composition.joints(rng), frames, rng)
        conditions = composition.stated_conditions(words.sided)
        return Sample(composition, words.caption, side, clip, conditions, words.phrases, kinds)

    def rephrase(self, sample: Sample, rng: np.random.Generator) -> tuple[str, int]:
        """Another caption of a sample of training, and its open side; neither ambiguous nor held out."""
        while True:
            words = sample.composition.compose_caption(rng, with_synonyms=True)
            side = sample.composition.open_side(words.sided)
            if side is not None and not self.split.held_out_kinds(sample.composition.entries, words.phrases):
                return words.caption, side

    def compose(self, rng: np.random.Generator) -> Composition:
        """A random main entry with random fragments that it takes, or a plain stand with one fragment."""
        if rng.random() < _GESTURE_SHARE:
            return Composition((self._stand, *_draw(self._gestures, rng)))
        main = self.mains[int(rng.choice(len(self.mains), p=self._main_shares))]
        parts = [main]
        for slot, share in _FRAGMENT_SHARES.items():
            if slot in main.takes and rng.random() < share:
                parts += self._draw_fragments(slot, main, rng)
        return Composition(tuple(parts))

    def fragments_for(self, kind: str, main: Entry) -> list[Entry]:
        """The fragments of a kind that a main entry takes."""
        return [entry for entry in self.entries if entry.kind == kind and entry.needs <= main.takes]

    def _draw_fragments(self, slot: str, main: Entry, rng: np.random.Generator) -> list[Entry]:
        if slot != "arms":
            return _draw(self.fragments_for(slot, main), rng)
        form = rng.random()
        if form < 0.5:
            return _draw(self.fragments_for("arms", main), rng)
        single = self.fragments_for("arm", main)
        first = _draw(single, rng)
        if form < 0.84:
            return first
        used = {part for entry in first for part in entry.pose}
        return first + _draw([entry for entry in single if not used & entry.pose.keys()], rng)


@lru_cache(maxsize=1)
def load_library() -> Library:
    """The library that ships with the package.

    Raises InputError, which names the file, the entry and what is allowed, where an entry is malformed.
    """
    entries: list[Entry] = []
    folder = resources.files("mardm_batch") / "assets" / "pose_library"
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        if file.name.endswith(".yaml"):
            entries += read_entries(file.read_text(encoding="utf-8"), file.name)
    names = [entry.name for entry in entries]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise InputError(f"pose_library: duplicate names: {', '.join(duplicates)}; give each entry its own name")
    return Library(entries)


def _draw(entries: Sequence[Entry], rng: np.random.Generator) -> list[Entry]:
    """One of the entries, by weight; none where there are none."""
    if not entries:
        return []
    weights = np.array([entry.weight for entry in entries])
    return [entries[int(rng.choice(len(entries), p=weights / weights.sum()))]]


def _draw_numbers(parts: Mapping[str, Mapping[str, Any]], rng: np.random.Generator) -> dict[str, dict[str, Any]]:
    """The numbers of a posture, drawn from its ranges, each with a random variation."""
    shared: dict[tuple[int, str], float] = {}
    return {part: _draw_part(numbers, shared, rng) for part, numbers in parts.items()}


def _draw_part(
    numbers: Mapping[str, Any], shared: dict[tuple[int, str], float], rng: np.random.Generator
) -> dict[str, Any]:
    drawn: dict[str, Any] = {}
    for key, value in numbers.items():
        if isinstance(value, Mapping):
            drawn[key] = _draw_part(value, shared, rng)
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
