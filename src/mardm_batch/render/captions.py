"""Set a caption in lines and turn them into grey bitmaps, whatever its script. Pixels; widths are advances.

Captions are text and never markup: `$`, `\\` and `_` stand for themselves. DejaVu Sans, which ships with matplotlib,
is used for what it has; other characters take the first installed font that has them. The installed fonts are looked
at once, when the first such character comes.
"""

import logging
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, groupby, pairwise
from pathlib import Path
from typing import Final

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font, Kerning
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]

ELLIPSIS: Final = "…"
BOX: Final = "□"
"""Stands for a character that no font has."""
LONGEST: Final = 1500
"""Characters of a caption that are looked at: more than ever fit."""
NOMINAL: Final = 100.0
"""Pixels an em at which characters are measured."""
LINE_HEIGHT: Final = 1.3  # ems
MOST_LINES: Final = 3
RIGHT_TO_LEFT: Final = ("R", "AL")
LEFT_MARK: Final = "\u200e"
RIGHT_MARK: Final = "\u200f"
JOINERS: Final = "\u200c\u200d"
CLOSING: Final = frozenset("、。，．：；！？）］｝」』】》〉〕…ー々’”%,.;:!?)]}")
"""Characters that do not begin a line."""


Unit = tuple[str, float, float]
"""What a line keeps together, its width, and its width without the space at its end, both in ems."""


@dataclass(frozen=True)
class Line:
    """A drawn line or piece of one: coverage 0 to 255, where it is from the pen, and how far that moves on."""

    bitmap: Pixels
    left: int
    above: int  # rows above the baseline
    advance: int


@dataclass(frozen=True)
class Block:
    """A caption set in lines at `size` pixels an em."""

    size: int
    lines: Sequence[Line]


