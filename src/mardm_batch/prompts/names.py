"""The prompt, and the name of its files, which is derived from its caption.

Captions are untrusted text: `file_name` alone decides which of their characters may appear in a path.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Final

MAX_NAME_CHARACTERS: Final = 200
MAX_NAME_BYTES: Final = 240
HASH_DIGITS: Final = 8


@dataclass(frozen=True)
class Prompt:
    """A pose to generate: `name` is the stem of its files, `caption` the text exactly as written."""

    name: str
    caption: str
    source: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """The other columns of the prompt file: plain JSON values."""


_SUBJECT = re.compile(r"^(?:(?:a|the)\s+)?person\s+(?=\S)", re.IGNORECASE)
_DISALLOWED = re.compile(r"[^\w\s-]+")
# Letters and marks that file systems may ignore when comparing names (Unicode: default ignorable).
_IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
# Device names of Windows, where they are reserved with any extension.
_DEVICE_NAMES: Final = frozenset(
    ["con", "prn", "aux", "nul"] + [device + digit for device in ("com", "lpt") for digit in "0123456789¹²³"]
)


def file_name(caption: str) -> str:
    """The stem of a caption's files, valid on every file system: `A person arching back` gives `arching_back`.

    It has 1 to 200 characters and at most 240 bytes of UTF-8; a hash after a reserved device name adds 9.
    """
    # NFC: file systems disagree on whether é is one character or two.
    text = _IGNORABLE.sub("", unicodedata.normalize("NFC", caption.strip()))
    kept = re.sub(r"\s", "_", _DISALLOWED.sub(_keep_marks_after_letter, _SUBJECT.sub("", text)))
    name = _truncate(unicodedata.normalize("NFC", kept), MAX_NAME_BYTES)
    if not name:
        return f"caption-{_digest(caption)[:HASH_DIGITS]}"
    if name.lower() in _DEVICE_NAMES:
        return f"{name}-{_digest(caption)[:HASH_DIGITS]}"
    return name


def name_prompts(captions: Iterable[str]) -> tuple[Prompt, ...]:
    """Prompts with distinct names for distinct captions, also on file systems that ignore case.

    The first caption of several with the same name gets the plain one, the others add `-` and 8 hex digits of the
    caption's SHA-256, or more where that is in use as well. A name depends only on the captions before it.
    """
    used: set[str] = set()
    prompts = []
    for caption in captions:
        plain = name = file_name(caption)
        digits = HASH_DIGITS
        while (key := _fold_case(name)) in used:
            # Further digits replace text, so that the maximum length stays the same.
            name = f"{_truncate(plain, MAX_NAME_BYTES + HASH_DIGITS - digits)}-{_digest(caption)[:digits]}"
            digits += 1
        used.add(key)
        prompts.append(Prompt(name, caption))
    return tuple(prompts)


def is_name_of(name: str, caption: str) -> bool:
    """Whether `name_prompts` may have given the caption this name, in some list."""
    plain, (head, _, digits) = file_name(caption), name.rpartition("-")
    with_hash = len(digits) >= HASH_DIGITS and _digest(caption).startswith(digits) and plain.startswith(head)
    return name == plain or with_hash


def _fold_case(name: str) -> str:
    # Windows compares names in upper case, macOS case-folded; names that are equal for either are equal here.
    return unicodedata.normalize("NFC", name.upper().casefold())


def _truncate(name: str, max_bytes: int) -> str:
    """The longest prefix within both limits that ends with a whole character, including its combining marks."""
    cut = name[:MAX_NAME_CHARACTERS].encode()[:max_bytes].decode(errors="ignore")
    end = len(cut)
    while 0 < end < len(name) and _is_mark(name[end]):
        end -= 1
    return name[:end] or cut


def _keep_marks_after_letter(dropped: re.Match[str]) -> str:
    """The combining marks (accents, vowel signs) at the start of dropped characters, if they follow a letter."""
    start = dropped.start()
    after_letter = start > 0 and dropped.string[start - 1].isalpha()
    return "".join(takewhile(_is_mark, dropped[0])) if after_letter else ""


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Mc")


def _digest(caption: str) -> str:
    return hashlib.sha256(caption.encode()).hexdigest()
