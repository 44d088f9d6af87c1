"""The prompt, and the name of its files, which is derived from its caption.

Captions are untrusted text: `file_name` alone decides which of their characters may appear in a path.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from mardm_batch.prompts.prompt_file import Entry

MAX_NAME_CHARACTERS: Final = 200
MAX_NAME_BYTES: Final = 240
HASH_DIGITS: Final = 8
ID_COLUMN: Final = "id"
NAME_SOURCES: Final = ("caption", "id", "index")
"""What names are made of: the caption; the column `id`, else the row; the place in the list of prompts."""
_SUFFIX_BYTES: Final = 15  # of the longest file name: what is added to make it distinct, and a suffix
_DISTINCT_BYTES: Final = 6  # by which a name may exceed the limit to be distinct; the longest suffix is .clip.npy
_MIN_NAME_BYTES: Final = 16


NO_COLUMNS: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Prompt:
    """A pose to generate: `name` is the stem of its files, `caption` the text exactly as written."""

    name: str
    caption: str
    source: Mapping[str, Any] = field(default_factory=lambda: NO_COLUMNS, hash=False)
    """The other columns of the prompt file: plain JSON values."""
    number: int = 1
    """Which pose of its caption this is; those after the first have other noise."""
    frames: int | None = None
    """The length of its clip, where the prompt file says it; else that of the settings."""

    @property
    def key(self) -> tuple[str, int]:
        """Caption and number: what the prompt is, however its files are named."""
        return self.caption, self.number


_SUBJECT = re.compile(r"^(?:(?:a|the)\s+)?person\s+(?=\S)", re.IGNORECASE)
_DISALLOWED = re.compile(r"[^\w\s-]+")
# Letters and marks that file systems may ignore when comparing names (Unicode: default ignorable).
_IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
# Device names of Windows, where they are reserved with any extension.
_DEVICE_NAMES: Final = frozenset(
    ["con", "prn", "aux", "nul"] + [device + digit for device in ("com", "lpt") for digit in "0123456789¹²³"]
)


def max_name_bytes(folder: Path) -> int:
    """The bytes of the longest name whose files the file system of a folder, which need not exist, can hold."""
    try:
        existing = next((each for each in (folder, *folder.absolute().parents) if each.exists()), Path("/"))
        limit = os.pathconf(existing, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # AttributeError: Windows, whose limit is that of NTFS
        return MAX_NAME_BYTES
    return MAX_NAME_BYTES if limit < 0 else max(min(limit - _SUFFIX_BYTES, MAX_NAME_BYTES), _MIN_NAME_BYTES)


def file_name(caption: str, max_bytes: int = MAX_NAME_BYTES) -> str:
    """The stem of a caption's files, valid on every file system: `A person arching back` gives `arching_back`.

    It has 1 to 200 characters and at most `max_bytes` of UTF-8, and begins with neither `-` nor `.`; a hash after a
    reserved device name adds 9.
    """
    return _safe_stem(_SUBJECT.sub("", _comparable(caption)), caption, max_bytes)


def name_prompts(
    entries: Iterable[Entry], source: str = "caption", max_bytes: int = MAX_NAME_BYTES
) -> tuple[Prompt, ...]:
    """Prompts with distinct names for entries with distinct captions, also on file systems that ignore case.

    The first of several with the same name gets the plain one, the others add `-` and 8 hex digits of the caption's
    SHA-256, or more where that is in use as well. A name depends only on the entries before it.

    Args:
        source: what names are made of, one of `NAME_SOURCES`. For `id`, entries without one have their place.
        max_bytes: of the names in UTF-8, without the hash.
    """
    used: set[str] = set()
    prompts = []
    for index, entry in enumerate(entries):
        plain = name = _plain_name(entry, index, source, max_bytes)
        digits = HASH_DIGITS
        while (key := _fold_case(name)) in used:
            # Further digits replace text, so that the maximum length stays the same.
            ending = f"-{_digest(entry.caption)[:digits]}"
            name = _truncate(plain, max_bytes + _DISTINCT_BYTES - len(ending)) + ending
            digits += 1
        used.add(key)
        prompts.append(Prompt(name, entry.caption, entry.source, frames=entry.frames))
    return tuple(prompts)


def further_poses(prompts: Sequence[Prompt], count: int, max_bytes: int = MAX_NAME_BYTES) -> tuple[Prompt, ...]:
    """Every prompt `count` times, the poses of a caption side by side.

    The first keeps its name, so that it is the same with any count; further ones are `NAME__2`, `NAME__3` …, or, where
    that is too long or another prompt's name, get the caption's hash before the number.

    Args:
        max_bytes: as of `name_prompts`, which named the prompts.
    """
    if count == 1:
        return tuple(prompts)
    used = {_fold_case(prompt.name) for prompt in prompts}
    numbered = []
    for prompt in prompts:
        numbered.append(prompt)
        for number in range(2, count + 1):
            name = _numbered_name(prompt, number, used, max_bytes)
            used.add(_fold_case(name))
            numbered.append(replace(prompt, name=name, number=number))
    return tuple(numbered)


def _numbered_name(prompt: Prompt, number: int, used: set[str], max_bytes: int) -> str:
    name, digits = f"{prompt.name}__{number}", HASH_DIGITS
    while len(name.encode()) > max_bytes + _DISTINCT_BYTES or _fold_case(name) in used:
        ending = f"-{_digest(prompt.caption)[:digits]}__{number}"
        name = _truncate(prompt.name, max_bytes + _DISTINCT_BYTES - len(ending)) + ending
        digits += 1
    return name


def is_name_of(name: str, caption: str, source: Mapping[str, Any] | None = None, number: int = 1) -> bool:
    """Whether a prompt of a caption, with these other columns and this number, may have this name, in some list."""
    if number > 1:
        first = name.removesuffix(f"__{number}")
        return first != name and is_name_of(first, caption, source)
    head, _, digits = name.rpartition("-")
    has_hash = len(digits) >= HASH_DIGITS and _digest(caption).startswith(digits)
    by_id = _name_of_id(Entry(caption, source or {}), MAX_NAME_BYTES)
    for plain in (file_name(caption), by_id):
        # On a file system with short names both are shorter.
        if plain and (name == plain or _is_cut(name, plain) or (has_hash and plain.startswith(head))):
            return True
    return bool(_INDEX.fullmatch(head if has_hash else name))


def _is_cut(name: str, plain: str) -> bool:
    """Whether a name is what a file system with short names leaves of a longer one."""
    return plain.startswith(name) and len(name.encode()) >= 100


def _plain_name(entry: Entry, index: int, source: str, max_bytes: int) -> str:
    if source == "caption":
        return file_name(entry.caption, max_bytes)
    return (_name_of_id(entry, max_bytes) if source == "id" else None) or f"{index:06d}"


_INDEX = re.compile(r"\d{6,}")


def _name_of_id(entry: Entry, max_bytes: int) -> str | None:
    """The name by the column `id`, in any case; None where there is none, or none that is text or a whole number."""
    value = next((value for column, value in entry.source.items() if column.casefold() == ID_COLUMN), None)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = _comparable(str(value))
    return _safe_stem(text, entry.caption, max_bytes) if text else None


def _comparable(text: str) -> str:
    if text.isascii():
        return text.strip()
    # NFC: file systems disagree on whether é is one character or two.
    return _IGNORABLE.sub("", unicodedata.normalize("NFC", text.strip()))


def _safe_stem(text: str, caption: str, max_bytes: int) -> str:
    """The letters, digits, `_` and `-` of the text; the caption's hash where there are none or a device is named so."""
    kept = re.sub(r"\s", "_", _DISALLOWED.sub(_keep_marks_after_letter, text))
    if kept.startswith("-"):  # `rm *.npy` would read it as an option
        kept = kept.lstrip("-_")
    name = _truncate(kept if kept.isascii() else unicodedata.normalize("NFC", kept), max_bytes)
    if not name:
        return f"caption-{_digest(caption)[:HASH_DIGITS]}"
    if name.lower() in _DEVICE_NAMES:
        return f"{name}-{_digest(caption)[:HASH_DIGITS]}"
    return name


def _fold_case(name: str) -> str:
    # Windows compares names in upper case, macOS case-folded; names that are equal for either are equal here.
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name.upper().casefold())


def _truncate(name: str, max_bytes: int) -> str:
    """The longest prefix within both limits that ends with a whole character, including its combining marks."""
    if name.isascii():
        return name[: min(max_bytes, MAX_NAME_CHARACTERS)]
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