class InstalledFonts:
    """For every character the best of the fonts that have it: regular, no serifs, and many other characters.

    The last keeps a text in one face: small fonts for one script often have a few signs of others.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        faces = []
        for path in paths:
            try:
                font = FT2Font(path)
                usable = font.scalable and "lastresort" not in font.family_name.lower().replace(" ", "")
            except (OSError, RuntimeError):  # removed meanwhile, or nothing that FreeType reads
                continue
            if usable:
                family, characters = font.family_name.lower(), np.fromiter(font.get_charmap(), dtype=np.int64)
                plain = font.style_name.lower() in ("regular", "book", "roman", "normal")
                odd = any(word in family for word in ("serif", "mono", "unifont"))
                faces.append(((not plain, odd, -len(characters), family, path), path, characters))
        faces.sort(key=lambda face: face[0])
        self._paths = [path for _, path, _ in faces]
        self._best = np.full(0x110000, -1, dtype=np.int16)
        for rank in reversed(range(len(faces))):
            self._best[faces[rank][2]] = rank

    @classmethod
    def find(cls) -> "InstalledFonts":
        """The fonts on this machine now (matplotlib's own list may be older), and STIX, which matplotlib brings."""
        stix = Path(matplotlib.get_data_path(), "fonts", "ttf", "STIXGeneral.ttf")
        return cls([*font_manager.findSystemFonts(), str(stix)])

    def path_for(self, character: str) -> str | None:
        rank = int(self._best[ord(character)])
        return None if rank < 0 else self._paths[rank]


class Typesetter:
    """Breaks captions into lines and draws their words, which it remembers.

    `fallback` are font files for what DejaVu Sans lacks; None takes the installed ones.
    """

    warned = False
    """Whether this process has said that characters are missing."""

    def __init__(self, fallback: Sequence[str] | None = None) -> None:
        self._fallback_paths = fallback
        self._default = str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"))
        self._fonts = {self._default: FT2Font(self._default)}
        self._stand_ins: dict[str, str] = {}  # character: what is drawn for it
        self._font_of: dict[str, str] = {}
        self._widths = {ELLIPSIS: self._width(ELLIPSIS)}  # ems
        self._piece = lru_cache(maxsize=4096)(self._draw_piece)

    @cached_property
    def _fallback(self) -> InstalledFonts:
        return InstalledFonts.find() if self._fallback_paths is None else InstalledFonts(self._fallback_paths)

    def set(self, caption: str, width: int, height: int, sizes: Sequence[int]) -> Block:
        """Set a caption at the largest of the falling `sizes` at which it fits, else cut it with an ellipsis."""
        text, cut = self.clean(caption)
        backwards = _runs_right_to_left(text)
        units = [(unit, self._measure(unit), self._measure(unit.rstrip())) for unit in _units(text)]
        for size in sizes:
            most = min(MOST_LINES, int(height / (LINE_HEIGHT * size)))
            lines = self._wrap(units, width / size)
            if len(lines) <= most and not cut:
                lines = self._balance(units, lines, width / size)
                break
        else:
            last = lines[min(most, len(lines)) - 1]
            lines = [*lines[: most - 1], self._with_ellipsis(last, width / size)]
        return Block(size, [self._line(line, size, backwards) for line in lines])

    def clean(self, caption: str) -> tuple[str, bool]:
        """The characters that are drawn for a caption, on one line, and whether it was longer than is looked at.

        Control characters count as spaces, invisible ones go, and what no font has becomes a box; the first time
        that happens in a process there is a warning.
        """
        text = unicodedata.normalize("NFC", caption[:LONGEST])
        unknown = sorted(set(text) - self._stand_ins.keys())
        for character in unknown:
            drawn = self._stand_ins[character] = self._stand_in(character)
            if drawn:
                self._widths[drawn] = self._width(drawn)
        missing = [character for character in unknown if self._stand_ins[character] == BOX != character]
        if missing and not Typesetter.warned:
            Typesetter.warned = True
            logger.warning(_missing_message(missing))
        drawn = "".join(map(self._stand_ins.__getitem__, text))
        return " ".join(drawn.split()), len(caption) > LONGEST

    def _stand_in(self, character: str) -> str:
        category = unicodedata.category(character)
        if category in ("Cc", "Zl", "Zp", "Zs"):
            return " "
        if category == "Cf" and character not in JOINERS or "\ufe00" <= character <= "\ufe0f":
            return ""
        path: str | None = self._default
        if not self._fonts[self._default].get_char_index(ord(character)):
            path = self._fallback.path_for(character)
        if path is None:
            return "" if character in JOINERS else BOX
        self._font_of[character] = path
        return character

    def _font(self, path: str, size: float) -> FT2Font:
        font = self._fonts.get(path)
        if font is None:
            font = self._fonts[path] = FT2Font(path)
        font.set_size(size, 72)  # at 72 DPI a point is a pixel
        return font

    def _measure(self, text: str) -> float:
        """Width in ems, without kerning."""
        return sum(map(self._widths.__getitem__, text))

    def _width(self, character: str) -> float:
        glyph = self._font(self._path_of(character), NOMINAL).load_char(ord(character))
        return float(glyph.linearHoriAdvance) / 65536 / NOMINAL

    def _path_of(self, character: str) -> str:
        return self._font_of.get(character, self._default)

    def _wrap(self, units: Sequence[Unit], limit: float) -> list[str]:
        """Lines of at most `limit` ems; what is longer without a place to break is broken anywhere."""
        lines, line, used = [], "", 0.0
        for unit, width, inked in units:
            if inked > limit:
                parts = [(character, self._measure(character), self._measure(character)) for character in unit]
            else:
                parts = [(unit, width, inked)]
            for part, width, inked in parts:
                if line and used + inked > limit:
                    lines.append(line.rstrip())
                    line, used = "", 0.0
                line += part
                used += width
        return [*lines, line.rstrip()]

    def _balance(self, units: Sequence[Unit], lines: list[str], limit: float) -> list[str]:
        """As many lines, as equal in length as they can be: no lonely last word."""
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

    def _line(self, text: str, size: int, backwards: bool) -> Line:
        parts = self._parts(text, backwards)
        return side_by_side([self._piece(part, size) for part in parts], [0] * len(parts))

    def _parts(self, text: str, backwards: bool) -> list[str]:
        """Stretches of one font in the order in which they stand.

        Words are apart, as they recur, unless some run from right to left: then their order is for the shaper to
        find, which is told which way the caption runs.
        """
        if text.isascii():
            return re.findall(" +|[^ ]+", text) or [""]
        mixed = any(unicodedata.bidirectional(character) in RIGHT_TO_LEFT for character in text)
        runs = groupby(text, key=lambda character: (self._path_of(character), character == " " and not mixed))
        parts = ["".join(run) for _, run in runs] or [""]
        if mixed:
            parts = [(RIGHT_MARK if backwards else LEFT_MARK) + part for part in parts]
        return parts[::-1] if backwards else parts

    def _draw_piece(self, text: str, size: int) -> Line:
        font = self._font(self._path_of(text[-1:]), size)
        if len(text) > 1 and text.isascii():  # letters recur sooner than words, which take FreeType a fifth of a ms
            glyphs = [font.get_char_index(ord(character)) for character in text]
            kerning = [font.get_kerning(*pair, Kerning.DEFAULT) // 64 for pair in pairwise(glyphs)]
            return side_by_side([self._piece(character, size) for character in text], [*kerning, 0])
        font.set_text(text)
        font.draw_glyphs_to_bitmap(antialiased=True)
        advance, height = font.get_width_height()  # this and the others are in 64ths of a pixel
        left, _ = font.get_bitmap_offset()
        above = (height - font.get_descent()) // 64 + 1  # matplotlib leaves an empty row
        return Line(np.array(font.get_image()), left // 64, above, round(advance / 64))


def side_by_side(pieces: Sequence[Line], after: Sequence[int]) -> Line:
    """One line of the pieces. The pen moves on by so many pixels more after each of them."""
    pens = [0, *accumulate(piece.advance + more for piece, more in zip(pieces, after, strict=True))]
    starts = [pen + piece.left for pen, piece in zip(pens, pieces, strict=False)]
    left, above = min(starts), max(piece.above for piece in pieces)
    right = max(start + piece.bitmap.shape[1] for start, piece in zip(starts, pieces, strict=True))
    below = max(len(piece.bitmap) - piece.above for piece in pieces)
    bitmap = np.zeros((above + below, right - left), np.uint8)
    for start, piece in zip(starts, pieces, strict=True):
        rows, columns = piece.bitmap.shape
        top, x = above - piece.above, start - left
        part = bitmap[top : top + rows, x : x + columns]
        np.maximum(part, piece.bitmap, out=part)  # neighbours may reach into each other
    return Line(bitmap, left, above, pens[-1])


def _runs_right_to_left(text: str) -> bool:
    """Whether the first character that has a direction says so."""
    directions = (unicodedata.bidirectional(character) for character in text)
    return next((d in RIGHT_TO_LEFT for d in directions if d in ("L", *RIGHT_TO_LEFT)), False)


def _units(text: str) -> list[str]:
    """Pieces between which a line may break: words with the space after them, and single wide (CJK) characters."""
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


def _missing_message(characters: Sequence[str]) -> str:
    names = [
        "SYMBOL" if unicodedata.category(character)[0] == "S" else unicodedata.name(character, "UNNAMED").split()[0]
        for character in characters
    ]
    scripts = sorted(set(names))
    points = " ".join(f"U+{ord(character):04X}" for character in characters[:8])
    more = " ..." if len(characters) > 8 else ""
    return (
        f"captions: no installed font has {', '.join(scripts)} characters ({points}{more}); pictures show boxes for"
        " them; install a font that has them, for instance the Noto fonts (fonts-noto, fonts-noto-cjk)"
    )
