"""What training never sees, so that a model can be scored on it.

Chosen by a hash of names and words: the same in every process, for every seed, and when other entries are added. A
thing and its mirror image are held out together, as exchanging left and right would give it away.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, Literal

from mardm_batch.library.entries import Entry, twin_name
from mardm_batch.pose.sides import swap_sides

Kind = Literal["combination", "way", "recording"]

SHARES: Final[dict[Kind, float]] = {"combination": 0.04, "way": 0.05, "recording": 0.04}
"""Of the combinations of entries, of the phrases that an entry is said with, of the recorded clips."""
_ENOUGH_PHRASES: Final = 4
"""So many an entry needs to go without one of them in training."""


def is_held_out(kind: Kind, text: str) -> bool:
    """Whether chance took this one; `text` says what it is in words that are the same for its mirror image."""
    digest = hashlib.sha256(f"{kind}: {text}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < SHARES[kind] * 2**64


class Split:
    """What of a pose library is held out: combinations of two or more entries, and ways to say one entry."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.by_name = {entry.name: entry for entry in entries}
        chosen: set[str] = set()
        kept: set[str] = set()
        for entry in entries:
            enough = len(entry.does) + len(entry.having) >= _ENOUGH_PHRASES
            for phrases in (entry.does, entry.having):
                sideless = [_without_side(phrase) for phrase in phrases]
                kept.update(sideless[:1] if enough else sideless)
                chosen.update(phrase for phrase in sideless if is_held_out("way", phrase))
        self.phrases = frozenset(chosen - kept)
        """As in the data files, of a phrase and its mirror image the one that is first in the alphabet."""

    def held_out_of(self, entries: Sequence[Entry], phrases: Sequence[str]) -> frozenset[Kind]:
        """What training never sees: the combination of entries, one of the phrases they are said with, both or none."""
        kinds: set[Kind] = set()
        names = [entry.name for entry in entries]
        twins = [name if (twin := twin_name(name)) not in self.by_name else twin for name in names]
        sideless = min("+".join(sorted(names)), "+".join(sorted(twins)))
        if len(names) > 1 and is_held_out("combination", sideless):
            kinds.add("combination")
        if any(_without_side(phrase) in self.phrases for phrase in phrases):
            kinds.add("way")
        return frozenset(kinds)


def _without_side(text: str) -> str:
    return min(text, swap_sides(text))
