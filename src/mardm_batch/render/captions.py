"""Break captions of any script into lines and rasterise them to grey bitmaps. Pixels; widths are advances.

Captions are plain text, never markup: `$`, `\\` and `_` are drawn as they are. Characters that DejaVu Sans, which
ships with matplotlib, does not have are drawn with the best installed font that has them. The installed fonts are
searched once, at the first such character. Emoji and other symbols that no font has are named in brackets.
"""

import logging
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, groupby, pairwise
from pathlib import Path
from typing import ClassVar, Final

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font, Kerning
from numpy.typing import NDArray

from mardm_batch.render.emoji import WIDTH, ColourFont, is_symbol, name_in_brackets, simplify_sequences

logger = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]

ELLIPSIS: Final = "…"
MISSING_GLYPH: Final = "□"
"""Drawn for a character that no font has."""
MAX_CHARACTERS: Final = 1500
"""Characters of a caption that are read: more than fit into a picture."""
MEASURING_SIZE: Final = 100.0
"""Pixels an em at which characters are measured."""
LINE_HEIGHT: Final = 1.3  # ems
MAX_LINES: Final = 3
RIGHT_TO_LEFT: Final = ("R", "AL")
LEFT_MARK: Final = "\u200e"
RIGHT_MARK: Final = "\u200f"
MARKS: Final = LEFT_MARK + RIGHT_MARK
JOINERS: Final = "\u200c\u200d"
SYMBOLS: Final = "emoji or symbols"
ACRONYMS: Final = ("CJK", "NKO")
"""Scripts whose names are written in capitals."""
CLOSING: Final = frozenset("、。，．：；！？）］｝」』】》〉〕…ー々’”%,.;:!?)]}")
"""Characters before which a line is not broken."""


Unit = tuple[str, float, float]
"""Text that is not broken, its width, and its width without the space at its end, both in ems."""


@dataclass(frozen=True)
class Line:
    """A rasterised line of text or part of one, placed relative to the pen."""

    bitmap: Pixels  # coverage (h, w), 0 to 255
    left: int  # columns from the pen to the bitmap
    above: int  # rows above the baseline
    advance: int  # columns by which the pen moves on


@dataclass(frozen=True)
class Block:
    """The lines of a caption at `size` pixels an em."""

    size: int
    lines: Sequence[Line]


