"""The pose library: random combinations of entries, with captions, clips and conditions."""

import re
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.errors import InputError
from mardm_batch.library.entries import FRAGMENT_KINDS, MAIN_KINDS, SLOTS, Entry, mirrored_name, read_entries
from mardm_batch.library.held_out import HeldOutSplit, Kind
from mardm_batch.library.posing import pose
from mardm_batch.library.posture import STANDING
from mardm_batch.library.sway import sway
from mardm_batch.library.wording import EntryPhrases, Wording, compose_caption
from mardm_batch.pose.balance import is_possible
from mardm_batch.pose.conditions import either_side, parse

_COUNT_SHARES: Final = (0.235, 0.285, 0.225, 0.157, 0.098)
"""Shares of compositions of 1, 2, 3, … entries, of which a plain stand, which is implied, is none."""
_STAND_SHARE: Final = 0.3
"""Share of compositions whose main entry is the plain stand."""
_ALONE_WEIGHT: Final = 3.0
"""Factor of the weight of main entries that take no fragment, where one entry is drawn."""
_SLOT_WEIGHTS: Final[Mapping[str, float]] = {"arms": 4.0, "legs": 3.0, "torso": 1.5, "head": 1.5}
"""Relative frequency with which a fragment of a slot is drawn next."""
_PAIR_SHARE: Final = 0.5
"""Share of fragments of arms or legs that place both, where both are free."""
_WORDINGS: Final = 12
"""Captions drawn of a composition before it is given up."""
_REPEATS: Final = 3
"""Poses drawn of a composition before it is given up."""

