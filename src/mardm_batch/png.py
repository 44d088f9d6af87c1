"""Pictures of at most 256 colours as PNG. Axes: h rows, w columns, n colours; pixels are RGBA words, red lowest."""

import struct
import zlib
from typing import Final

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Words = NDArray[np.uint32]

CELL_BITS: Final = 6
"""Bits of red, green and blue by which a colour is looked up."""


class Palette:
    """At most 256 colours (n, 3), and which of them is nearest to a pixel's."""

    def __init__(self, colours: Pixels) -> None:
        self.colours = colours
        self._of_cell = np.full(1 << 3 * CELL_BITS, -1, np.int16)  # -1: not met yet

    def exactly(self, pixels: Words) -> Pixels:
        """Indices of the nearest colours."""
        rgb = pixels & 0xFFFFFF
        table = np.zeros(1 << 24, np.uint8)  # much faster than sorting millions of pixels
        table[rgb] = 1
        met = np.flatnonzero(table)
        table[met] = self._nearest(np.stack([met >> shift & 255 for shift in (0, 8, 16)], axis=1) * 1.0)
        indices: Pixels = table[rgb]
        return indices

    def quickly(self, pixels: Words) -> Pixels:
        """Indices of the colours that are nearest to the cells in which the pixels (n,) are."""
        cells = pixels >> 2 & 0x3F | pixels >> 4 & 0xFC0 | pixels >> 6 & 0x3F000
        indices = self._of_cell.take(cells)
        if indices.min(initial=0) < 0:
            new = np.unique(cells[indices < 0])
            levels = np.stack([new >> shift & 63 for shift in (0, CELL_BITS, 2 * CELL_BITS)], axis=1)
            self._of_cell[new] = self._nearest(levels * 4.0 + 1.5)
            indices = self._of_cell.take(cells)
        return indices.astype(np.uint8)

    def _nearest(self, rgb: NDArray[np.float64]) -> NDArray[np.intp]:
        colours = self.colours.astype(float)
        distance = np.square(colours).sum(axis=1) - 2.0 * rgb @ colours.T  # less the square of rgb
        nearest: NDArray[np.intp] = distance.argmin(axis=1)
        return nearest


def encode_png(rows: Pixels, palette: Palette, dpi: int) -> bytes:
    """PNG of rows (h, 1 + w): a zero, which stands for no row filter, then indices into the palette.

    Adaptive row filters would take two thirds of the time and make such flat pictures larger.
    """
    height, width = rows.shape[0], rows.shape[1] - 1
    dots_per_metre = round(dpi / 0.0254)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"pHYs", struct.pack(">IIB", dots_per_metre, dots_per_metre, 1)),
            _chunk(b"PLTE", palette.colours.tobytes()),
            _chunk(b"IDAT", isal_zlib.compress(rows, 1)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
