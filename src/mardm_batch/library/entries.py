"""The entries of the pose library: postures and fragments of postures, read from data files.

The keys of an entry of `assets/pose_library/*.yaml`:

    pose        numbers of the posture, see `library.posture`
    does        verb phrases of its captions, the verb in <>
    with        noun phrases that follow "with" in its captions
    sides       phrases that may end a verb phrase which does not name a side
    conditions  conditions that its joints meet, see `pose.conditions`
    takes       kinds of fragments, and tags, that a main entry may be combined with
    needs       tags that a main entry must have for this fragment to be combined with it
    weight      relative frequency, 1 by default
    implied     true for the plain stand, which captions need not mention

Main entries, of kind `support` or `whole`, are postures on their own; fragments, of kind `arms`, `arm`, `torso` or
`head`, modify main entries. An entry whose posture is not symmetric has its mirror image as a second entry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NoReturn

import yaml

from mardm_batch.errors import InputError
from mardm_batch.library.kinematics import DIRECTIONS
from mardm_batch.library.posture import ANCHORS, HAND_POSITIONS, PART_KEYS
from mardm_batch.pose.conditions import mirror_condition, parse
from mardm_batch.pose.sides import swap_sides

MAIN_KINDS: Final = ("support", "whole")
FRAGMENT_KINDS: Final = ("arms", "arm", "torso", "head")
ENTRY_KEYS: Final = ("pose", "does", "with", "sides", "conditions", "takes", "needs", "weight", "implied")

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
        side_phrases: `sides` of the data file.
        conditions: that its joints meet.
        takes: kinds of fragments and tags of a main entry.
        needs: kind and tags that a main entry must take for this fragment to be combined with it.
        weight: relative frequency.
        implied: whether captions need not mention it.
        side: 1 as in the data file, -1 for the mirror image, 0 where the two are the same.
    """

    name: str
    kind: str
    family: str
    pose: Mapping[str, Mapping[str, Any]]
    verb_phrases: tuple[str, ...]
    with_phrases: tuple[str, ...]
    side_phrases: tuple[str, ...]
    conditions: tuple[str, ...]
    takes: frozenset[str]
    needs: frozenset[str]
    weight: float
    implied: bool
    side: Literal[-1, 0, 1] = 0


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
    slot = "arms" if kind == "arm" else kind
    return Entry(
        name=name,
        kind=kind,
        family=file.removesuffix(".yaml"),
        pose=_parse_parts(fields.get("pose", {}), name, file),
        verb_phrases=tuple(fields.get("does", ())),
        with_phrases=tuple(fields.get("with", ())),
        side_phrases=tuple(fields.get("sides", ())),
        conditions=conditions,
        takes=frozenset(fields.get("takes", ())),
        needs=frozenset([*fields.get("needs", ()), *([slot] if kind in FRAGMENT_KINDS else [])]),
        weight=float(fields.get("weight", 1.0)),
        implied=bool(fields.get("implied", False)),
    )


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
        side_phrases=tuple(swap_sides(text) for text in entry.side_phrases),
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
