"""A caption while it is rewritten: its text, and every change that was made to it."""

import re
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field
from typing import Final

_END: Final = " .,;:!?"
"""What ends a text to which something is added."""

Replacement = Callable[[re.Match[str]], str | None]
"""What to say instead of a match; None: as it is."""


@dataclass(frozen=True)
class Rule:
    """A pattern, and what to say instead of its matches. `words`: one of them is in every text that it matches."""

    words: frozenset[str]
    pattern: re.Pattern[str]
    replace: Replacement


def compile_rules(rules: Iterable[tuple[str, str, Replacement]]) -> tuple[Rule, ...]:
    """Rules from their words, separated by spaces, their patterns, of which the case does not matter, and the rest."""
    return tuple(
        Rule(frozenset(words.split()), re.compile(f"(?i){pattern}"), replace) for words, pattern, replace in rules
    )


@dataclass(frozen=True)
class Change:
    """A part of a caption that was replaced. `kind`: spelling, form, number, negation, side or expression.

    An expression stays; what it means is said besides.
    """

    kind: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.before.strip()!r} as {self.after.strip()!r} ({self.kind})"


@dataclass
class Draft:
    """The text so far, and the changes."""

    text: str
    changes: list[Change] = field(default_factory=list)

    def substitute(self, kind: str, pattern: re.Pattern[str], replace: Replacement) -> None:
        """Replace the matches of a pattern by what a function says, and leave those for which it says None."""

        def record(match: re.Match[str]) -> str:
            after = replace(match)
            if after is None or after == match[0]:
                return match[0]
            if after and match[0][:1].isupper() and len(match[0]) > 2:
                after = after[0].upper() + after[1:]
            self.changes.append(Change(kind, match[0], after))
            return after

        self.text = pattern.sub(record, self.text)

    def say_besides(self, kind: str, part: str, meaning: str) -> None:
        """Say at the end what a part of the text means, unless the text says it."""
        if meaning not in self.text:
            self.changes.append(Change(kind, part, meaning))
            self.text = f"{self.text.rstrip(_END)}, {meaning}"

    def apply(self, kind: str, rules: Iterable[Rule], words: Set[str]) -> None:
        """Replace by all rules that have one of the words of the text in lower case, in their order."""
        for rule in rules:
            if not rule.words.isdisjoint(words):
                self.substitute(kind, rule.pattern, rule.replace)
