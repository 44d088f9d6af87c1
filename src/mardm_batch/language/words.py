"""Words of a caption, and their stems."""

import re
from functools import lru_cache
from typing import Final

WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
"""A word; hyphens and punctuation separate words."""
_ENDINGS: Final = ("ing", "ed", "es", "s", "e", "ly")


def split_words(caption: str) -> list[str]:
    """The words of a caption in lower case; hyphens and punctuation separate them."""
    return WORD.findall(caption.lower())


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """A word without its inflection (raise, raises, raised, raising have one stem), not always a word itself."""
    word = re.sub(r"['’]s$", "", word)
    for ending in _ENDINGS:
        shorter = word.removesuffix(ending)
        if shorter != word and len(shorter) >= 3 and re.search("[aeiouy]", shorter):
            word = shorter
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word
