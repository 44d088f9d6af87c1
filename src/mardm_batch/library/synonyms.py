"""Other words in the place of a phrase's own, by the groups of `assets/synonyms.yaml`."""

import re
from collections import defaultdict
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
import yaml

_SHARE: Final = 0.25
"""How often a word that has synonyms gives way to one."""


def reworded(text: str, rng: np.random.Generator) -> str:
    """A phrase, in the notation of the data files, with synonyms of some of its words."""
    said, end = "", 0
    for start, stop, others in _replaceable(text):
        if rng.random() < _SHARE:
            other = others[int(rng.integers(len(others)))]
            before = re.sub(r"\b(a)n?( )$", rf"\1{'n' if other[0] in 'aeiou' else ''}\2", text[end:start])
            said, end = said + before + other, stop
    return said + text[end:]


@cache
def _replaceable(text: str) -> tuple[tuple[int, int, tuple[str, ...]], ...]:
    """Where the words of a group are in the text, from and to, with the others of the group."""
    pattern, others = _synonyms()
    return tuple((match.start(), match.end(), others[match[0]]) for match in pattern.finditer(text))


@cache
def _synonyms() -> tuple[re.Pattern[str], dict[str, tuple[str, ...]]]:
    """What finds the words of any group, the longest first, and for each of them what may stand in its place."""
    file = resources.files("mardm_batch") / "assets" / "synonyms.yaml"
    others: defaultdict[str, list[str]] = defaultdict(list)
    for groups in yaml.safe_load(file.read_text(encoding="utf-8")).values():
        for group in groups:
            for words in group:
                others[words] += [other for other in group if other != words]
    longest_first = "|".join(re.escape(words) for words in sorted(others, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w'’<-])(?:{longest_first})(?![\w'’-])")
    return pattern, {words: tuple(each) for words, each in others.items()}
