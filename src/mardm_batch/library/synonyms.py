"""Replace words of a phrase by synonyms, from the groups of `assets/synonyms.yaml`."""

import re
from collections import defaultdict
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
import yaml

_REPLACED_SHARE: Final = 0.25
"""Share of the words that have synonyms to replace."""


def substitute_synonyms(text: str, rng: np.random.Generator) -> str:
    """A phrase, in the notation of the data files, with some words replaced by synonyms."""
    result, end = "", 0
    for start, stop, synonyms in _find_replaceable(text):
        if rng.random() < _REPLACED_SHARE:
            other = synonyms[int(rng.integers(len(synonyms)))]
            before = re.sub(r"\b(a)n?( )$", rf"\1{'n' if other[0] in 'aeiou' else ''}\2", text[end:start])
            result, end = result + before + other, stop
    return result + text[end:]


@cache
def _find_replaceable(text: str) -> tuple[tuple[int, int, tuple[str, ...]], ...]:
    """Start, end and synonyms of each part of the text that has synonyms."""
    pattern, synonyms = _load_synonyms()
    return tuple((match.start(), match.end(), synonyms[match[0]]) for match in pattern.finditer(text))


@cache
def _load_synonyms() -> tuple[re.Pattern[str], dict[str, tuple[str, ...]]]:
    """A pattern for all words that have synonyms, the longest first, and the synonyms of each."""
    file = resources.files("mardm_batch") / "assets" / "synonyms.yaml"
    synonyms: defaultdict[str, list[str]] = defaultdict(list)
    for groups in yaml.safe_load(file.read_text(encoding="utf-8")).values():
        for group in groups:
            for words in group:
                synonyms[words] += [other for other in group if other != words]
    longest_first = "|".join(re.escape(words) for words in sorted(synonyms, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w'’<-])(?:{longest_first})(?![\w'’-])")
    return pattern, {words: tuple(each) for words, each in synonyms.items()}