class InstalledFonts:
    """For every character the best font that has it: scalable, regular, sans serif, and with the most characters.

    Fonts of coloured bitmaps are for symbols alone.
    Fonts with many characters keep a text in one typeface: fonts for one script often have a few characters of others.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.coloured = set()  # paths
        faces = []
        for path in paths:
            try:
                font = FT2Font(path)
                family = font.family_name.lower()
                is_coloured = not font.scalable and "emoji" in family
                usable = (font.scalable or is_coloured) and "lastresort" not in family.replace(" ", "")
            except (OSError, RuntimeError):  # removed in the meantime, or not readable by FreeType
                continue
            if usable:
                characters = np.fromiter(font.get_charmap(), dtype=np.int64)
                if is_coloured:
                    self.coloured.add(path)
                    characters = characters[characters > 0xFF]
                plain = font.style_name.lower() in ("regular", "book", "roman", "normal")
                decorated = any(word in family for word in ("serif", "mono", "unifont"))
                faces.append(((is_coloured, not plain, decorated, -len(characters), family, path), path, characters))
        faces.sort(key=lambda face: face[0])
        self._paths = [path for _, path, _ in faces]
        self._best = np.full(0x110000, -1, dtype=np.int16)
        for rank in reversed(range(len(faces))):
            self._best[faces[rank][2]] = rank

    @classmethod
    def find(cls) -> "InstalledFonts":
        """The fonts that are installed now (matplotlib's list may be outdated), and STIX, which matplotlib has."""
        stix = Path(matplotlib.get_data_path(), "fonts", "ttf", "STIXGeneral.ttf")
        return cls([*font_manager.findSystemFonts(), str(stix)])

    def path_for(self, character: str) -> str | None:
        """The file of the best font that has a character; None where no font has it."""
        rank = int(self._best[ord(character)])
        return None if rank < 0 else self._paths[rank]


class Typesetter:
    """Breaks captions into lines and rasterises them; rasterised words are cached.

    `fallback` are font files for characters that DejaVu Sans does not have, by default the installed ones.
    """

    warned: ClassVar[set[str]] = set()
    """The scripts without a font about which this process has warned, and `SYMBOLS`."""

    def __init__(self, fallback: Sequence[str] | None = None) -> None:
        self._fallback_paths = fallback
        self._default = str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"))
        self._fonts = {self._default: FT2Font(self._default)}
        self._substitutes: dict[str, str] = {}  # by character; most are the character itself
        self._font_of: dict[str, str] = {}
        self._colour_fonts: dict[str, ColourFont] = {}
        self._widths = {ELLIPSIS: self._width(ELLIPSIS)}  # ems
        self._unit = lru_cache(maxsize=4096)(self._measure_unit)
        self._piece = lru_cache(maxsize=4096)(self._rasterise)

    @cached_property
    def _fallback(self) -> InstalledFonts:
        return InstalledFonts.find() if self._fallback_paths is None else InstalledFonts(self._fallback_paths)

    def typeset(self, caption: str, width: int, height: int, sizes: Sequence[int]) -> Block:
        """The caption at the first of `sizes` (descending) at which it fits, else shortened with an ellipsis.

        Args:
            caption: any text.
            width: pixels.
            height: pixels.
            sizes: pixels an em.
        """
        text, is_cut = self.normalise(caption)
        right_to_left = _is_right_to_left(text)
        units = [self._unit(unit) for unit in _units(text)]
        for size in sizes:
            max_lines = min(MAX_LINES, int(height / (LINE_HEIGHT * size)))
            lines = self._wrap(units, width / size)
            if len(lines) <= max_lines and not is_cut:
                lines = self._balance(units, lines, width / size)
                break
        else:
            last = lines[min(max_lines, len(lines)) - 1]
            lines = [*lines[: max_lines - 1], self._with_ellipsis(last, width / size)]
        return Block(size, [self._line(line, size, right_to_left) for line in lines])

    def normalise(self, caption: str) -> tuple[str, bool]:
        """The text that is drawn for a caption, without line breaks, and whether more than MAX_CHARACTERS were cut.

        Control characters become spaces, invisible characters are removed. Of characters that no font has, symbols
        become their names in brackets and others boxes, about which a process warns once for each script.
        """
        text = simplify_sequences(unicodedata.normalize("NFC", caption[:MAX_CHARACTERS]))
        unknown = sorted(set(text) - self._substitutes.keys())
        for character in unknown:
            drawn = self._substitutes[character] = self._substitute(character)
            for each in drawn:
                self._widths[each] = self._width(each)
        missing = [character for character in unknown if self._substitutes[character] not in ("", " ", character)]
        for script in sorted({_script(character) for character in missing} - self.warned):
            self.warned.add(script)
            logger.warning("%s", _missing_message(script))
        drawn = "".join(map(self._substitutes.__getitem__, text))
        return " ".join(drawn.split()), len(caption) > MAX_CHARACTERS

    def _substitute(self, character: str) -> str:
        category = unicodedata.category(character)
        if category in ("Cc", "Zl", "Zp", "Zs"):
            return " "
        if category == "Cf" and character not in JOINERS or "\ufe00" <= character <= "\ufe0f":
            return ""
        path: str | None = self._default
        if not self._fonts[self._default].get_char_index(ord(character)):
            path = self._fallback.path_for(character)
        if path is not None and self._has_glyph(character, path):
            self._font_of[character] = path
            return character
        if character in JOINERS:
            return ""
        return name_in_brackets(character) if is_symbol(character) else MISSING_GLYPH

    def _has_glyph(self, character: str, path: str) -> bool:
        """Whether a font draws something for a character; of some colour fonts nothing is drawn without colours."""
        if path == self._default or not is_symbol(character):
            return True
        try:
            if path in self._fallback.coloured:
                if path not in self._colour_fonts:
                    self._colour_fonts[path] = ColourFont(path)
                return bool(self._colour_fonts[path].glyph(character, 24).any())
            left, bottom, right, top = self._font(path, MEASURING_SIZE).load_char(ord(character)).bbox
        except (OSError, RuntimeError):
            return False
        return right > left and top > bottom

    def _font(self, path: str, size: float) -> FT2Font:
        font = self._fonts.get(path)
        if font is None:
            font = self._fonts[path] = FT2Font(path)
        font.set_size(size, 72)  # at 72 DPI a point is a pixel
        return font

    def _measure_unit(self, unit: str) -> Unit:
        return unit, self._measure(unit), self._measure(unit.rstrip())

    def _measure(self, text: str) -> float:
        """The width of a text in ems, without kerning."""
        return sum(map(self._widths.__getitem__, text))

    def _width(self, character: str) -> float:
        if self._path_of(character) in self._colour_fonts:
            return WIDTH
        glyph = self._font(self._path_of(character), MEASURING_SIZE).load_char(ord(character))
        return float(glyph.linearHoriAdvance) / 65536 / MEASURING_SIZE

    def _path_of(self, character: str) -> str:
        return self._font_of.get(character, self._default)

    def _wrap(self, units: Sequence[Unit], limit: float) -> list[str]:
        """Lines of at most `limit` ems; a unit that is longer is broken anywhere."""
        lines, line, used = [], "", 0.0
        for unit, width, stripped in units:
            if stripped > limit:
                parts = [(character, self._measure(character), self._measure(character)) for character in unit]
            else:
                parts = [(unit, width, stripped)]
            for part, width, stripped in parts:
                if line and used + stripped > limit:
                    lines.append(line.rstrip())
                    line, used = "", 0.0
                line += part
                used += width
        return [*lines, line.rstrip()]

    def _balance(self, units: Sequence[Unit], lines: list[str], limit: float) -> list[str]:
        """The same number of lines, of similar length, so that the last one is not a single word."""
        if len(lines) > 1:
            for width in np.linspace(sum(unit[1] for unit in units) / len(lines), limit, 12)[:-1]:
                narrower = self._wrap(units, float(width))
                if len(narrower) == len(lines):
                    return narrower
        return lines

    def _with_ellipsis(self, line: str, limit: float) -> str:
        while line and self._measure(line + ELLIPSIS) > limit:
            line = line[:-1]
        return line.rstrip(" ,.;:") + ELLIPSIS

    def _line(self, text: str, size: int, right_to_left: bool) -> Line:
        parts = self._parts(text, right_to_left)
        return join_pieces([self._piece(part, size) for part in parts], [0] * len(parts))

    def _parts(self, text: str, right_to_left: bool) -> list[str]:
        """The text split into parts of one font, from left to right.

        Words, with the space after them in ASCII, are parts of their own, since they recur. In text that has
        right-to-left characters they stay together, as their order is up to the shaper; a mark tells it the direction
        of the caption.
        """
        if text.isascii():
            return re.findall("[^ ]+ ?", text) or [""]
        mixed = any(unicodedata.bidirectional(character) in RIGHT_TO_LEFT for character in text)
        runs = groupby(text, key=lambda character: (self._path_of(character), character == " " and not mixed))
        parts = ["".join(run) for _, run in runs] or [""]
        if mixed:
            parts = [(RIGHT_MARK if right_to_left else LEFT_MARK) + part for part in parts]
        return parts[::-1] if right_to_left else parts

    def _rasterise(self, text: str, size: int) -> Line:
        path = self._path_of(text[-1:])
        if path in self._colour_fonts:
            glyphs = [self._colour_fonts[path].glyph(character, size) for character in text.strip(MARKS)]
            pieces = [
                Line(glyph, round((WIDTH * size - len(glyph)) / 2), round(0.9 * size), round(WIDTH * size))
                for glyph in glyphs
            ]
            return join_pieces(pieces, [0] * len(pieces))
        font = self._font(path, size)
        if len(text) > 1 and text.isascii():  # from cached letters: FreeType takes 0.2 ms for a word
            indices = [font.get_char_index(ord(character)) for character in text]
            kerning = [font.get_kerning(*pair, Kerning.DEFAULT) // 64 for pair in pairwise(indices)]
            return join_pieces([self._piece(character, size) for character in text], [*kerning, 0])
        font.set_text(text)
        font.draw_glyphs_to_bitmap(antialiased=True)
        advance, height = font.get_width_height()  # these numbers are in 64ths of a pixel
        left, _ = font.get_bitmap_offset()
        above = (height - font.get_descent()) // 64 + 1  # matplotlib adds an empty row
        return Line(np.array(font.get_image()), left // 64, above, round(advance / 64))


def join_pieces(pieces: Sequence[Line], spacing: Sequence[int]) -> Line:
    """The pieces joined to one line, with this additional space after each of them, pixels."""
    pens = [0, *accumulate(piece.advance + space for piece, space in zip(pieces, spacing, strict=True))]
    starts = [pen + piece.left for pen, piece in zip(pens, pieces, strict=False)]
    left, above = min(starts), max(piece.above for piece in pieces)
    right = max(start + piece.bitmap.shape[1] for start, piece in zip(starts, pieces, strict=True))
    below = max(len(piece.bitmap) - piece.above for piece in pieces)
    bitmap = np.zeros((above + below, right - left), np.uint8)
    for start, piece in zip(starts, pieces, strict=True):
        rows, columns = piece.bitmap.shape
        top, x = above - piece.above, start - left
        part = bitmap[top : top + rows, x : x + columns]
        np.maximum(part, piece.bitmap, out=part)  # neighbours may overlap
    return Line(bitmap, left, above, pens[-1])


def _is_right_to_left(text: str) -> bool:
    """Whether the first character that has a direction is a right-to-left one."""
    directions = (unicodedata.bidirectional(character) for character in text)
    return next((d in RIGHT_TO_LEFT for d in directions if d in ("L", *RIGHT_TO_LEFT)), False)


def _units(text: str) -> list[str]:
    """The text split where a line may break: after the space after a word, and around wide (CJK) characters."""
    units: list[str] = []
    for word in re.findall("[^ ]+ ?", text):
        if word.isascii():
            units.append(word)
            continue
        units.append(word[0])
        for before, character in pairwise(word):
            wide = "W" in (unicodedata.east_asian_width(before), unicodedata.east_asian_width(character))
            if wide and character not in CLOSING and character != " ":
                units.append("")
            units[-1] += character
    return units


def _script(character: str) -> str:
    """The script of a character as its name has it, such as Devanagari or CJK; `SYMBOLS` for one of these."""
    if is_symbol(character):
        return SYMBOLS
    script = unicodedata.name(character, "UNNAMED").split()[0]
    return script if script in ACRONYMS else script.capitalize()


def _missing_message(script: str) -> str:
    """The same in every process, so that a run says it once."""
    symbols = script == SYMBOLS
    characters = script if symbols else f"{script} characters"
    shown = "their names in brackets" if symbols else "boxes"
    fonts = "fonts-noto-color-emoji" if symbols else "fonts-noto, fonts-noto-cjk"
    return (
        f"captions: no installed font has some {characters}, so pictures show {shown}; "
        f"install a font that has them, for instance the Noto fonts ({fonts})"
    )
