"""Draw a pose and its caption as a 1200 x 1200 PNG. Axes: n shapes, k outline points; screen x right, y up.

The picture is a mannequin on a gridded floor, seen in perspective. Every limb, joint and the head is a capsule (the
hull of two circles) in screen space; they are painted far to near by matplotlib's Agg renderer, driven directly, over
a background that is drawn once for each distance of the camera. Nothing here knows of torch, pyplot or files.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from isal import isal_zlib
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import is_color_like, to_rgb
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from mardm_batch.fonts import LINE_HEIGHT, Line, Typesetter
from mardm_batch.skeleton import JOINT_INDEX, JOINT_NAMES, NUM_JOINTS, PARENTS

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]
Words = NDArray[np.uint32]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels from the upper left."""

SIZE: Final = 1200
"""Width and height of a picture in pixels."""
DPI: Final = 150

PIXELS_PER_METRE: Final = 425.0
"""At the pelvis: a person with raised arms (2.1 m) fits, so nearly all poses share one scale."""
CAMERA_DISTANCE: Final = 5.5  # metres; a portrait lens: depth is seen, limbs that point at us do not balloon
CAMERA_TARGET: Final = 0.95  # metres above the floor
ZOOM_STEP: Final = 1.12  # each step back multiplies the camera's distance
LARGEST_COORDINATE: Final = 100.0  # metres; what reaches farther is no pose

STAGE: Final = ((56.0, 190.0), (1144.0, 1150.0))
"""Lower left and upper right corner of what the body may cover."""
FLOOR_LEVEL: Final = 290.0  # where the floor under the pelvis lies, unless the body has to be moved into the stage
SLACK: Final = (40.0, 90.0)  # a body off the stage's centre by less than this stays where it is
MARGIN: Final = (200, 340)  # the background is this much larger than the picture on each side

CAPTION_WIDTH: Final = 1080
CAPTION_HEIGHT: Final = 132
CAPTION_CENTRE: Final = 100  # rows above the lower edge
CAPTION_SIZES: Final = (40, 36, 32, 28, 24)
LEGEND_SIZE: Final = 24
LEGEND_LEFT: Final = 52
LEGEND_TOP: Final = 58  # rows from the upper edge to the first entry's middle

GRID: Final = 0.5  # metres between lines of the floor grid
FLOOR_RADIUS: Final = 1.75  # metres from the pelvis to where floor and grid have faded away
FLOOR_TONES: Final = 16
GRID_WIDTH: Final = 1.4  # pixels
GRID_OPACITY: Final = 0.6  # under the pelvis

LIMB_RADII: Final = {
    "hip": (0.052, 0.058),
    "knee": (0.062, 0.047),
    "ankle": (0.048, 0.033),
    "foot": (0.036, 0.031),
    "spine1": (0.060, 0.058),
    "spine2": (0.058, 0.060),
    "spine3": (0.060, 0.060),
    "collar": (0.050, 0.046),
    "neck": (0.056, 0.038),
    "head": (0.038, 0.038),
    "shoulder": (0.046, 0.048),
    "elbow": (0.047, 0.038),
    "wrist": (0.038, 0.029),
}
"""Metres, at the parent's and at the own end of the limb that ends in this joint, on either side."""
JOINT_RADIUS: Final = 0.024
HEAD_RADII: Final = (0.078, 0.100)  # chin and crown
HEAD_LENGTH: Final = 0.085  # metres from the middle of the chin's circle, which is the head joint, to the crown's
OUTLINE: Final = 2.5  # pixels
ARC_POINTS: Final = 16

SHADOWS: Final = ((0.010, 0.10, 0.06), (0.0, 0.02, 0.10))
"""For each layer: metres wider than the body, metres wider for each metre of height, opacity."""
FOG: Final = 0.40
MOST_FOG: Final = 0.45
"""How much of the background's colour a limb takes that is a metre behind the pelvis."""

