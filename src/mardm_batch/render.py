"""Draw a pose and its caption as a 1200 x 1200 PNG. Axes: n shapes, k outline points; screen x right, y up.

The picture is a mannequin on a gridded floor, seen in perspective. Every limb, joint and the head is a capsule (the
hull of two circles) in screen space; they are painted far to near by matplotlib's Agg renderer, driven directly, over
a background that is drawn once for each distance of the camera. Nothing here knows of torch, pyplot or files.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import count
from typing import Any, Final

import numpy as np
from isal import isal_zlib
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import is_color_like, to_rgb
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from mardm_batch.fonts import LINE_HEIGHT, Line, Typesetter
from mardm_batch.skeleton import JOINT_INDEX, JOINT_NAMES, NUM_JOINTS, PARENTS

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]
Words = NDArray[np.uint32]
Background = tuple[Words, Pixels]
"""RGBA words and palette indices of the same pixels, both (h, w)."""

SIZE: Final = 1200
"""Width and height of a picture in pixels."""
DPI: Final = 150

PIXELS_PER_METRE: Final = 440.0
"""At the pelvis: a person with raised arms (2.1 m) fits, so nearly all poses share one scale."""
CAMERA_DISTANCE: Final = 5.5  # metres; a portrait lens: depth is seen, limbs that point at us do not balloon
CAMERA_TARGET: Final = 0.95  # metres above the floor
ZOOM_STEP: Final = 1.12  # each step back multiplies the camera's distance
LARGEST_COORDINATE: Final = 100.0  # metres; what reaches farther is no pose

STAGE: Final = ((56.0, 190.0), (1144.0, 1150.0))
"""Lower left and upper right corner of what the body may cover."""
FLOOR_LEVEL: Final = (
    275.0  # where the floor under the pelvis lies, unless the body has to be moved into the stage
)
SLACK: Final = (40.0, 90.0)  # a body off the stage's centre by less than this stays where it is
MARGIN: Final = (200, 340)  # the background is this much larger than the picture on each side

CAPTION_WIDTH: Final = 1080
CAPTION_HEIGHT: Final = 132
CAPTION_CENTRE: Final = 100  # rows above the lower edge
CAPTION_SIZES: Final = (40, 36, 32, 28, 24)
LEGEND_SIZE: Final = 24
BULLET: Final = "●"
LEGEND_LEFT: Final = 52
LEGEND_TOP: Final = 58  # rows from the upper edge to the first entry's middle

GRID: Final = 0.5  # metres between lines of the floor grid
FLOOR_RADIUS: Final = 1.6  # metres from the pelvis to where floor and grid have faded away
FLOOR_TONES: Final = 20
GRID_WIDTH: Final = 1.4  # pixels
GRID_OPACITY: Final = 0.6  # under the pelvis

LIMB_RADII: Final = {
    "hip": (0.036, 0.046),
    "knee": (0.060, 0.046),
    "ankle": (0.046, 0.032),
    "foot": (0.035, 0.030),
    "spine1": (0.034, 0.034),
    "spine2": (0.034, 0.034),
    "spine3": (0.034, 0.034),
    "collar": (0.034, 0.034),
    "neck": (0.034, 0.034),
    "head": (0.034, 0.034),
    "shoulder": (0.034, 0.042),
    "elbow": (0.045, 0.037),
    "wrist": (0.037, 0.028),
}
"""Metres, at the parent's and at the own end of the limb that ends in this joint, on either side."""
JOINT_RADIUS: Final = 0.023
TORSO: Final = np.array((16, 17, 1, 2, 12))
TORSO_RADII: Final = np.array((0.055, 0.055, 0.075, 0.075, 0.045))
TORSO_LIMBS: Final = np.array((1, 2, 3, 6, 9, 12, 13, 14, 16, 17)) - 1
HEAD_RADII: Final = (0.074, 0.090)  # chin and crown
HEAD_LENGTH: Final = (
    0.078  # metres from the middle of the chin's circle, which is the head joint, to the crown's
)
OUTLINE: Final = 2.5  # pixels
ARC_POINTS: Final = 16
SHADOW_POINTS: Final = 11

