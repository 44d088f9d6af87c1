"""The entries of the pose library: postures and fragments of postures, read from data files.

The keys of an entry of `assets/pose_library/*.yaml`:

    pose        numbers of the posture, see `library.posture`
    does        verb phrases of its captions, the verb in <>
    with        noun phrases that follow "with" in its captions
    how         adverbials that may follow the verb: "without bending the knees"
    states      clauses of their own: "neither knee is bent"; those of a main entry describe all of its posture
    like        the entry whose phrases this one has as well
    sides       phrases that may end a verb phrase which does not name a side
    conditions  conditions that its joints meet, see `pose.conditions`
    takes       slots of fragments, and tags, that a main entry may be combined with
    needs       slot and tags that a main entry must have for this fragment to be combined with it
    fits        other slots in which a main entry may take this fragment, whatever it needs
    weight      relative frequency, 1 by default
    implied     true for the plain stand, which captions need not mention

Main entries, of kind `support` or `whole`, are postures on their own; fragments, of kind `arms`, `arm`, `legs`, `leg`,
`torso` or `head`, modify main entries. A fragment needs the slot that has the name of its kind (`arms` for an arm,
`legs` for a leg) unless it names another one that ends so, as `lying arms` or `stand legs`. A `whole` that leaves parts
of the body as they are in a plain stand takes fragments for these. An entry whose posture is not symmetric has its
mirror image as a second entry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Literal, NoReturn

import yaml

from mardm_batch.errors import InputError
from mardm_batch.library.kinematics import DIRECTIONS
from mardm_batch.library.posture import ANCHORS, HAND_POSITIONS, PART_KEYS
from mardm_batch.pose.conditions import mirror_condition, parse
from mardm_batch.pose.sides import swap_sides

MAIN_KINDS: Final = ("support", "whole")
FRAGMENT_KINDS: Final = ("arms", "arm", "legs", "leg", "torso", "head")
SLOTS: Final = {"arm": "arms", "leg": "legs"}
"""The slot of a kind of fragment, where it has another name."""
ENTRY_KEYS: Final = (
    "pose", "does", "with", "how", "states", "like", "sides", "conditions", "takes", "needs", "fits", "weight",
    "implied",
)  # fmt: skip

MIRRORED_SUFFIX: Final = " (mirrored)"
"""Ends the name of a mirror image whose entry's own name does not name a side."""
_SIDEWAYS_KEYS: Final = ("lean", "twist", "tilt", "turn")


@dataclass(frozen=True)
class Entry:
    """A posture, or a fragment that is combined with one.

    Attributes:
        name: as in the data file.
        kind: one of MAIN_KINDS or FRAGMENT_KINDS.
        family: name of the data file, without its extension.
        pose: for each part of the body, numbers or [low, high] ranges by key.
        verb_phrases: `does` of the data file.
        with_phrases: `with` of the data file.
        how_phrases: `how` of the data file.
        statements: `states` of the data file.
        side_phrases: `sides` of the data file.
        conditions: that its joints meet.
        takes: slots of fragments and tags of a main entry.
        needs: slot and tags that a main entry must take for this fragment to be combined with it.
        slots: other slots, any of which suffices.
        free: parts of the body that fragments of a main entry may place.
        weight: relative frequency.
        like: the entry whose phrases it has as well; "" for none.
        implied: whether captions need not mention it.
        side: 1 as in the data file, -1 for the mirror image, 0 where the two are the same.
    """

    name: str
    kind: str
    family: str
    pose: Mapping[str, Mapping[str, Any]]
    verb_phrases: tuple[str, ...]
    with_phrases: tuple[str, ...]
    how_phrases: tuple[str, ...]
    statements: tuple[str, ...]
    side_phrases: tuple[str, ...]
    conditions: tuple[str, ...]
    takes: frozenset[str]
    needs: frozenset[str]
    slots: frozenset[str]
    free: frozenset[str]
    like: str
    weight: float
    implied: bool
    side: Literal[-1, 0, 1] = 0

    def fits(self, main: "Entry") -> bool:
        """Whether a main entry may be combined with this fragment."""
        return (self.needs <= main.takes or bool(self.slots & main.takes)) and self.parts <= main.free

    @cached_property
    def parts(self) -> frozenset[str]:
        """The parts of the body that a fragment places; those of its kind at least."""
        own = {"torso": {"torso"}, "head": {"head"}}.get(self.kind, set())
        return frozenset((self.pose.keys() - {"pelvis"}) | own)