JOINT_COLOURS: Final = tuple(
    name.split("_")[0] if name.startswith(("left_", "right_")) else "spine" for name in JOINT_NAMES
)
CHILDREN: Final = np.arange(1, NUM_JOINTS)
PARENT_OF: Final = np.array(PARENTS)[CHILDREN]
HEAD: Final = JOINT_INDEX["head"]
NECK: Final = JOINT_INDEX["neck"]
DOTS: Final = np.array([joint for joint in range(NUM_JOINTS) if joint != HEAD])
DOT_OF: Final = {joint: dot for dot, joint in enumerate(DOTS)}
MEETING: Final = [(DOT_OF[j], limb) for limb, ends in enumerate(zip(CHILDREN, PARENT_OF)) for j in ends if j != HEAD]
MEETING_DOTS, MEETING_LIMBS = np.array(MEETING).T
BODY_RADII: Final = np.array([*(LIMB_RADII[JOINT_NAMES[joint].split("_")[-1]] for joint in CHILDREN), HEAD_RADII])
NONE: Final = np.empty((0, 4))
RADII: Final = np.concatenate((BODY_RADII, np.full((len(DOTS), 2), JOINT_RADIUS)))
"""Metres at both ends of each shape: the limbs, the head, then the joints' dots."""


@dataclass(frozen=True)
class RenderOptions:
    """How pictures look. Colours are what matplotlib reads as one, best `#rrggbb`; angles are in degrees.

    Raises ValueError, naming key, value and what is allowed.
    """

    azimuth: float = 30.0
    """Camera around the person: 0 in front, 90 at the person's left, -90 at the right (-180 to 180)."""
    elevation: float = 14.0
    """Camera above the horizontal (0 to 80)."""
    background: str = "#eceff3"
    floor: str = "#ffffff"
    grid: str = "#8d97a8"
    ink: str = "#1f2430"
    """Caption, legend and shadow."""
    left: str = "#1a74b8"
    right: str = "#e2702c"
    spine: str = "#596273"
    legend: bool = True
    """Name the colours of the left and the right side in a corner."""

    def __post_init__(self) -> None:
        for key, low, high in (("azimuth", -180, 180), ("elevation", 0, 80)):
            angle = getattr(self, key)
            if isinstance(angle, bool) or not isinstance(angle, (int, float)) or not low <= angle <= high:
                raise ValueError(f"render.{key}: {angle!r} is not allowed; use {low} to {high} (degrees)")
        for key in ("background", "floor", "grid", "ink", "left", "right", "spine"):
            if not is_color_like(getattr(self, key)):
                raise ValueError(f"render.{key}: {getattr(self, key)!r} is not a colour; use one like '#1a74b8'")
        if not isinstance(self.legend, bool):
            raise ValueError(f"render.legend: {self.legend!r} is not allowed; use true or false")

    def colour(self, name: str) -> Floats:
        """Red, green and blue (3,) from 0 to 1 of a field."""
        return np.array(to_rgb(getattr(self, name)))


