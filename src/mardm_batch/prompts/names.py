"""Read prompt files and give every caption the file name of its pose.

Captions are untrusted text: they are kept exactly, less surrounding space and Markdown marks, and only
`file_name` decides what of them may appear in a path. Formats and names: README, "Prompt files".
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

MAX_NAME_CHARACTERS: Final = 200
MAX_NAME_BYTES: Final = 240
HASH_DIGITS: Final = 8


@dataclass(frozen=True)
class Prompt:
    """One pose that is asked for: `name` is the stem of its files, `caption` the text exactly as written."""

    name: str
    caption: str


_SUBJECT = re.compile(r"^(?:(?:a|the)\s+)?person\s+(?=\S)", re.IGNORECASE)
_NOT_IN_NAMES = re.compile(r"[^\w\s-]+")
# Letters and marks that file systems may ignore when they compare names (Unicode: default ignorable).
_IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
# Device names of Windows; there they are taken with any extension too.
_RESERVED: Final = frozenset(
    ["con", "prn", "aux", "nul"] + [device + digit for device in ("com", "lpt") for digit in "0123456789¹²³"]
)


def file_name(caption: str) -> str:
    """The stem of a caption's files: safe on every file system, never empty, never a path.

    `A person arching back` gives `arching_back`. At most 200 characters and 240 bytes of UTF-8, to
    which the hash of a reserved device name adds 9.
    """
    # NFC, because file systems disagree on whether é is one character or two.
    text = _IGNORABLE.sub("", unicodedata.normalize("NFC", caption.strip()))
    kept = re.sub(r"\s", "_", _NOT_IN_NAMES.sub(_marks_of_a_letter, _SUBJECT.sub("", text)))
    name = _cut(unicodedata.normalize("NFC", kept), MAX_NAME_BYTES)
    if not name:
        return f"caption-{_digest(caption)[:HASH_DIGITS]}"
    if name.lower() in _RESERVED:
        return f"{name}-{_digest(caption)[:HASH_DIGITS]}"
    return name


def name_prompts(captions: Iterable[str]) -> tuple[Prompt, ...]:
    """Give distinct captions distinct names, also for file systems that ignore case.

    The first caption of a name has it plain, the others add `-` and 8 hex digits of the caption's
    SHA-256 (more where even that is taken). A name depends on the captions before it alone.
    """
    taken: set[str] = set()
    prompts = []
    for caption in captions:
        plain = name = file_name(caption)
        digits = HASH_DIGITS
        while (key := _ignoring_case(name)) in taken:
            # Further digits come off the text, so that the longest name stays the longest.
            name = f"{_cut(plain, MAX_NAME_BYTES + HASH_DIGITS - digits)}-{_digest(caption)[:digits]}"
            digits += 1
        taken.add(key)
        prompts.append(Prompt(name, caption))
    return tuple(prompts)


def _ignoring_case(name: str) -> str:
    # Windows compares names in upper case, macOS folded; this is the same where either is.
    return unicodedata.normalize("NFC", name.upper().casefold())


def _cut(name: str, max_bytes: int) -> str:
    """The longest beginning within both limits that ends in a whole character with its marks."""
    cut = name[:MAX_NAME_CHARACTERS].encode()[:max_bytes].decode(errors="ignore")
    end = len(cut)
    while 0 < end < len(name) and _is_mark(name[end]):
        end -= 1
    return name[:end] or cut


def _marks_of_a_letter(dropped: re.Match[str]) -> str:
    """What stays of characters that do not: the accents and vowel signs of the letter before them."""
    start = dropped.start()
    after_letter = start > 0 and dropped.string[start - 1].isalpha()
    return "".join(takewhile(_is_mark, dropped[0])) if after_letter else ""


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Mc")


def _digest(caption: str) -> str:
    return hashlib.sha256(caption.encode()).hexdigest()
