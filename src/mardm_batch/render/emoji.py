"""Emoji in captions: single characters of sequences, grey bitmaps of coloured glyphs, names where there is no glyph.

Pictures have few colours, so emoji are inked like letters: the darker a glyph's pixel, the more ink.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

STRIKES: Final = (109, 136, 128, 96, 160, 64)
"""Pixels an em of the bitmaps in colour fonts, which have one or a few sizes; Noto Color Emoji has 109."""
WIDTH: Final = 1.25
"""Ems by which an emoji of a colour font moves the pen on."""
LIGHTEST: Final = 0.15
"""Coverage of a white pixel of a glyph, so that its shape is seen."""

_FLAG: Final = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_KEYCAP: Final = re.compile("([0-9#*])\ufe0f?\u20e3")
_MODIFIERS: Final = re.compile("[\U0001f3fb-\U0001f3ff\ufe0e\ufe0f]|\u200d[\u2640\u2642]")
_JOINER: Final = re.compile("(?<=[\u2190-\u2bff\U0001f000-\U0001faff])\u200d(?=[\u2190-\u2bff\U0001f000-\U0001faff])")


def simplify_sequences(text: str) -> str:
    """Emoji that are made of several characters as what they are made of, without skin tones and signs of gender.

    Flags become their country in brackets, as no font draws their letters by themselves.
    """
    if text.isascii():
        return text
    text = _FLAG.sub(lambda flag: "[flag " + "".join(chr(ord(letter) - 0x1F1A5) for letter in flag[0]) + "]", text)
    return _JOINER.sub("", _MODIFIERS.sub("", _KEYCAP.sub(r"\1", text)))


def is_symbol(character: str) -> bool:
    """Whether a character is a symbol that its name can stand for, as all emoji are."""
    return unicodedata.category(character) in ("So", "Sk") or "\U0001f000" <= character <= "\U0001faff"


def name_in_brackets(character: str) -> str:
    """What is drawn for a symbol that no font has, such as `[waving hand sign]`."""
    name = unicodedata.name(character, "").lower()  # none for emoji that are newer than Python's tables
    return f"[{name}]" if name else f"[emoji U+{ord(character):04X}]"


class ColourFont:
    """A font of coloured bitmaps, which FreeType does not scale."""

    def __init__(self, path: str) -> None:
        from PIL import ImageFont

        for strike in STRIKES:
            try:
                self._font: Any = ImageFont.truetype(path, strike)
                break
            except OSError:
                continue
        else:
            raise OSError(f"{path}: no bitmaps of a known size")
        self.glyph = lru_cache(maxsize=256)(self._glyph)

    def _glyph(self, character: str, size: int) -> Pixels:
        """Coverage (k, k) of an emoji for `size` pixels an em, 0 to 255. Raises OSError where it has no bitmap."""
        from PIL import Image, ImageDraw

        left, top, right, bottom = self._font.getbbox(character)
        side = int(max(right - left, bottom - top))
        if side <= 0:
            raise OSError(f"no bitmap for U+{ord(character):04X}")
        image = Image.new("RGBA", (side, side))
        offset = ((side - right - left) / 2, (side - bottom - top) / 2)
        ImageDraw.Draw(image).text(offset, character, font=self._font, embedded_color=True)
        edge = max(1, round(1.1 * size))
        pixels = np.asarray(image.resize((edge, edge), Image.Resampling.LANCZOS)).astype(np.float64) / 255
        brightness = pixels[..., :3] @ (0.299, 0.587, 0.114)
        ink = pixels[..., 3] * (LIGHTEST + (1.0 - LIGHTEST) * (1.0 - brightness))
        return np.rint(ink * 255).astype(np.uint8)