def read_entries(text: str, file: str) -> list[Entry]:
    """The entries of a data file, each followed by its mirror image where that differs.

    Raises InputError, which names the file, the entry and what is allowed.
    """
    loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    entries: list[Entry] = []
    for kind, group in loaded.items():
        if kind not in MAIN_KINDS + FRAGMENT_KINDS:
            _fail(file, kind, "unknown kind", MAIN_KINDS + FRAGMENT_KINDS)
        for name, fields in group.items():
            entry = _parse_entry(str(name), kind, fields, file)
            mirrored = _mirror_entry(entry)
            if entry.side_phrases and (kind not in MAIN_KINDS or mirrored.pose == entry.pose):
                raise InputError(f"{file}: {name}: only a support or whole that is not symmetric may have 'sides'")
            if mirrored.pose == entry.pose:
                entries.append(entry)
            else:  # the weight is split between the two sides
                half = 0.5 * entry.weight
                entries += [replace(entry, side=1, weight=half), replace(mirrored, side=-1, weight=half)]
    return entries


def _parse_entry(name: str, kind: str, fields: Mapping[str, Any], file: str) -> Entry:
    for key in fields:
        if key not in ENTRY_KEYS:
            _fail(file, name, f"unknown key '{key}'", ENTRY_KEYS)
    conditions = tuple(fields.get("conditions", ()))
    for text in conditions:
        try:
            parse(text)
        except InputError as error:
            raise InputError(f"{file}: {name}: {error}") from None
    pose = _parse_parts(fields.get("pose", {}), name, file)
    takes, free = _free_parts(kind, pose, frozenset(fields.get("takes", ())))
    return Entry(
        name=name,
        kind=kind,
        family=file.removesuffix(".yaml"),
        pose=pose,
        verb_phrases=tuple(fields.get("does", ())),
        with_phrases=tuple(fields.get("with", ())),
        how_phrases=tuple(fields.get("how", ())),
        statements=tuple(fields.get("states", ())),
        side_phrases=tuple(fields.get("sides", ())),
        conditions=conditions,
        takes=takes,
        needs=_needs(kind, fields.get("needs", ())),
        slots=frozenset(fields.get("fits", ())),
        free=free,
        like=str(fields.get("like", "")),
        weight=float(fields.get("weight", 1.0)),
        implied=bool(fields.get("implied", False)),
    )


def _needs(kind: str, tags: Sequence[str]) -> frozenset[str]:
    """The tags that a fragment needs, with its slot."""
    if kind in MAIN_KINDS:
        return frozenset(tags)
    slot = SLOTS.get(kind, kind)
    named = any(tag.split()[-1] == slot for tag in tags)
    return frozenset(tags if named else [*tags, slot])


