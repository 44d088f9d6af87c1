"""Pictures of at most 256 colours as PNG. Axes: h rows, w columns, n colours; pixels are RGBA words, red lowest."""

import struct
from typing import Any, Final

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Words = NDArray[np.uint32]

CELL: Final = 0xFCFCFC
"""The bits of red, green and blue by which a painted colour is looked up."""
COVERAGES: Final = 32
"""Steps of how much of a pixel is covered by a letter."""


class Palette:
    """Colours (n, 3), at most 255, and which of them is nearest to a pixel's: index 1 to n.

    Index 0 stands for "not met yet" in a table; in `colours` (1 + n, 3) the first colour fills its place.
    """

    def __init__(self, colours: Pixels) -> None:
        self.colours = np.concatenate((colours[:1], colours))
        self._of_cell = np.zeros(CELL + 1, np.uint8)  # few pages of it are ever touched

    def exactly(self, pixels: Words) -> Pixels:
        """Indices of the nearest colours."""
        rgb = pixels & 0xFFFFFF
        table = np.zeros(1 << 24, np.uint8)  # much faster than sorting millions of pixels
        table[rgb] = 1
        met = np.flatnonzero(table)
        table[met] = self._nearest(_channels(met))
        indices: Pixels = table[rgb]
        return indices

    def quickly(self, pixels: Words) -> Pixels:
        """Indices of the colours that are nearest to the cells in which the pixels (n,) are."""
        cells = pixels & CELL
        indices: Pixels = self._of_cell.take(cells)
        if not indices.all():
            new = np.unique(cells[indices == 0])
            self._of_cell[new] = self._nearest(_channels(new) + 1.5)  # a cell's middle
            indices = self._of_cell.take(cells)
        return indices

    def inked(self, ink: NDArray[np.float64], opacity: float) -> Pixels:
        """The index of every colour under ink (3,), red to blue 0 to 255, by how much it covers: (1 + n, COVERAGES)."""
        share = np.linspace(0.0, opacity, COVERAGES)[:, None]
        under = self.colours[:, None].astype(float)
        mixed = under + (ink - under) * share
        indices: Pixels = self._nearest(mixed.reshape(-1, 3)).reshape(-1, COVERAGES)
        return indices

    def _nearest(self, rgb: NDArray[np.float64]) -> Pixels:
        colours = self.colours[1:].astype(float)
        distance = np.square(colours).sum(axis=1) - 2.0 * rgb @ colours.T  # less the square of rgb
        nearest: Pixels = (1 + distance.argmin(axis=1)).astype(np.uint8)
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


def _channels(pixels: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Red, green and blue (n, 3)."""
    return np.stack([pixels >> shift & 255 for shift in (0, 8, 16)], axis=1).astype(float)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", isal_zlib.crc32(data, isal_zlib.crc32(kind)))
