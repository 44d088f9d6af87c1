"""Draw a pose and its caption as a 1200 x 1200 PNG. Axes: n paths; pixels, y up unless it says rows.

A cached background of palette indices (a gridded floor that fades away) is moved so that the body is in the picture.
matplotlib's Agg renderer, driven directly, draws the shadow, which is blended with it, and paints the figure's shapes
far to near; what they cover becomes palette indices, and legend and caption are blended with these. Nothing here knows
of torch, pyplot or files.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from mardm_batch.constants import DPI, PICTURE_SIZE
from mardm_batch.pose.skeleton import NUM_JOINTS
from mardm_batch.render.captions import LINE_HEIGHT, Line, Typesetter
from mardm_batch.render.figure import (
    POINTS,
    SHADOW_COUNT,
    SHADOWS,
    SHAPES,
    Camera,
    Figures,
    Views,
    capsule_ends,
    draw_figures,
    split_outlines,
)
from mardm_batch.render.framing import MARGIN, Framing, usual_aim
from mardm_batch.render.png import COVERAGES, PackedPixels, Palette, Pixels, encode_png
from mardm_batch.render.theme import Renderer, Theme

Floats = NDArray[np.float64]
Box = tuple[slice, slice]
"""Rows and columns."""

LARGEST_COORDINATE: Final = 100.0  # metres; what reaches farther is no pose

CAPTION_WIDTH: Final = 1080
CAPTION_HEIGHT: Final = 132
CAPTION_MIDDLE: Final = PICTURE_SIZE - 100  # row
CAPTION_SIZES: Final = (40, 36, 32, 28, 24)
LEGEND_SIZE: Final = 24
LEGEND_LEFT: Final = 52
LEGEND_TOP: Final = 58  # row of the first entry's middle
MIDDLE: Final = 0.36  # ems from the baseline to the middle of capitals

GRID: Final = 0.5  # metres between lines of the floor grid
GRID_WIDTH: Final = 1.4  # pixels
GRID_OPACITY: Final = 0.6  # under the pelvis
FLOOR_RADIUS: Final = 1.6  # metres from the pelvis to where floor and grid have faded away
FLOOR_TONES: Final = 12
FOG: Final = 0.3  # how much of the background's colour a shape takes for each metre that it is farther away
MOST_FOG: Final = 0.36

BOXES: Final = 6
"""Boxes of a picture in which a figure is painted: what is beside it costs nothing."""

SHADOW_SCALE: Final = 2
"""Shadows are drawn so many times smaller, as they are soft."""
SHADOW_COVERAGES: Final = (0, 132, 255)
"""Where there is none, and where each layer of the shadow is the upper one: greys, and coverages for `blend`."""
SHADOW_TRANSFORM: Final = np.diag([1 / SHADOW_SCALE, 1 / SHADOW_SCALE, 1.0])
BLACK: Final = 0xFF000000  # as a pixel

NO_COLOURS: Final = np.empty((0, 4))


class PoseRenderer(Renderer):
    """Draws poses one after the other on one canvas, so there is one renderer for each process or thread."""

    def __init__(self, options: Theme) -> None:
        self._options = options
        self._backdrop = options.colour("background")
        self._palette = Palette(palette_colours(options))
        self._canvas = new_canvas(PICTURE_SIZE, PICTURE_SIZE)
        self._words = words(self._canvas)
        self._shadow_canvas = new_canvas(PICTURE_SIZE // SHADOW_SCALE, PICTURE_SIZE // SHADOW_SCALE)
        self._shadow_words = words(self._shadow_canvas)
        self._rows = np.zeros((PICTURE_SIZE, 1 + PICTURE_SIZE), np.uint8)
        self._background = lru_cache(maxsize=8)(self._paint_background)
        self._framing = Framing(options.azimuth, options.elevation)
        self._colours = np.array([tones(options.colour(name))[tone] for name, tone in SHAPES])
        self._points = np.zeros((POINTS, 2))
        """Of the pose that is being drawn; the paths share this memory, and are made only once."""
        layers, shapes = split_outlines(self._points)
        self._shadows = [self._layer(outlines) for outlines in layers]
        self._shapes = [Outline(outline) for outline in shapes]
        self._shadow_colours = np.array([(*(grey / 255,) * 3, 1.0) for grey in SHADOW_COVERAGES[1:]])
        light = np.cumprod([1.0, *(1.0 - opacity for _, _, opacity in SHADOWS)])
        levels = np.array(SHADOW_COVERAGES) // (256 // COVERAGES)
        self._shadow_table = self._palette.blend_table(0.0, 1.0 - np.interp(np.arange(COVERAGES), levels, light))
        self._typesetter = Typesetter()
        self._ink = self._blend_table("ink", 1.0)
        faint_ink = self._blend_table("ink", 0.75)
        self._legend = []
        for row, side in enumerate(("left", "right") if options.legend else ()):
            baseline = LEGEND_TOP + round((1.5 * row + MIDDLE) * LEGEND_SIZE)
            name_left = LEGEND_LEFT + round(1.3 * LEGEND_SIZE)
            self._legend.append((self._legend_line("●"), self._blend_table(side, 1.0), LEGEND_LEFT, baseline))
            self._legend.append((self._legend_line(side), faint_ink, name_left, baseline))

    def draw(self, joints: NDArray[np.floating[Any]], caption: str) -> bytes:
        """PNG of joints (22, 3): metres, Y up, floor at y = 0, pelvis near x = z = 0, the person facing +Z.

        The same joints and caption give the same bytes, whatever was drawn before. Raises ValueError where joints
        have another shape, are not finite, or are more than 100 m away.
        """
        return next(self.draw_several([joints], [caption]))

    def draw_several(self, joints: Sequence[NDArray[np.floating[Any]]], captions: Sequence[str]) -> Iterator[bytes]:
        """See `Renderer.draw_several`: where the shapes are is computed for all poses at once."""
        points = np.stack([checked_joints(each) for each in joints])
        ends = capsule_ends(points)
        yield from self._draw_poses(points, ends, self._framing.frame_each(ends), captions)

    def draw_clip(self, clip: NDArray[np.floating[Any]], caption: str) -> Iterator[bytes]:
        """PNG of each frame of a clip (t, 22, 3), all seen by the camera that has every frame in the picture.

        Raises ValueError as `draw` does.
        """
        points = np.stack([checked_joints(joints) for joints in clip])
        ends = capsule_ends(points)
        yield from self._draw_poses(points, ends, [self._framing.frame(ends)] * len(clip), [caption] * len(clip))

    def _draw_poses(
        self,
        points: Floats,
        ends: Floats,
        framed: Sequence[tuple[Camera, Floats, Floats]],
        captions: Sequence[str],
    ) -> Iterator[bytes]:
        cameras, aims = [camera for camera, _, _ in framed], np.stack([aim for _, aim, _ in framed])
        views = Views(cameras, aims)
        figures = draw_figures(points, ends, views)
        orders = np.argsort(-figures.depths, axis=1, kind="stable")
        colours = self._shape_colours(figures.depths - views.distances[:, None], orders)
        boxes, shadow_boxes = painted_boxes(figures), shaded_boxes(figures)
        for number, (camera, aim, _) in enumerate(framed):
            self._points[:] = figures.points[number]
            self._rows[:, 1:] = self._window(camera, aim)
            self._draw_shadow(shadow_boxes[number])
            self._draw_figure(orders[number].tolist(), colours[number], boxes[number])
            for line, blend_table, left, baseline in self._legend:
                draw_line(line, blend_table, self._rows, left, baseline)
            self._draw_caption(captions[number])
            yield encode_png(self._rows, self._palette, DPI)

    def _shape_colours(self, behind: Floats, orders: NDArray[np.intp]) -> Floats:
        """Colours (b, n, 4) of shapes in the order (b, n) of painting, which are (b, n) metres behind the person."""
        fog = np.clip(behind * FOG, 0.0, MOST_FOG)[..., None]
        colours = np.ones((*orders.shape, 4))
        colours[..., :3] = np.take_along_axis(mix(self._colours, self._backdrop, fog), orders[..., None], axis=1)
        return colours

    def _window(self, camera: Camera, aim: Floats) -> Pixels:
        right, up = (aim - usual_aim(camera)).round().astype(int)
        left, top = MARGIN[0] - right, MARGIN[1] + up
        return self._background(camera)[top : top + PICTURE_SIZE, left : left + PICTURE_SIZE]

    def _draw_shadow(self, box: Box) -> None:
        """Darken the rows in the box in which the shadow is."""
        small = tuple(slice(side.start // SHADOW_SCALE, side.stop // SHADOW_SCALE) for side in box)
        self._shadow_words[small] = BLACK
        draw_paths(self._shadow_canvas, self._shadows, self._shadow_colours, transform=SHADOW_TRANSFORM)
        red = self._shadow_words[small].view(np.uint8)[:, ::4]
        blend(self._rows[:, 1:][box], self._shadow_table, red.repeat(SHADOW_SCALE, 1).repeat(SHADOW_SCALE, 0))

    def _draw_figure(self, order: Sequence[int], colours: Floats, boxes: Sequence[Box]) -> None:
        """Paint shapes in their boxes of the canvas, over what the rows have there, and carry them over to the rows."""
        parts = [(self._rows[:, 1:][box], self._words[box]) for box in boxes]
        before = [self._palette.pixels(rows) for rows, _ in parts]
        for (_, canvas), pixels in zip(parts, before, strict=True):
            canvas[:] = pixels
        draw_paths(self._canvas, [self._shapes[shape] for shape in order], colours)
        for (rows, canvas), pixels in zip(parts, before, strict=True):
            changed = canvas != pixels
            rows[changed] = self._palette.quantize_cached(canvas[changed])

    def _draw_caption(self, caption: str) -> None:
        block = self._typesetter.typeset(caption, CAPTION_WIDTH, CAPTION_HEIGHT, CAPTION_SIZES)
        height = round(LINE_HEIGHT * block.size)
        top = CAPTION_MIDDLE - len(block.lines) * height // 2
        place = self._rows[top - height // 2 : top + len(block.lines) * height + height // 2]
        for row, line in enumerate(block.lines):
            baseline = height // 2 + row * height + height // 2 + round(MIDDLE * block.size)
            draw_line(line, self._ink, place, (PICTURE_SIZE - line.advance) // 2, baseline)

    @staticmethod
    def _layer(outlines: Floats) -> Outline:
        """A layer of the shadow is one path, so that it is no darker where limbs overlap."""
        codes = np.full(outlines.shape[:2], Outline.LINETO, np.uint8)
        codes[:, 0] = Outline.MOVETO
        return Outline(outlines.reshape(-1, 2), codes.ravel())

    def _legend_line(self, text: str) -> Line:
        return self._typesetter.typeset(text, PICTURE_SIZE, PICTURE_SIZE, (LEGEND_SIZE,)).lines[0]

    def _blend_table(self, colour: str, opacity: float) -> Pixels:
        return self._palette.blend_table(self._options.colour(colour) * 255, np.linspace(0.0, opacity, COVERAGES))

    def _paint_background(self, camera: Camera) -> Pixels:
        """The floor as that camera sees it, larger than a picture by the margin."""
        canvas = new_canvas(PICTURE_SIZE + 2 * MARGIN[0], PICTURE_SIZE + 2 * MARGIN[1])
        words(canvas)[:] = np.rint(np.append(self._backdrop, 1.0) * 255).astype(np.uint8).view("<u4")
        aim = usual_aim(camera) + MARGIN

        angles = np.linspace(0.0, 2 * np.pi, 129)
        circle = np.stack((np.cos(angles), np.sin(angles)), axis=1) * FLOOR_RADIUS
        shrink = np.sqrt(1.0 - np.arange(FLOOR_TONES) / FLOOR_TONES)
        discs = [Outline(camera.on_floor(circle * size) + aim) for size in shrink]
        floor = mix(self._backdrop, self._options.colour("floor"), ramp(FLOOR_TONES + 1)[1:])
        draw_paths(canvas, discs, np.insert(floor, 3, 1.0, axis=1))

        lines = np.arange(-FLOOR_RADIUS // GRID + 1, FLOOR_RADIUS // GRID + 1) * GRID
        starts = np.arange(-FLOOR_RADIUS, FLOOR_RADIUS, GRID / 4)
        along, across = (axis.ravel() for axis in np.meshgrid(starts, lines))
        dashes = np.stack((along, across, along + GRID / 4, across), axis=1).reshape(-1, 2, 2)
        dashes = np.concatenate((dashes, dashes[..., ::-1]))  # [n, end, x z]
        distance = np.hypot(*dashes.mean(axis=1).T) / FLOOR_RADIUS
        strength = GRID_OPACITY * np.maximum(1.0 - distance**2, 0.0) ** 1.2
        strokes = np.column_stack((np.tile(self._options.colour("grid"), (len(dashes), 1)), strength))
        draw_paths(canvas, [Outline(dash) for dash in camera.on_floor(dashes) + aim], edges=strokes)

        return self._palette.quantize(words(canvas))


def painted_boxes(figures: Figures) -> list[list[Box]]:
    """Rows and columns of all that is painted of each pose: boxes one above the other, as high and as wide."""
    low, high = figures.low[:, SHADOW_COUNT:], figures.high[:, SHADOW_COUNT:]
    edges = np.linspace(low[..., 1].min(axis=1) - 1, high[..., 1].max(axis=1) + 2, BOXES + 1)
    edges = PICTURE_SIZE - np.clip(np.floor(edges), 0, PICTURE_SIZE)  # (1 + boxes, b), rows, the lowest first
    bottom, top = PICTURE_SIZE - low[..., 1] + 2, PICTURE_SIZE - high[..., 1] - 2  # (b, h), rows
    meets = (top < edges[:-1, :, None]) & (bottom > edges[1:, :, None])  # (boxes, b, h)
    left = np.where(meets, low[..., 0], PICTURE_SIZE).min(axis=2) - 1
    right = np.where(meets, high[..., 0], 0).max(axis=2) + 3
    sides = np.clip(np.stack((left, right)), 0, PICTURE_SIZE).astype(int).transpose(2, 1, 0).tolist()
    return [
        [(slice(above, below), slice(*each)) for (below, above), each in zip(pairwise(rows), columns, strict=True)]
        for rows, columns in zip(edges.T.astype(int).tolist(), sides, strict=True)
    ]


def shaded_boxes(figures: Figures) -> list[Box]:
    """Rows and columns in which the shadow of each pose is, divisible by SHADOW_SCALE."""
    low = figures.low[:, :SHADOW_COUNT].min(axis=1) // SHADOW_SCALE
    high = -(-figures.high[:, :SHADOW_COUNT].max(axis=1) // SHADOW_SCALE)
    edges = np.clip(np.stack((low - 1, high + 1), axis=1) * SHADOW_SCALE, 0, PICTURE_SIZE).astype(int)
    return [
        (slice(PICTURE_SIZE - top, PICTURE_SIZE - bottom), slice(left, right))
        for (left, bottom), (right, top) in edges.tolist()
    ]


def checked_joints(joints: NDArray[np.floating[Any]]) -> Floats:
    """Joints (22, 3) that can be drawn. Raises ValueError."""
    points = np.asarray(joints, dtype=np.float64)
    if points.shape != (NUM_JOINTS, 3):
        raise ValueError(f"joints: shape {points.shape} is not ({NUM_JOINTS}, 3)")
    if not np.abs(points).max() <= LARGEST_COORDINATE:  # also where one is not a number
        raise ValueError(f"joints: not finite, or more than {LARGEST_COORDINATE:g} m from the origin")
    return points


def palette_colours(options: Theme) -> Pixels:
    """At most 255 colours (n, 3): those that are painted, and mixtures of those that meet."""
    backdrop, floor, grid, ink = (options.colour(name) for name in ("background", "floor", "grid", "ink"))
    ground = mix(backdrop, floor, ramp(FLOOR_TONES + 1))
    soft, core = (opacity for _, _, opacity in SHADOWS)
    both = soft + core - soft * core
    colours = [ground, mix(ground, 0.0, soft), mix(ground, 0.0, both)]
    colours += [mix(under, grid, ramp(8) * GRID_OPACITY) for under in (backdrop, floor, mix(floor, 0.0, both))]
    colours.append(mix(mix(backdrop, floor, 0.3), ink, ramp(14)))
    for name in ("left", "right", "spine", "torso"):
        for fog in (0.0, MOST_FOG / 2, MOST_FOG):
            shades = {tone: mix(rgb, backdrop, fog) for tone, rgb in tones(options.colour(name)).items()}
            edge, base, light, face, dot = (shades[tone] for tone in ("edge", "base", "light", "face", "dot"))
            meet = [(edge, base, 4), (base, light, 3), (edge, dot, 4), (edge, floor, 4)]
            if name == "spine":
                meet.append((edge, face, 4))
            colours += [mix(one, other, ramp(number)) for one, other, number in meet]
    return np.unique(np.rint(np.concatenate(colours) * 255).astype(np.uint8), axis=0)


def tones(colour: Floats) -> dict[str, Floats]:
    """The colours of a shape by part, from its base colour (3,)."""
    return {
        "edge": colour * 0.55,
        "base": colour,
        "light": mix(colour, 1.0, 0.28),
        "face": mix(colour, 1.0, 0.5),
        "dot": mix(colour, 1.0, 0.82),
    }


def mix(colour: Floats, other: Floats | float, share: Floats | float) -> Floats:
    """`colour` with a share (0 to 1) of another one."""
    return colour + (other - colour) * share


def ramp(number: int) -> Floats:
    """From 0 to 1, as a column (number, 1)."""
    return np.linspace(0.0, 1.0, number)[:, None]


def draw_line(line: Line, blend_table: Pixels, rows: Pixels, left: int, baseline: int) -> None:
    """Ink a line of text on rows (h, 1 + w) as a PNG has them; what would be outside is cut off.

    `blend_table` (n, COVERAGES) is `Palette.blend_table`; `left` and `baseline` are where the pen starts, in pixels.
    """
    top, left = baseline - line.above, left + line.left
    bitmap = line.bitmap[max(-top, 0) :, max(-left, 0) :]
    box = rows[max(top, 0) :, 1 + max(left, 0) :][: bitmap.shape[0], : bitmap.shape[1]]
    blend(box, blend_table, bitmap[: box.shape[0], : box.shape[1]])


def blend(indices: Pixels, blend_table: Pixels, coverage: Pixels) -> None:
    """Blend palette indices (h, w) with what `blend_table` is of, by its coverage (h, w) from 0 to 255."""
    indices[:] = blend_table.take(indices.astype(np.uint16) * COVERAGES + coverage // (256 // COVERAGES))


def new_canvas(width: int, height: int) -> Any:
    """An Agg renderer; untyped, as matplotlib declares less than it takes."""
    renderer: Any = RendererAgg
    return renderer(width, height, DPI)


def words(canvas: Any) -> PackedPixels:
    """A view of the canvas (h, w), rows from the top."""
    view: PackedPixels = np.asarray(canvas.buffer_rgba()).view("<u4")[..., 0]
    return view


def draw_paths(
    canvas: Any,
    paths: Sequence[Outline],
    faces: Floats = NO_COLOURS,
    edges: Floats = NO_COLOURS,
    transform: Floats | None = None,
) -> None:
    """Paint paths in their order, filled or stroked, each in its colour (n, 4). One call: it is the fastest way."""
    no_transforms, no_offsets, solid = np.empty((0, 3, 3)), np.empty((0, 2)), [(0, None)]
    widths, antialiased = np.array([GRID_WIDTH]), np.array([1], np.uint8)
    canvas.draw_path_collection(
        canvas.new_gc(), transform, paths, no_transforms, no_offsets, None, faces, edges, widths, solid, antialiased,
        None, None,
    )  # fmt: skip