SHADOWS: Final = ((0.010, 0.10, 0.07), (0.0, 0.02, 0.12))
"""For each layer: metres wider than the body, metres wider for each metre of height, opacity."""
FOG: Final = 0.3
MOST_FOG: Final = 0.36
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
MEETING: Final = [
    (DOT_OF[j], limb) for limb, ends in enumerate(zip(CHILDREN, PARENT_OF)) for j in ends if j != HEAD
]
MEETING_DOTS, MEETING_LIMBS = np.array(MEETING).T
BODY_RADII: Final = np.array(
    [*(LIMB_RADII[JOINT_NAMES[joint].split("_")[-1]] for joint in CHILDREN), HEAD_RADII]
)
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
                raise ValueError(
                    f"render.{key}: {getattr(self, key)!r} is not a colour; use one like '#1a74b8'"
                )
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
        seen = (points - (0.0, CAMERA_TARGET, 0.0)) @ self._axes
        # What is behind the camera would come out upside down: nothing is nearer than half a metre.
        depth = np.maximum(self.distance - seen[..., 2], 0.5)
        scale = PIXELS_PER_METRE * CAMERA_DISTANCE / depth
        return seen[..., :2] * scale[..., None], scale

    @cached_property
    def _axes(self) -> Floats:
        """Columns: the picture's right, its up, and towards the camera."""
        azimuth, elevation = np.radians((self.azimuth, self.elevation))
        right = np.array((np.cos(azimuth), 0.0, -np.sin(azimuth)))
        towards = np.array((np.sin(azimuth), 0.0, np.cos(azimuth))) * np.cos(elevation)
        towards[1] = np.sin(elevation)
        return np.stack((right, np.cross(towards, right), towards), axis=1)

    @cached_property
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
        self._rows = np.zeros(
            (SIZE, 1 + SIZE), np.uint8
        )  # as a PNG has them: filter type 0, then palette indices
        self._palette = Palette(_colours(options))
        self._camera = lru_cache(maxsize=64)(self._place_camera)
        self._background = lru_cache(maxsize=3)(self._paint_background)
        colours = np.array([options.colour(name) for name in JOINT_COLOURS])
        torso = _tones(_torso_colour(options))
        edge, base, light, dot = _tones(colours)
        self._tones = [
            np.concatenate((torso[0][None], edge[[*CHILDREN, HEAD]], edge[DOTS])),
            np.concatenate((torso[1][None], base[[*CHILDREN, HEAD]], dot[DOTS])),
            np.concatenate((torso[2][None], light[[*CHILDREN, HEAD]], dot[DOTS])),
        ]
        self._outlines = np.empty((len(RADII) + 1, 3, 2 * ARC_POINTS, 2))
        self._shadows = np.empty((len(SHADOWS), len(BODY_RADII), 2 * SHADOW_POINTS, 2))
        codes = np.full(self._shadows.shape[1:3], Outline.LINETO, np.uint8)
        codes[:, 0] = Outline.MOVETO
        # The paths share their memory with these arrays: to write there is all it takes to draw other shapes.
        shadows = [Outline(shadow.reshape(-1, 2), codes.ravel()) for shadow in self._shadows]
        self._paths = [*shadows, *map(Outline, self._outlines.reshape(-1, 2 * ARC_POINTS, 2))]
        self._ink, self._faint_ink = (
            self._brush(options.colour("ink"), 1.0),
            self._brush(options.colour("ink"), 0.75),
        )
        self._legend = [
            (self._brush(options.colour(side), 1.0), self._legend_line(BULLET), self._legend_line(side))
            for side in ("left", "right")
            if options.legend
        ]

    def _brush(self, colour: Floats, opacity: float) -> GraphicsContextBase:
        brush = self._canvas.new_gc()
        brush.set_foreground((*colour, opacity), isRGBA=True)
        return brush

    def _legend_line(self, text: str) -> Line:
        return self._typesetter.set(text, SIZE, SIZE, (LEGEND_SIZE,)).lines[0]

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
        background = self._window(camera, shift)
        self._rows[:, 1:] = background[1]
        self._draw_figure(points, ends, camera, camera.origin + shift, background)
        self._draw_legend(background)
        self._draw_caption(caption, background)
        return encode_png(self._rows, self._palette.colours)

    def _place_camera(self, zoom: int) -> Camera:
        return Camera(self._options.azimuth, self._options.elevation, CAMERA_DISTANCE * ZOOM_STEP**zoom)

    def _frame(self, ends: Floats) -> tuple[Camera, Floats]:
        """The nearest camera that has the body within the stage, and how far the picture is moved for that."""
        low, high = np.array(STAGE)
        for zoom in count():
            camera = self._camera(zoom)
            pixels, scale = camera.project(ends)
            radii = (RADII * scale)[..., None] + OUTLINE
            least, most = (pixels - radii).min(axis=(0, 1)), (pixels + radii).max(axis=(0, 1))
            room = (high - low) - (most - least)
            offset = (low + high - least - most) / 2 - camera.origin
            shift = np.sign(offset) * np.maximum(np.abs(offset) - np.minimum(SLACK, room / 2), 0.0)
            if room.min() >= 0.0 and (np.abs(shift) <= MARGIN).all():
                break
        return camera, np.rint(shift)

    def _window(self, camera: Camera, shift: Floats) -> Background:
        left, top = MARGIN[0] - int(shift[0]), MARGIN[1] + int(shift[1])
        window = (slice(top, top + SIZE), slice(left, left + SIZE))
        rgba, indices = self._background(camera)
        return rgba[window], indices[window]

    @contextmanager
    def _painting(
        self, background: Background, left: float, top: float, right: float, bottom: float
    ) -> Iterator[None]:
        """Clear a box of the canvas (pixels from the upper left), and carry to the rows what is then painted there."""
        box = (slice(max(int(top) - 2, 0), int(bottom) + 3), slice(max(int(left) - 2, 0), int(right) + 3))
        canvas, empty = self._words[box], background[0][box]
        canvas[:] = empty
        yield
        painted = canvas.ravel()
        changed = np.flatnonzero(painted != empty.ravel())
        indices = self._rows[:, 1:][box].ravel()
        indices[changed] = self._palette.quickly(painted[changed])
        self._rows[:, 1:][box] = indices.reshape(canvas.shape)

    def _draw_figure(
        self, points: Floats, ends: Floats, camera: Camera, origin: Floats, background: Background
    ) -> None:
        """The shadow, then all shapes far to near, each as a dark outline, its colour and a highlight."""
        body = ends[: len(BODY_RADII)]
        height = np.maximum(body[..., 1], 0.0)
        for shadow, (wider, softness, _) in zip(self._shadows, SHADOWS, strict=True):
            floor = capsules(body[..., ::2], BODY_RADII + wider + softness * height, SHADOW_POINTS)
            shadow[:] = camera.project(on_floor(floor))[0] + origin
        pixels, scale = camera.project(ends)
        pixels += origin
        radii = RADII * scale
        light = np.array((-0.26, 0.30)) * radii[..., None]  # from the upper left
        layers = np.stack((pixels, pixels, pixels + light)), np.stack((radii + OUTLINE, radii, 0.36 * radii))
        shapes = np.empty((3, len(RADII) + 1, 2 * ARC_POINTS, 2))
        shapes[:, 1:] = capsules(layers[0].reshape(-1, 2, 2), layers[1].reshape(-1, 2)).reshape(
            3, len(RADII), -1, 2
        )
        torso, torso_scale = camera.project(points[TORSO])
        torso += origin
        torso_radii = TORSO_RADII * torso_scale
        for layer, (shift, size) in enumerate(((0.0, OUTLINE), (0.0, 0.0), (-3.0, -7.0))):
            shapes[layer, 0] = hull(torso + (shift, -shift), torso_radii + size)
        depth = np.empty(len(RADII) + 1)
        depth[1:] = PIXELS_PER_METRE * CAMERA_DISTANCE / scale.mean(axis=1)
        limbs, dots = depth[1 : 1 + len(BODY_RADII)], depth[1 + len(BODY_RADII) :]
        depth[0] = limbs[TORSO_LIMBS].max() + 0.08  # the torso is behind what it carries
        np.minimum.at(
            dots, MEETING_DOTS, limbs[MEETING_LIMBS] - 1e-6
        )  # a dot covers the limbs that meet in it
        order = np.argsort(-depth, kind="stable")
        self._outlines[:] = shapes[:, order].swapaxes(0, 1)
        fog = np.clip((depth - camera.distance) * FOG, 0.0, MOST_FOG)[order, None]
        faces = np.ones((len(self._paths), 4))
        faces[: len(SHADOWS)] = [(0.0, 0.0, 0.0, opacity) for _, _, opacity in SHADOWS]
        for layer, colours in enumerate(self._tones):
            faces[len(SHADOWS) + layer :: 3, :3] = mix(colours[order], self._backdrop, fog)
        outlines = np.concatenate(
            [shape.reshape(-1, 2).T for shape in (self._shadows, self._outlines)], axis=1
        )
        left, low, right, high = *outlines.min(axis=1), *outlines.max(axis=1)
        with self._painting(background, left, SIZE - high, right, SIZE - low):
            draw_paths(self._canvas, self._paths, faces)

    def _draw_legend(self, background: Background) -> None:
        if not self._legend:
            return
        right, bottom = LEGEND_LEFT + 6 * LEGEND_SIZE, LEGEND_TOP + 3 * LEGEND_SIZE
        with self._painting(background, LEGEND_LEFT, LEGEND_TOP - LEGEND_SIZE, right, bottom):
            for row, (brush, bullet, name) in enumerate(self._legend):
                baseline = LEGEND_TOP + round((1.5 * row + 0.36) * LEGEND_SIZE)
                self._draw_line(bullet, brush, LEGEND_LEFT, baseline)
                self._draw_line(name, self._faint_ink, LEGEND_LEFT + round(1.3 * LEGEND_SIZE), baseline)

    def _draw_caption(self, caption: str, background: Background) -> None:
        block = self._typesetter.set(caption, CAPTION_WIDTH, CAPTION_HEIGHT, CAPTION_SIZES)
        height = round(LINE_HEIGHT * block.size)
        top = SIZE - CAPTION_CENTRE - len(block.lines) * height // 2
        half = max(line.advance for line in block.lines) / 2 + block.size
        bottom = top + (len(block.lines) + 0.5) * height
        with self._painting(background, SIZE / 2 - half, top - height / 2, SIZE / 2 + half, bottom):
            for row, line in enumerate(block.lines):
                baseline = top + row * height + height // 2 + round(0.36 * block.size)
                self._draw_line(line, self._ink, (SIZE - line.advance) // 2, baseline)

    def _draw_line(self, line: Line, brush: GraphicsContextBase, left: int, baseline: int) -> None:
        for pen, piece in line.pieces:
            bottom = baseline - piece.above + len(piece.bitmap)
            self._canvas._renderer.draw_text_image(piece.bitmap, left + pen + piece.left, bottom, 0, brush)

    def _paint_background(self, camera: Camera) -> Background:
        """The floor as that camera sees it, with a margin to move the picture in: RGBA words and palette indices."""
        canvas = RendererAgg(SIZE + 2 * MARGIN[0], SIZE + 2 * MARGIN[1], DPI)
        pixels = np.asarray(canvas.buffer_rgba())
        pixels[:] = np.rint(np.array((*self._backdrop, 1.0)) * 255)
        origin = camera.origin + MARGIN

        angles = np.linspace(0.0, 2 * np.pi, 129)
        circle = np.stack((np.cos(angles), np.sin(angles)), axis=1) * FLOOR_RADIUS
        floor = mix(self._backdrop, self._options.colour("floor"), steps(FLOOR_TONES + 1)[1:])
        radii = np.sqrt(1.0 - np.arange(FLOOR_TONES) / FLOOR_TONES)
        discs = [Outline(camera.project(on_floor(circle * radius))[0] + origin) for radius in radii]
        draw_paths(canvas, discs, np.insert(floor, 3, 1.0, axis=1))

        lines = np.arange(-FLOOR_RADIUS, FLOOR_RADIUS + GRID / 2, GRID)
        starts = np.arange(-FLOOR_RADIUS, FLOOR_RADIUS, GRID / 4)
        along, across = (axis.ravel() for axis in np.meshgrid(starts, lines))
        dashes = np.stack(
            (np.stack((along, across), axis=1), np.stack((along + GRID / 4, across), axis=1)), axis=1
        )
        dashes = np.concatenate((dashes, dashes[..., ::-1]))  # [n, end, (x, z)]
        distance = np.hypot(*dashes.mean(axis=1).T) / FLOOR_RADIUS
        strength = GRID_OPACITY * np.maximum(1.0 - distance**2, 0.0) ** 1.2
        strokes = np.column_stack((np.tile(self._options.colour("grid"), (len(dashes), 1)), strength))
        draw_paths(
            canvas, [Outline(dash + origin) for dash in camera.project(on_floor(dashes))[0]], edges=strokes
        )
        rgba = words(canvas)
        return rgba, self._palette.exactly(rgba)


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


def _torso_colour(options: RenderOptions) -> Floats:
    return mix(options.colour("spine"), options.colour("floor"), 0.62)


def steps(count: int) -> Floats:
    """From 0 to 1, as a column (count, 1)."""
    return np.linspace(0.0, 1.0, count)[:, None]


def capsules(ends: Floats, radii: Floats, arc_points: int = ARC_POINTS) -> Floats:
    """Outlines (n, 2k, 2) of the hulls of two circles each: centres `ends` (n, 2, 2), `radii` (n, 2)."""
    axis = ends[:, 1] - ends[:, 0]
    length = np.maximum(np.hypot(axis[:, 0], axis[:, 1]), 1e-9)
    # Where one circle lies within the other the tangents have no angle, and the whole larger circle is left.
    half = np.arccos(np.clip((radii[:, 0] - radii[:, 1]) / length, -1.0, 1.0))[:, None]
    direction = np.arctan2(axis[:, 1], axis[:, 0])[:, None]
    arc = np.linspace(0.0, 1.0, arc_points)
    angles = np.concatenate(
        (direction + half + arc * 2 * (np.pi - half), direction - half + arc * 2 * half), axis=1
    )
    outlines = np.stack((np.cos(angles), np.sin(angles)), axis=-1)
    outlines *= np.repeat(radii, arc_points, axis=1)[..., None]
    return outlines + np.repeat(ends, arc_points, axis=1)


def hull(centres: Floats, radii: Floats) -> Floats:
    """Outline (2k, 2) of the hull of circles: centres (n, 2), radii (n,)."""
    angles = np.linspace(0.0, 2 * np.pi, 2 * ARC_POINTS, endpoint=False)
    directions = np.stack((np.cos(angles), np.sin(angles)))
    farthest = (centres @ directions + radii[:, None]).argmax(axis=0)
    return centres[farthest] + radii[farthest, None] * directions.T


def on_floor(spots: Floats) -> Floats:
    """Points (..., 3) on the floor at x and z (..., 2)."""
    points = np.zeros((*spots.shape[:-1], 3))
    points[..., ::2] = spots
    return points


def mix(colour: Floats, other: Floats | float, share: Floats | float) -> Floats:
    """`colour` with a share (0 to 1) of another one."""
    return colour + (other - colour) * share


def draw_paths(
    canvas: RendererAgg, paths: Sequence[Outline], faces: Floats = NONE, edges: Floats = NONE
) -> None:
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


def _colours(options: RenderOptions) -> Pixels:
    """At most 256 colours (n, 3): those that are drawn, and mixtures of those that meet."""
    backdrop, floor, grid, ink = (options.colour(name) for name in ("background", "floor", "grid", "ink"))
    tones = mix(backdrop, floor, steps(FLOOR_TONES + 1))
    soft, core = (opacity for _, _, opacity in SHADOWS)
    shaded = [mix(tones, 0.0, opacity) for opacity in (soft, soft + core - soft * core)]
    lines = [
        mix(ground, grid, steps(8)[1:] * GRID_OPACITY) for ground in (backdrop, floor, mix(floor, 0.0, 0.13))
    ]
    colours = [tones, *shaded, *lines, mix(mix(backdrop, floor, 0.3), ink, steps(14)[1:])]
    for colour in (*(options.colour(side) for side in ("left", "right", "spine")), _torso_colour(options)):
        for fog in (0.0, MOST_FOG / 2, MOST_FOG):
            edge, base, light, dot = (mix(tone, backdrop, fog) for tone in _tones(colour))
            for first, second, count in ((edge, base, 4), (base, light, 3), (edge, dot, 4), (edge, floor, 4)):
                colours.append(mix(first, second, steps(count)))
    return np.unique(np.rint(np.concatenate(colours) * 255).astype(np.uint8), axis=0)


class Palette:
    """At most 256 colours (n, 3), and which of them is nearest to a pixel's."""

    def __init__(self, colours: Pixels) -> None:
        self.colours = colours
        self._of_cell = np.full(1 << 18, -1, np.int16)  # -1: not met yet

    def nearest(self, rgb: Floats) -> NDArray[np.intp]:
        """Indices of the colours that are nearest to (n, 3)."""
        colours = self.colours.astype(float)
        return (np.square(colours).sum(axis=1) - 2.0 * rgb @ colours.T).argmin(axis=1)

    def exactly(self, rgba: Words) -> Pixels:
        colours, where = np.unique(rgba, return_inverse=True)
        indices = self.nearest(np.stack((colours & 255, colours >> 8 & 255, colours >> 16 & 255), axis=1))
        return indices.astype(np.uint8)[where].reshape(rgba.shape)

    def quickly(self, rgba: Words) -> Pixels:
        """As `exactly`, by the upper six bits of red, green and blue."""
        cells = rgba >> 2 & 0x3F | rgba >> 4 & 0xFC0 | rgba >> 6 & 0x3F000
        indices = self._of_cell.take(cells)
        if indices.min(initial=0) < 0:
            new = np.unique(cells[indices < 0])
            self._of_cell[new] = self.nearest(
                np.stack((new & 63, new >> 6 & 63, new >> 12), axis=1) * 4.0 + 1.5
            )
            indices = self._of_cell.take(cells)
        return indices.astype(np.uint8)


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
        parts += (
            struct.pack(">I", len(data)),
            kind,
            data,
            struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))),
        )
    return b"".join(parts)
