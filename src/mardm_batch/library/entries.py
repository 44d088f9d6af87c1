"""The entries of the pose library: postures and fragments, read from data files, each with its mirror image.

Every entry of `assets/pose_library/*.yaml` says how it looks (`pose`, the keys of `library/posing.py`), how people
say it (`does`: verb phrases with the verb in <>; `with`: what follows "with"; `sides`: what may end a verb phrase that
does not say which side), and what must hold of the joints (`conditions`, the language of `conditions.py`). An entry of
kind `support` or `whole` stands alone; fragments of the kinds `arms`, `arm`, `torso` and `head` join those that take
them. An entry whose posture differs on the left and the right has its mirror image as a second entry, in joints, words
and conditions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import yaml

from mardm_batch.errors import InputError
from mardm_batch.library.kinematics import DIRECTIONS
from mardm_batch.library.posture import ANCHORS, HAND_SPOTS, PART_KEYS
from mardm_batch.pose.conditions import mirror_condition, parse
from mardm_batch.pose.sides import swap_sides

MAIN_KINDS: Final = ("support", "whole")
FRAGMENT_KINDS: Final = ("arms", "arm", "torso", "head")
ENTRY_KEYS: Final = ("pose", "does", "with", "sides", "conditions", "takes", "needs", "weight", "implied")

MIRRORED: Final = " (mirrored)"
_SIDED: Final = ("lean", "twist", "tilt", "turn")


@dataclass(frozen=True)
class Entry:
    """One posture or fragment; `pose` maps parts to numbers or [low, high] ranges. `family` is its file's name.

    `side` is 1 as the data file has it, -1 for its mirror image, 0 where the two are the same.
    """

    name: str
    kind: str
    family: str
    pose: Mapping[str, Mapping[str, Any]]
    does: tuple[str, ...]
    having: tuple[str, ...]
    sides: tuple[str, ...]
    conditions: tuple[str, ...]
    takes: frozenset[str]
    needs: frozenset[str]
    weight: float
    implied: bool
    side: Literal[-1, 0, 1] = 0


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
            if entry.sides and (kind not in MAIN_KINDS or twin.pose == entry.pose):
                raise InputError(f"{file}: {name}: only a support or whole that differs left and right has 'sides'")
            if twin.pose == entry.pose:
                entries.append(entry)
            else:  # the two sides share the weight
                half = 0.5 * entry.weight
                entries += [replace(entry, side=1, weight=half), replace(twin, side=-1, weight=half)]
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
        family=file.removesuffix(".yaml"),
        pose=_parts(fields.get("pose", {}), name, file),
        does=tuple(fields.get("does", ())),
        having=tuple(fields.get("with", ())),
        sides=tuple(fields.get("sides", ())),
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


def twin_name(name: str) -> str:
    """The name of an entry's mirror image, where it has one."""
    if name.endswith(MIRRORED):
        return name.removesuffix(MIRRORED)
    swapped = swap_sides(name)
    return swapped if swapped != name else name + MIRRORED


def _mirrored(entry: Entry) -> Entry:
    return replace(
        entry,
        name=twin_name(entry.name),
        pose={swap_sides(part): _mirrored_part(part, numbers) for part, numbers in entry.pose.items()},
        does=tuple(swap_sides(text) for text in entry.does),
        having=tuple(swap_sides(text) for text in entry.having),
        sides=tuple(swap_sides(text) for text in entry.sides),
        conditions=tuple(mirror_condition(text) for text in entry.conditions),
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
