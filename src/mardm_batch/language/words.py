"""Words of a caption, and their stems."""

import re
import unicodedata
from collections.abc import Container
from functools import lru_cache
from typing import Final

WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
"""A word; hyphens and punctuation separate words. Of scripts with vowel signs it is a part: see `whole_words`."""
MAX_WORDS: Final = 64
"""Words of a caption that the embedded model reads; the rest is cut."""
JOINERS: Final = "\u200c\u200d"
_ENDINGS: Final = ("ing", "ed", "es", "s", "e", "ly")


def split_words(caption: str) -> list[str]:
    """The words of a caption in lower case; hyphens and punctuation separate them."""
    return WORD.findall(caption.lower())


def has_known_word(caption: str, stems: Container[str]) -> bool:
    """Whether one of the words that are read of a caption has one of these stems."""
    return any(stem(word) in stems for word in split_words(caption)[:MAX_WORDS])


def whole_words(caption: str) -> list[str]:
    """The words of a caption as they are written, with the marks that some scripts set for vowels."""
    if caption.isascii():
        return WORD.findall(caption)
    words, end = list[str](), -1
    for match in WORD.finditer(caption):
        if end == match.start() and words:
            words[-1] += match[0]
        else:
            words.append(match[0])
        end = match.end()
        while end < len(caption) and is_mark(caption[end]):
            words[-1] += caption[end]
            end += 1
    return words


def is_mark(character: str) -> bool:
    """Whether a character belongs to the letter before it."""
    return character in JOINERS or unicodedata.category(character)[0] == "M"


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