def _free_parts(
    kind: str, pose: Mapping[str, Mapping[str, Any]], takes: frozenset[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """What a main entry takes, and the parts of the body that its fragments may place."""
    if kind in FRAGMENT_KINDS:
        return takes, frozenset()
    slots = {tag.split()[-1] for tag in takes}
    free = {part for part in PART_KEYS if (part if "_" not in part else f"{part.split('_')[1]}s") in slots}
    if kind == "whole":
        absent = {part for part in PART_KEYS if part not in pose}
        upright = {"pelvis", "torso"} <= absent
        if "head" in absent and "lying head" not in takes:
            takes, free = takes | {"head"}, free | {"head"}
        if upright:
            arms = absent & {"left_arm", "right_arm"}
            takes = takes | {"upright", "torso"} | ({"arms", "erect"} if arms else set())
            free |= {"torso"} | arms
        if upright and {"left_leg", "right_leg"} <= absent:
            takes, free = takes | {"stand legs"}, free | {"left_leg", "right_leg"}
    if "torso" in takes:
        takes |= {"side torso"}
    return takes, frozenset(free)


def _parse_parts(pose: Mapping[str, Any], name: str, file: str) -> dict[str, Mapping[str, Any]]:
    """The parts of a posture. `arms` and `legs` are both sides, with the same numbers drawn from ranges."""
    parts: dict[str, Mapping[str, Any]] = {}
    for part, numbers in pose.items():
        sides = [f"left_{part[:-1]}", f"right_{part[:-1]}"] if part in ("arms", "legs") else [part]
        for side in sides:
            if side not in PART_KEYS:
                _fail(file, name, f"unknown part '{part}'", (*PART_KEYS, "arms", "legs"))
            for key in numbers:
                if key not in PART_KEYS[side]:
                    _fail(file, name, f"unknown key '{key}' of {part}", PART_KEYS[side])
            hand = numbers.get("hand")
            if isinstance(hand, str) and hand not in HAND_POSITIONS:
                _fail(file, name, f"unknown hand position '{hand}'", tuple(HAND_POSITIONS))
            if numbers.get("from", "shoulder") not in ANCHORS:
                _fail(file, name, f"unknown 'from' of a hand: '{numbers['from']}'", tuple(ANCHORS))
            for word in f"{numbers.get('toward', '')} {numbers.get('pole', '')}".split():
                if word not in DIRECTIONS:
                    _fail(file, name, f"unknown direction '{word}'", tuple(DIRECTIONS))
            parts[side] = numbers
    return parts


def _fail(file: str, entry: str, problem: str, allowed: Sequence[str]) -> NoReturn:
    raise InputError(f"{file}: {entry}: {problem}; allowed: {', '.join(allowed)}")


def mirrored_name(name: str) -> str:
    """The name of an entry's mirror image, if it has one."""
    if name.endswith(MIRRORED_SUFFIX):
        return name.removesuffix(MIRRORED_SUFFIX)
    swapped = swap_sides(name)
    return swapped if swapped != name else name + MIRRORED_SUFFIX


def _mirror_entry(entry: Entry) -> Entry:
    return replace(
        entry,
        name=mirrored_name(entry.name),
        pose={swap_sides(part): _mirror_part(part, numbers) for part, numbers in entry.pose.items()},
        verb_phrases=tuple(swap_sides(text) for text in entry.verb_phrases),
        with_phrases=tuple(swap_sides(text) for text in entry.with_phrases),
        how_phrases=tuple(swap_sides(text) for text in entry.how_phrases),
        statements=tuple(swap_sides(text) for text in entry.statements),
        side_phrases=tuple(swap_sides(text) for text in entry.side_phrases),
        takes=frozenset(swap_sides(tag) for tag in entry.takes),
        needs=frozenset(swap_sides(tag) for tag in entry.needs),
        slots=frozenset(swap_sides(tag) for tag in entry.slots),
        free=frozenset(swap_sides(part) for part in entry.free),
        like=mirrored_name(entry.like) if entry.like else "",
        conditions=tuple(mirror_condition(text) for text in entry.conditions),
    )


def _mirror_part(part: str, numbers: Mapping[str, Any]) -> Mapping[str, Any]:
    """The numbers of a part of the mirror image. Those of limbs count outward, so they are the same on both sides."""
    if part == "pelvis" and "rests_on" in numbers:
        numbers = {**numbers, "rests_on": sorted(swap_sides(joint) for joint in numbers["rests_on"])}
    if part not in ("pelvis", "torso", "head") or not any(key in numbers for key in _SIDEWAYS_KEYS):
        return numbers
    return {key: _negate(value) if key in _SIDEWAYS_KEYS else value for key, value in numbers.items()}


def _negate(value: Any) -> Any:
    return [-value[1], -value[0]] if isinstance(value, list) else -value
