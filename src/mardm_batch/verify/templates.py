"""JSON files by what they have in common: what was checked in one is not checked again in the next.

The JSON files of a folder are written alike, and differ in caption, name, joints, other columns and agreement alone.
What is left when these are cut out, the template, is checked once, with the first file that has it. Files that are
damaged or written otherwise have none, and are read whole by those who ask.
"""

import json
import math
import re
import struct
from collections.abc import Mapping
from itertools import chain
from typing import Any, Final, NamedTuple

from mardm_batch.dataset.formats.format import DamagedFileError
from mardm_batch.dataset.formats.json_file import pose_document
from mardm_batch.dataset.metadata import row_text
from mardm_batch.dataset.records import PoseDocument
from mardm_batch.pose.skeleton import NUM_JOINTS
from mardm_batch.system.json_records import DECODER, MAX_DEPTH

START: Final = '{"caption": "'
JOINTS: Final = ', "joints": '
NAME: Final = ', "name": "'
SOURCE: Final = ', "source": '
AGREEMENT: Final = ', "agreement": '
NUMBER: Final = re.compile(r"[0-9]\.[0-9]+(?=[,}])")
FLOATS: Final = struct.Struct(f"{3 * NUM_JOINTS}f")
ROW_LENGTHS: Final = {3}
MARK: Final = "?mark?"
"""In a template in the place of what was cut out."""
MARKED_SOURCE: Final = {MARK: 0}
MAX_TEMPLATES: Final = 10_000

Pieces = tuple[str, str, str, str, str | None]
"""What is left between caption, joints, name, other columns and agreement; None after a JSON without agreement."""


class Template(NamedTuple):
    """What the files of a template have in common."""

    number: int
    """Which pose of its caption, from 1."""
    settings: Mapping[str, Any]
    settings_text: str
    unknown_words: tuple[str, ...]


class PoseFacts(NamedTuple):
    """What a JSON without damage says.

    `joints`: the bytes of 66 float32 numbers. `joints_text`: the same as the JSON spells them.
    """

    template: Template
    caption: str
    joints: bytes
    joints_text: str
    source: Mapping[str, Any]
    agreement: float | None

    def row(self, file_name: str) -> bytes:
        """The pose's line of metadata without the columns of the prompt file, if the JSON spells numbers as we do."""
        words = self.template.unknown_words
        return row_text(file_name, self.caption, self.joints_text, words, self.agreement).encode(errors="replace")


class Templates:
    """The templates of the files that were read."""

    def __init__(self) -> None:
        self.known: dict[Pieces, Template | None] = {}
        """None where a file that has it is damaged or written otherwise."""

    def facts(self, content: bytes, name: str) -> PoseFacts | None:
        """What the JSON of a pose of that name says; None where it has to be read whole."""
        try:
            text = content.decode()
            return self.read(text, name)
        except (ValueError, TypeError, struct.error, OverflowError, RecursionError):
            return None

    def read(self, text: str, name: str) -> PoseFacts | None:
        """As `facts`; it may raise what damaged text makes its parts raise."""
        if not text.startswith(START) or text.count("[") + text.count("{") > MAX_DEPTH:
            return None
        caption, caption_end = DECODER.raw_decode(text, len(START) - 1)
        joints_start = text.index(JOINTS, caption_end) + len(JOINTS)
        rows, joints_end = DECODER.raw_decode(text, joints_start)
        name_start = text.index(NAME, joints_end) + len(NAME)
        written_name, name_end = DECODER.raw_decode(text, name_start - 1)
        source_start = text.index(SOURCE, name_end) + len(SOURCE)
        source, source_end = DECODER.raw_decode(text, source_start)
        before, after, agreement = text[source_end:], None, None
        start = before.rfind(AGREEMENT)
        if start >= 0:
            start += len(AGREEMENT)
            number = NUMBER.match(before, start)
            if number is None:
                return None
            agreement = float(number[0])
            before, after = before[:start], before[number.end() :]
        pieces = (
            text[caption_end:joints_start],
            text[joints_end:name_start],
            text[name_end:source_start],
            before,
            after,
        )
        joints = packed(rows)
        if joints is None or type(source) is not dict or written_name != name:
            return None
        (caption + name).encode()  # JSON may hold half of a surrogate pair, which raises ValueError
        if pieces not in self.known:
            if len(self.known) >= MAX_TEMPLATES:
                self.known.clear()
            self.known[pieces] = template_of(pieces, text, name)
        template = self.known[pieces]
        if template is None:
            return None
        return PoseFacts(template, caption, joints, text[joints_start:joints_end], source, agreement)


def packed(rows: Any) -> bytes | None:
    """The float32 numbers of joints; None where these are others, or not finite. Raises TypeError or struct.error for
    what is no list of lists of numbers."""
    values = list(chain.from_iterable(rows))
    if len(rows) != NUM_JOINTS or set(map(len, rows)) != ROW_LENGTHS or set(map(type, values)) != {float}:
        return None
    content = FLOATS.pack(*values)
    return content if FLOATS.unpack(content) == tuple(values) and math.isfinite(sum(values)) else None


def template_of(pieces: Pieces, text: str, name: str) -> Template | None:
    """What the files with these pieces have in common; None where they are damaged or written otherwise.

    Args:
        text: one of these files, of the pose of that name.
    """
    between, following, further, before, after = pieces
    if MARK in text:
        return None
    number = "" if after is None else f"{json.dumps(MARK)}{after}"
    marked = f'{START}{MARK}"{between}[]{following}{MARK}"{further}{json.dumps(MARKED_SOURCE)}{before}{number}'
    try:
        found = json.loads(marked, object_pairs_hook=distinct_keys)
        document: PoseDocument = pose_document(text, name)
    except (DamagedFileError, ValueError):
        return None
    expected = {"caption": MARK, "joints": [], "name": MARK, "source": MARKED_SOURCE}
    if after is not None:
        expected["agreement"] = MARK
    if any(found.get(key) != value for key, value in expected.items()) or (after is None and "agreement" in found):
        return None  # what was cut out is part of something else
    settings = document.settings()
    return Template(document.key[1], settings, settings_text(settings), document.unknown_words or ())


def settings_text(settings: Mapping[str, Any]) -> str:
    """Settings as text, which two have in common only where each value is the same, and of the same type."""
    return json.dumps(settings, sort_keys=True)


def distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs. Raises ValueError where a key is there twice: the last one would count."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found
