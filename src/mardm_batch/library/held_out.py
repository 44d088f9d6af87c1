"""The held-out split: combinations, phrases and recordings that are never trained on, for evaluation.

The choice is a hash of names and phrases: the same in every process and for every seed, and independent of other
entries. An item and its mirror image are held out together, because training also uses mirror images.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, Literal

from mardm_batch.library.entries import Entry, mirrored_name
from mardm_batch.pose.sides import swap_sides

Kind = Literal["combination", "way", "recording"]

SHARES: Final[dict[Kind, float]] = {"combination": 0.04, "way": 0.05, "recording": 0.04}
"""Held-out shares of combinations of entries, of phrases of entries ("way"), and of recorded clips."""
_MIN_PHRASES: Final = 4
"""Phrases that an entry must have for some of them to be held out."""


def is_held_out(kind: Kind, text: str) -> bool:
    """Whether an item is held out; `text` identifies it and is the same for its mirror image."""
    digest = hashlib.sha256(f"{kind}: {text}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < SHARES[kind] * 2**64


class HeldOutSplit:
    """The held-out combinations of two or more entries of a pose library, and the held-out phrases of entries."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.by_name = {entry.name: entry for entry in entries}
        selected: set[str] = set()
        reserved: set[str] = set()
        for entry in entries:
            enough = len(entry.verb_phrases) + len(entry.with_phrases) >= _MIN_PHRASES
            for phrases in (entry.verb_phrases, entry.with_phrases):
                canonical = [_canonical(phrase) for phrase in phrases]
                reserved.update(canonical[:1] if enough else canonical)
                selected.update(phrase for phrase in canonical if is_held_out("way", phrase))
        self.phrases = frozenset(selected - reserved)
        """The held-out phrases as in the data files; of a phrase and its mirror image the alphabetically first."""

    def held_out_kinds(self, entries: Sequence[Entry], phrases: Sequence[str]) -> frozenset[Kind]:
        """Which of the combination of these entries and the phrases of their caption are held out."""
        kinds: set[Kind] = set()
        names = [entry.name for entry in entries]
        mirrored = [name if (other := mirrored_name(name)) not in self.by_name else other for name in names]
        canonical = min("+".join(sorted(names)), "+".join(sorted(mirrored)))
        if len(names) > 1 and is_held_out("combination", canonical):
            kinds.add("combination")
        if any(_canonical(phrase) in self.phrases for phrase in phrases):
            kinds.add("way")
        return frozenset(kinds)


def _canonical(text: str) -> str:
    """Of a text and its mirror image the alphabetically first."""
    return min(text, swap_sides(text))