@dataclass(frozen=True)
class Camera:
    """Perspective view of the person from `distance` metres; angles as in RenderOptions."""

    azimuth: float
    elevation: float
    distance: float

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Metres (..., 3) to pixels (..., 2) from where the camera looks, and the scale (...) in pixels a metre."""
        azimuth, elevation = np.radians((self.azimuth, self.elevation))
        right = np.array((np.cos(azimuth), 0.0, -np.sin(azimuth)))
        towards = np.array((np.sin(azimuth), 0.0, np.cos(azimuth))) * np.cos(elevation)
        towards[1] = np.sin(elevation)
        seen = (points - (0.0, CAMERA_TARGET, 0.0)) @ np.stack((right, np.cross(towards, right), towards), axis=1)
        # What is behind the camera would come out upside down: nothing is nearer than half a metre.
        depth = np.maximum(self.distance - seen[..., 2], 0.5)
        scale = PIXELS_PER_METRE * CAMERA_DISTANCE / depth
        return seen[..., :2] * scale[..., None], scale

    @property
    def origin(self) -> Floats:
        """Where on the picture the camera looks when the floor under the pelvis is at its usual level."""
        floor, _ = self.project(np.zeros(3))
        return np.array((SIZE / 2, FLOOR_LEVEL - floor[1]))


class PoseRenderer:
    """Draws poses one after the other on one canvas, so there is one renderer for each process or thread."""

    def __init__(self, options: RenderOptions) -> None:
        self._options = options
        self._typesetter = Typesetter()
        self._backdrop = options.colour("background")
        self._canvas = RendererAgg(SIZE, SIZE, DPI)
        self._words: Words = words(self._canvas)
        self._rows = np.zeros((SIZE, 1 + SIZE), np.uint8)  # as a PNG has them: filter type 0, then palette indices
        self._palette = _palette(options)
        self._nearest = _nearest(self._palette)
        self._background = lru_cache(maxsize=3)(self._paint_background)
        colours = np.array([options.colour(name) for name in JOINT_COLOURS])
        edge, base, light, dot = _tones(colours)
        bodies = (tone[[*CHILDREN, HEAD]] for tone in (edge, base, light))
        dots = (tone[DOTS] for tone in (edge, dot, dot))
        self._tones = [np.concatenate(tones) for tones in zip(bodies, dots, strict=True)]
        self._outlines = np.empty((3 * len(RADII), 2 * ARC_POINTS, 2))
        self._shadows = np.empty((len(SHADOWS), len(BODY_RADII) * 2 * ARC_POINTS, 2))
        starts = np.full((len(BODY_RADII), 2 * ARC_POINTS), Outline.LINETO, np.uint8)
        starts[:, 0] = Outline.MOVETO
        # The paths share their memory with the arrays: writing those is all it takes to draw other shapes.
        self._paths = [*(Outline(shadow, starts.ravel()) for shadow in self._shadows), *map(Outline, self._outlines)]
        self._legend = [
            (options.colour(side), self._typesetter.set(side, SIZE, SIZE, (LEGEND_SIZE,)).lines[0])
            for side in ("left", "right")
            if options.legend
        ]

    def draw(self, joints: NDArray[np.floating[Any]], caption: str) -> bytes:
        """PNG of joints (22, 3): metres, Y up, floor at y = 0, pelvis near x = z = 0, the person facing +Z.

        Raises ValueError where joints have another shape, are not finite or not within 100 m.
        """
        points = np.asarray(joints, dtype=np.float64)
        if points.shape != (NUM_JOINTS, 3):
            raise ValueError(f"joints: shape {points.shape} is not ({NUM_JOINTS}, 3)")
        if not np.abs(points).max() <= LARGEST_COORDINATE:  # also where one is not a number
            raise ValueError(f"joints: not finite, or more than {LARGEST_COORDINATE:g} m from the origin")
        ends = _shapes(points)
        camera, shift = self._frame(ends)
        background, indices = self._window(camera, shift)
        self._words[:], self._rows[:, 1:] = background, indices
        boxes = (
            *self._draw_figure(ends, camera, camera.origin + shift),
            self._draw_legend(),
            self._draw_caption(caption),
        )
        for box in boxes:
            self._index(box, background)
        return encode_png(self._rows, self._palette)

    def _frame(self, ends: Floats) -> tuple[Camera, Floats]:
        """The nearest camera that has the body within the stage, and how far the picture is moved for that."""
        low, high = np.array(STAGE)
        distance = CAMERA_DISTANCE
        while True:
            camera = Camera(self._options.azimuth, self._options.elevation, distance)
            pixels, scale = camera.project(ends)
            radii = (RADII * scale)[..., None] + OUTLINE
            least, most = (pixels - radii).min(axis=(0, 1)), (pixels + radii).max(axis=(0, 1))
            room = (high - low) - (most - least)
            offset = (low + high - least - most) / 2 - camera.origin
            shift = np.sign(offset) * np.maximum(np.abs(offset) - np.minimum(SLACK, room / 2), 0.0)
            if room.min() >= 0.0 and (np.abs(shift) <= MARGIN).all():
                return camera, np.rint(shift)
            distance *= ZOOM_STEP

    def _window(self, camera: Camera, shift: Floats) -> tuple[Words, Pixels]:
        """The background of a picture, as RGBA words and as palette indices (SIZE, SIZE)."""
        left, top = MARGIN[0] - int(shift[0]), MARGIN[1] + int(shift[1])
        rgba, indices = self._background(camera)
        window = (slice(top, top + SIZE), slice(left, left + SIZE))
        return rgba[window], indices[window]

    def _index(self, box: Box, background: Words) -> None:
        """Give the pixels in a box that are no longer background their palette indices."""
        left, top, right, bottom = box
        window = (slice(max(int(top) - 2, 0), int(bottom) + 3), slice(max(int(left) - 2, 0), int(right) + 3))
        drawn = self._words[window]
        changed = drawn != background[window]
        self._rows[:, 1:][window][changed] = self._nearest[cells(drawn[changed])]

    def _draw_figure(self, ends: Floats, camera: Camera, origin: Floats) -> list[Box]:
        """The shadow, then all shapes far to near, each as a dark outline, its colour and a highlight.

        This and the other drawing methods return the boxes that they drew in.
        """
        body = ends[: len(BODY_RADII)]
        for shadow, (wider, softness, _) in zip(self._shadows, SHADOWS, strict=True):
            floor = capsules(body[..., ::2], BODY_RADII + wider + softness * np.maximum(body[..., 1], 0.0))
            spots = np.insert(floor.reshape(-1, 2), 1, 0.0, axis=1)
            shadow[:] = camera.project(spots)[0] + origin
        pixels, scale = camera.project(ends)
        pixels += origin
        radii = RADII * scale
        light = np.array((-0.26, 0.30)) * radii[..., None]  # from the upper left
        depth = PIXELS_PER_METRE * CAMERA_DISTANCE / scale.mean(axis=1)
        dots = depth[len(BODY_RADII) :]
        np.minimum.at(dots, MEETING_DOTS, depth[MEETING_LIMBS] - 1e-6)  # a dot covers the limbs that meet in it
        order = np.argsort(-depth, kind="stable")
        layers = ((pixels, radii + OUTLINE), (pixels, radii), (pixels + light, 0.36 * radii))
        for layer, (centres, sizes) in enumerate(layers):
            self._outlines[layer::3] = capsules(centres[order], sizes[order])
        fog = np.clip((depth - camera.distance) * FOG, 0.0, MOST_FOG)[order, None]
        faces = np.ones((len(self._paths), 4))
        faces[: len(SHADOWS)] = [(0.0, 0.0, 0.0, opacity) for _, _, opacity in SHADOWS]
        for layer, colours in enumerate(self._tones):
            faces[len(SHADOWS) + layer :: 3, :3] = mix(colours[order], self._backdrop, fog)
        draw_paths(self._canvas, self._paths, faces)
        boxes = []
        for outlines in (self._shadows.reshape(-1, 2), self._outlines.reshape(-1, 2)):
            (left, low), (right, high) = outlines.min(axis=0), outlines.max(axis=0)
            boxes.append((left, SIZE - high, right, SIZE - low))
        return boxes

    def _draw_legend(self) -> Box:
        for row, (colour, line) in enumerate(self._legend):
            y = LEGEND_TOP + row * round(1.5 * LEGEND_SIZE)
            dot = capsules(np.full((1, 2, 2), (LEGEND_LEFT, SIZE - y)), np.full((1, 2), 0.36 * LEGEND_SIZE))
            draw_paths(self._canvas, [Outline(dot[0])], np.array([[*colour, 1.0]]))
            self._draw_line(line, LEGEND_LEFT + LEGEND_SIZE, y + round(0.36 * LEGEND_SIZE), 0.75)
        return 0, 0, LEGEND_LEFT + 6 * LEGEND_SIZE, LEGEND_TOP + 3 * LEGEND_SIZE

    def _draw_caption(self, caption: str) -> Box:
        block = self._typesetter.set(caption, CAPTION_WIDTH, CAPTION_HEIGHT, CAPTION_SIZES)
        height = round(LINE_HEIGHT * block.size)
        top = SIZE - CAPTION_CENTRE - len(block.lines) * height // 2
        for row, line in enumerate(block.lines):
            baseline = top + row * height + height // 2 + round(0.36 * block.size)
            self._draw_line(line, (SIZE - line.advance) // 2, baseline, 1.0)
        half = max(line.advance for line in block.lines) / 2 + block.size
        return SIZE / 2 - half, top - height / 2, SIZE / 2 + half, SIZE

    def _draw_line(self, line: Line, left: int, baseline: int, opacity: float) -> None:
        brush = self._canvas.new_gc()
        brush.set_foreground((*self._options.colour("ink"), opacity), isRGBA=True)
        for pen, piece in line.pieces:
            bitmap = piece.bitmap
            self._canvas._renderer.draw_text_image(bitmap, left + pen + piece.left, baseline + piece.below, 0, brush)

    def _paint_background(self, camera: Camera) -> tuple[Words, Pixels]:
        """The floor as that camera sees it, with a margin to move the picture in: RGBA words and palette indices."""
        canvas = RendererAgg(SIZE + 2 * MARGIN[0], SIZE + 2 * MARGIN[1], DPI)
        pixels = np.asarray(canvas.buffer_rgba())
        pixels[:] = np.rint(np.array((*self._backdrop, 1.0)) * 255)
        origin = camera.origin + MARGIN

        def on_floor(spots: Floats) -> Floats:
            return camera.project(np.insert(spots, 1, 0.0, axis=-1))[0] + origin

        angles = np.linspace(0.0, 2 * np.pi, 129)
        circle = np.stack((np.cos(angles), np.sin(angles)), axis=1) * FLOOR_RADIUS
        floor = mix(self._backdrop, self._options.colour("floor"), steps(FLOOR_TONES + 1)[1:])
        discs = [Outline(on_floor(circle * (1.0 - disc / FLOOR_TONES) ** 0.5)) for disc in range(FLOOR_TONES)]
        draw_paths(canvas, discs, np.insert(floor, 3, 1.0, axis=1))

        lines = np.arange(-FLOOR_RADIUS, FLOOR_RADIUS + GRID / 2, GRID)
        starts = np.arange(-FLOOR_RADIUS, FLOOR_RADIUS, GRID / 4)
        along, across = (axis.ravel() for axis in np.meshgrid(starts, lines))
        dashes = np.stack((np.stack((along, across), axis=1), np.stack((along + GRID / 4, across), axis=1)), axis=1)
        dashes = np.concatenate((dashes, dashes[..., ::-1]))  # [n, end, (x, z)]
        distance = np.hypot(*dashes.mean(axis=1).T) / FLOOR_RADIUS
        strength = GRID_OPACITY * np.maximum(1.0 - distance**2, 0.0) ** 1.2
        strokes = np.column_stack((np.tile(self._options.colour("grid"), (len(dashes), 1)), strength))
        draw_paths(canvas, [Outline(dash) for dash in on_floor(dashes)], edges=strokes)
        rgba = words(canvas)
        colours, where = np.unique(rgba, return_inverse=True)
        distances = np.square(colours[:, None].view(np.uint8)[:, None, :3] - self._palette.astype(float)).sum(axis=2)
        return rgba, distances.argmin(axis=1).astype(np.uint8)[where].reshape(rgba.shape)


def _shapes(points: Floats) -> Floats:
    """Both ends (n, 2, 3) of each shape in metres: the limbs, the head, then the joints' dots."""
    neck_to_head = points[HEAD] - points[NECK]
    crown = points[HEAD] + neck_to_head * (HEAD_LENGTH / max(float(np.linalg.norm(neck_to_head)), 1e-6))
    return np.concatenate(
        (
            np.stack((points[PARENT_OF], points[CHILDREN]), axis=1),
            np.stack((points[HEAD], crown))[None],
            points[DOTS, None].repeat(2, axis=1),
        )
    )