# Largest random variation of a number that is not a range: degrees, metres.
_JITTER: Final[Mapping[str, float]] = {
    "raise": 4, "plane": 5, "elbow": 5, "knee": 3, "turn": 4, "turnout": 5, "heel": 3, "point": 5, "shrug": 2,
    "pitch": 2, "lean": 2, "bend": 3, "twist": 3, "nod": 4, "tilt": 4, "slack": 3, "balance": 0,
    "height": 0.01, "out": 0.012, "up": 0.012, "front": 0.015,
}  # fmt: skip
_OF_LEGS: Final = re.compile(
    r"(?:either )?(?:left_|right_)?(?:feet|foot|ankles?|thighs?|shins?|legs?|hips?|knees?) |pelvis height"
)
_OF_ARMS: Final = re.compile(r"(?:either )?(?:left_|right_)?(?:hands?|wrists?|elbows?|arms?|forearms?|upper_arms?) ")
"""Conditions that say how the legs and the arms are placed."""
_WORDS_OF_SLOTS: Final = {
    "arms": r"arms?|hands?|palms?|elbows?",
    "head": r"head|face|gaze|eyes|chin",
    "legs": r"feet|foot|soles?|legs?|knees?|thighs?|shins?|toes|heels?|ankles?|weight",
    "torso": r"upright|straight|tall|erect|upper body|torso|trunk|back",
}
"""Patterns of words by which phrases speak of the parts of the body."""
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

    @cached_property
    def own_conditions(self) -> tuple[tuple[Entry, tuple[str, ...]], ...]:
        """The entries, each with the conditions that it still sets: a fragment places what the main entry did.

        A plain stand, which is implied, sets none for the legs beside a fragment of the legs.
        """
        main = self.entries[0]
        slots = self._slots
        kept = main.conditions
        if "legs" in slots:
            kept = () if main.implied else tuple(text for text in kept if not _OF_LEGS.match(text))
            kept += tuple(
                text for text in main.conditions if text.startswith("knees on floor") and "kneel legs" in main.takes
            )
        if "arms" in slots and main.kind == "support":
            kept = tuple(text for text in kept if not _OF_ARMS.match(text))
        return ((main, kept), *((entry, entry.conditions) for entry in self.entries[1:]))

    @property
    def conditions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text for _, conditions in self.own_conditions for text in conditions))

    def stated_conditions(self, sided: Collection[str]) -> tuple[str, ...]:
        """The conditions that a caption states; for entries whose phrase names no side they may hold on either side.

        `sided` are the names of the entries whose phrases name a side.
        """
        return tuple(
            dict.fromkeys(
                text if entry.name in sided else either_side(text)
                for entry, conditions in self.own_conditions
                for text in conditions
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
            EntryPhrases(
                each.name,
                _compatible(each.verb_phrases, silent),
                _compatible(each.with_phrases, silent),
                each.implied,
                each.side_phrases,
                each.how_phrases,
                each.statements if each is not self.entries[0] else self._main_statements,
            )
            for each, silent in zip(self.entries, (self._silent, *[""] * len(self.entries)), strict=False)
        ]
        return compose_caption(phrases, rng, with_synonyms)

    @cached_property
    def _slots(self) -> frozenset[str]:
        """The slots of the parts of the body that the fragments place."""
        slots = {SLOTS.get(entry.kind, entry.kind) for entry in self.entries[1:]}
        parts = {part for entry in self.entries[1:] for part in entry.parts}
        return frozenset(slots | {f"{part.split('_')[1]}s" if "_" in part else part for part in parts})

    @cached_property
    def _main_statements(self) -> tuple[str, ...]:
        """The main entry's statements that do not speak of what its fragments place."""
        slots = "|".join(_WORDS_OF_SLOTS[slot] for slot in sorted(self._slots))
        pattern = re.compile(rf"\b(?:{slots})\b") if slots else None
        return tuple(text for text in self.entries[0].statements if pattern is None or not pattern.search(text))

    @cached_property
    def _silent(self) -> str:
        """A pattern of what the main entry's phrases do not speak of, because its fragments do; "" for nothing."""
        slots = set(self._slots)
        if self.entries[0].kind != "support":
            slots &= {"legs", "head"}
        return "|".join(_WORDS_OF_SLOTS[slot] for slot in sorted(slots))

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
        self._stand = next(entry for entry in self.mains if entry.implied)
        self._others = [entry for entry in self.mains if not entry.implied]
        self._weights = np.array([entry.weight for entry in self._others])
        self._fragments: dict[tuple[str, str], list[Entry]] = {}
        self._capacities = np.array([self._capacity(entry) for entry in self._others])
        self._exempt: dict[str, bool] = {}
        self.split = HeldOutSplit(entries)

    def sample(self, rng: np.random.Generator, frames: int, held_out: bool | None = None) -> Sample:
        """A random sample with a clip (frames, 22, 3); the same for the same state of `rng`.

        Its pose meets the conditions, is balanced and has no limb in the trunk: others are drawn anew.
        `held_out`: False for samples of training, whose captions have synonyms; True for held-out samples; None for
        either.
        """
        while True:
            composition = self.compose(rng)
            # Several tries each: compositions of many entries have more ambiguous or held-out captions.
            for _ in range(1 if held_out is None else _WORDINGS):
                words = composition.compose_caption(rng, with_synonyms=held_out is False)
                side = composition.open_side(words.sided)
                kinds = self.split.held_out_kinds(composition.entries, words.phrases)
                suits = held_out is None or (held_out == bool(kinds) and (held_out or side is not None))
                if suits or "combination" in kinds:
                    break
            if not suits:
                continue
            for _ in range(_REPEATS):
                clip = sway(composition.joints(rng), frames, rng)
                if self.is_sound(composition, clip[frames // 2]):
                    conditions = composition.stated_conditions(words.sided)
                    return Sample(composition, words.caption, side, clip, conditions, words.phrases, kinds)

    def is_sound(self, composition: Composition, joints: NDArray[np.float32]) -> bool:
        """Whether a pose (22, 3) meets the composition's conditions, is balanced and has no limb in the trunk.

        Postures that are not balanced, as a leap, or fold the body up by themselves may be so.
        """
        poses = joints[None].astype(np.float64)
        if not all(parse(text).holds(poses)[0] for text in composition.conditions):
            return False
        main = composition.entries[0]
        if main.name not in self._exempt:
            rng = np.random.default_rng(0)
            alone = [Composition((main,)).joints(rng)[None].astype(np.float64) for _ in range(_REPEATS)]
            self._exempt[main.name] = not all(is_possible(np.concatenate(alone)))
        return self._exempt[main.name] or bool(is_possible(poses)[0])

    def rephrase(self, sample: Sample, rng: np.random.Generator) -> tuple[str, int]:
        """Another caption of a sample of training, and its open side; neither ambiguous nor held out."""
        while True:
            words = sample.composition.compose_caption(rng, with_synonyms=True)
            side = sample.composition.open_side(words.sided)
            if side is not None and not self.split.held_out_kinds(sample.composition.entries, words.phrases):
                return words.caption, side

    def compose(self, rng: np.random.Generator) -> Composition:
        """A random main entry with random fragments that it takes, none of them of the same part of the body."""
        count = 1 + int(rng.choice(len(_COUNT_SHARES), p=_COUNT_SHARES))
        if rng.random() < _STAND_SHARE:
            main, fragments = self._stand, count if count > 1 or rng.random() < 0.9 else 0
        else:
            weights = self._weights * (self._capacities >= count - 1)
            if count == 1:
                weights = weights * np.where(self._capacities == 0, _ALONE_WEIGHT, 1.0)
            main = self._others[int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum(), side="right"))]
            fragments = count - 1
        entries, free = [main], set(main.free)
        while fragments > 0 and (drawn := self._draw_fragment(main, free, rng)):
            entries.append(drawn)
            free -= drawn.parts
            fragments -= 1
        return Composition(tuple(entries))

    def fragments_for(self, kind: str, main: Entry) -> list[Entry]:
        """The fragments of a kind that a main entry takes."""
        key = (kind, main.name)
        if key not in self._fragments:
            self._fragments[key] = [entry for entry in self.entries if entry.kind == kind and entry.fits(main)]
        return self._fragments[key]

    def _capacity(self, main: Entry) -> int:
        """How many fragments a main entry can be combined with."""
        singles = {part for kind in FRAGMENT_KINDS for entry in self.fragments_for(kind, main) for part in entry.parts}
        return len(singles)

    def _draw_fragment(self, main: Entry, free: Set[str], rng: np.random.Generator) -> Entry | None:
        """A fragment of free parts of the body; None where there is none."""
        possible: dict[str, list[Entry]] = {}
        for kind in FRAGMENT_KINDS:
            fitting = [entry for entry in self.fragments_for(kind, main) if entry.parts <= free]
            if fitting:
                possible[kind] = fitting
        slots = [slot for slot in _SLOT_WEIGHTS if any(SLOTS.get(kind, kind) == slot for kind in possible)]
        if not slots:
            return None
        shares = np.cumsum([_SLOT_WEIGHTS[slot] for slot in slots])
        slot = slots[int(np.searchsorted(shares, rng.random() * shares[-1], side="right"))]
        kinds = [kind for kind in possible if SLOTS.get(kind, kind) == slot]
        kind = kinds[0] if len(kinds) == 1 or rng.random() < _PAIR_SHARE else kinds[1]
        return _draw(possible[kind], rng)


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
    return Library(_with_likes(entries, {entry.name: entry for entry in entries}))


def _with_likes(entries: Sequence[Entry], by_name: Mapping[str, Entry]) -> list[Entry]:
    """The entries, with the phrases of those that they are like."""
    resolved = []
    for entry in entries:
        if entry.like:
            model = by_name.get(entry.like) or by_name.get(mirrored_name(entry.like))
            if model is None:
                raise InputError(f"{entry.family}.yaml: {entry.name}: unknown entry in 'like': '{entry.like}'")
            entry = replace(
                entry,
                verb_phrases=(*entry.verb_phrases, *model.verb_phrases),
                with_phrases=(*entry.with_phrases, *model.with_phrases),
                how_phrases=(*entry.how_phrases, *model.how_phrases),
                statements=(*entry.statements, *model.statements),
            )
        resolved.append(entry)
    return resolved


@cache
def _compatible(phrases: tuple[str, ...], silent: str) -> tuple[str, ...]:
    """The phrases without words of a pattern; all of them where none is."""
    if not silent:
        return phrases
    pattern = re.compile(rf"\b(?:{silent})\b")
    return tuple(phrase for phrase in phrases if not pattern.search(phrase)) or phrases


def _draw(entries: Sequence[Entry], rng: np.random.Generator) -> Entry:
    """One of the entries, by weight."""
    shares = np.cumsum([entry.weight for entry in entries])
    return entries[int(np.searchsorted(shares, rng.random() * shares[-1], side="right"))]


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
