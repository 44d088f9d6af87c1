"""Pictures with a palette of at most 255 colours, and their PNG encoding. Axes: h rows, w columns, n colours.

Pixels are packed into 32 bits: red in the lowest byte, then green, blue and opacity.
"""

import struct
from typing import Any, Final

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
PackedPixels = NDArray[np.uint32]

CELL_MASK: Final = 0xFCFCFC
"""The bits of red, green and blue that `Palette.quantize_cached` distinguishes: cells of 4 x 4 x 4 colours."""
COVERAGES: Final = 32
"""Number of levels at which a letter covers a pixel, from not at all to fully."""


class Palette:
    """At most 255 colours (n, 3), and the index, 1 to n, of the one nearest to a pixel.

    Index 0 marks unknown entries of lookup tables; `colours` (1 + n, 3) repeats the first colour there.
    """

    def __init__(self, colours: Pixels) -> None:
        self.colours = np.concatenate((colours[:1], colours))
        self._pixels = (self.colours @ (1, 1 << 8, 1 << 16) + (255 << 24)).astype(np.uint32)
        self._index_of_cell = np.zeros(CELL_MASK + 1, np.uint8)  # few of its memory pages are ever used

    def pixels(self, indices: Pixels) -> PackedPixels:
        """The opaque pixels (h, w) for indices (h, w)."""
        return self._pixels.take(indices, mode="clip")  # without checks

    def quantize(self, pixels: PackedPixels) -> Pixels:
        """Indices (h, w) of the colours nearest to the pixels (h, w)."""
        table = np.zeros(1 << 24, np.uint8)  # much faster than np.unique of millions of pixels
        bands = np.array_split(pixels, 32)  # an index takes eight bytes
        for band in bands:
            table[band & 0xFFFFFF] = 1
        present = np.flatnonzero(table.view(bool))
        table[present] = self._nearest(_channels(present))
        return np.concatenate([table.take(band & 0xFFFFFF) for band in bands])

    def quantize_cached(self, pixels: PackedPixels) -> Pixels:
        """Indices (n,) of the colours nearest to the middles of the pixels' cells, which are remembered."""
        cells = pixels & CELL_MASK
        indices: Pixels = self._index_of_cell.take(cells)
        if not indices.all():
            new = np.unique(cells[indices == 0])
            self._index_of_cell[new] = self._nearest(_channels(new) + 1.5)  # the middle of a cell
            indices = self._index_of_cell.take(cells)
        return indices

    def blend_table(self, ink: NDArray[np.float64] | float, opacities: NDArray[np.float64]) -> Pixels:
        """Indices (1 + n, COVERAGES) of every colour blended with ink (3,), red to blue from 0 to 255, by coverage.

        `opacities` (COVERAGES,) are those of the ink at each coverage.
        """
        share = opacities[:, None]
        below = self.colours[:, None].astype(float)
        blended = below + (ink - below) * share
        indices: Pixels = self._nearest(blended.reshape(-1, 3)).reshape(-1, COVERAGES)
        return indices

    def _nearest(self, rgb: NDArray[np.float64]) -> Pixels:
        colours = self.colours[1:].astype(float)
        distance = (
            np.square(colours).sum(axis=1) - 2.0 * rgb @ colours.T
        )  # without the square of rgb, which is the same for all colours
        nearest: Pixels = (1 + distance.argmin(axis=1)).astype(np.uint8)
        return nearest


def encode_png(rows: Pixels, palette: Palette, dpi: int) -> bytes:
    """PNG of rows (h, 1 + w), each a zero (no row filter) and indices into the palette.

    Adaptive row filters would take two thirds of the time and make pictures with so few colours larger.
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
    """Red, green and blue (n, 3) of packed pixels (n,)."""
    return np.stack([pixels >> shift & 255 for shift in (0, 8, 16)], axis=1).astype(float)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", isal_zlib.crc32(data, isal_zlib.crc32(kind)))