def _tones(colour: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Outline, body, highlight and joint of a side's colour (..., 3)."""
    return colour * 0.55, colour, mix(colour, 1.0, 0.28), mix(colour, 1.0, 0.82)


def steps(count: int) -> Floats:
    """From 0 to 1, as a column (count, 1)."""
    return np.linspace(0.0, 1.0, count)[:, None]


def capsules(ends: Floats, radii: Floats) -> Floats:
    """Outlines (n, 2k, 2) of the hulls of two circles each: centres `ends` (n, 2, 2), `radii` (n, 2)."""
    axis = ends[:, 1] - ends[:, 0]
    length = np.maximum(np.hypot(axis[:, 0], axis[:, 1]), 1e-9)
    # Where one circle lies within the other the tangents have no angle, and the whole larger circle is left.
    half = np.arccos(np.clip((radii[:, 0] - radii[:, 1]) / length, -1.0, 1.0))[:, None]
    direction = np.arctan2(axis[:, 1], axis[:, 0])[:, None]
    arc = np.linspace(0.0, 1.0, ARC_POINTS)
    angles = np.concatenate((direction + half + arc * 2 * (np.pi - half), direction - half + arc * 2 * half), axis=1)
    outlines = np.stack((np.cos(angles), np.sin(angles)), axis=-1)
    outlines *= np.repeat(radii, ARC_POINTS, axis=1)[..., None]
    return outlines + np.repeat(ends, ARC_POINTS, axis=1)


def mix(colour: Floats, other: Floats | float, share: Floats | float) -> Floats:
    """`colour` with a share (0 to 1) of another one."""
    return colour + (other - colour) * share


def draw_paths(canvas: RendererAgg, paths: Sequence[Outline], faces: Floats = NONE, edges: Floats = NONE) -> None:
    """Paint paths in order in one call, each filled or stroked with its colour (n, 4)."""
    canvas.draw_path_collection(
        canvas.new_gc(),
        None,  # no transform: they are in pixels
        paths,
        np.empty((0, 3, 3)),
        np.empty((0, 2)),
        None,
        faces,
        edges,
        np.array([GRID_WIDTH]),
        [(0, None)],
        np.array([1], np.uint8),
        None,
        None,
    )


def words(canvas: RendererAgg) -> Words:
    """The canvas (h, w) with a word for each pixel: red in the lowest byte, then green, blue and opacity."""
    return np.asarray(canvas.buffer_rgba()).view("<u4")[..., 0]


def cells(rgba: Words) -> Words:
    """The upper five bits of red, green and blue as one number, red lowest."""
    return rgba >> 3 & 0x1F | rgba >> 6 & 0x3E0 | rgba >> 9 & 0x7C00


def _palette(options: RenderOptions) -> Pixels:
    """At most 256 colours (n, 3): those that are drawn, and mixtures of those that meet."""
    backdrop, floor, grid, ink = (options.colour(name) for name in ("background", "floor", "grid", "ink"))
    tones = mix(backdrop, floor, steps(FLOOR_TONES + 1))
    shaded = [mix(tones[tone], 0.0, steps(7) * 0.2) for tone in (len(tones) // 2, -1)]
    lines = [mix(ground, grid, steps(8)[1:] * GRID_OPACITY) for ground in (backdrop, floor, mix(floor, 0.0, 0.13))]
    colours = [tones, *shaded, *lines, mix(mix(backdrop, floor, 0.3), ink, steps(14)[1:])]
    for side in ("left", "right", "spine"):
        for fog in (0.0, 0.18, 0.36):
            edge, base, light, dot = (mix(tone, backdrop, fog) for tone in _tones(options.colour(side)))
            for first, second, count in ((edge, base, 3), (base, light, 3), (edge, dot, 4), (edge, floor, 6)):
                colours.append(mix(first, second, steps(count + 1)[:-1]))
    return np.unique(np.rint(np.concatenate(colours) * 255).astype(np.uint8), axis=0)


def _nearest(palette: Pixels) -> Pixels:
    """For each of the cells (32768,) the index of the nearest colour."""
    cell = np.arange(1 << 15)
    centres = np.stack((cell & 31, cell >> 5 & 31, cell >> 10), axis=1) * 8.0 + 4.0
    colours = palette.astype(float)
    return (np.square(colours).sum(axis=1) - 2.0 * centres @ colours.T).argmin(axis=1).astype(np.uint8)


def encode_png(rows: Pixels, palette: Pixels) -> bytes:
    """PNG of rows (height, 1 + width): a zero, which stands for no row filter, and indices into a palette (n, 3).

    Adaptive row filters would take two thirds of the time and make these flat pictures larger.
    """
    height, width = rows.shape[0], rows.shape[1] - 1
    dots_per_metre = round(DPI / 0.0254)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"pHYs", struct.pack(">IIB", dots_per_metre, dots_per_metre, 1)),
        (b"PLTE", palette.tobytes()),
        (b"IDAT", isal_zlib.compress(rows, 1)),
        (b"IEND", b""),
    )
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, data in chunks:
        parts += (struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))
    return b"".join(parts)
