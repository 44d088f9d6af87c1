"""From where a pose is seen: the nearest camera that has all of the body in the picture. Metres; pixels, y up."""

import math
from functools import cache
from itertools import count
from typing import Final

import numpy as np

from mardm_batch.constants import PICTURE_SIZE
from mardm_batch.render.figure import DEFAULT_DISTANCE, Camera, Floats, bounds

Corner = tuple[float, float]
"""Pixels from the left and from below."""

STAGE: Final = ((56.0, 190.0), (1144.0, 1150.0))
"""Lower left and upper right corner of what the body may cover."""
SLACK: Final = (40.0, 90.0)  # a body off the stage's centre by less than this stays where it is
FLOOR_LEVEL: Final = 275.0  # where the floor under the pelvis is then
MARGIN: Final = (200, 340)  # the background is this much larger than the picture on each side
MAGNIFICATIONS: Final = (1.6, 1.4, 1.2)
"""Low bodies, of persons who sit, kneel or lie, are magnified by the first with which they are within WIDE x HIGH."""
WIDE, HIGH = 960.0, 690.0  # pixels; persons who stand are higher
ZOOM_STEP: Final = 1.12  # by which the camera's distance grows until the body is within the stage


class Framing:
    """The cameras of one direction. `azimuth`, `elevation`: degrees, see `Camera`."""

    def __init__(self, azimuth: float, elevation: float) -> None:
        self.azimuth, self.elevation = azimuth, elevation
        self.camera = cache(self.place_camera)
        """Cameras are few, and what is painted for one is kept."""

    def place_camera(self, zoom: int, magnification: float = 1.0) -> Camera:
        """The camera after so many steps away."""
        return Camera(self.azimuth, self.elevation, DEFAULT_DISTANCE * ZOOM_STEP**zoom, magnification)

    def frame(self, ends: Floats) -> tuple[Camera, Floats, Floats]:
        """The nearest camera that has the body within the stage, the pixel (2,) that it looks at, and the body's lower
        left and upper right corner (2, 2) in pixels. Low bodies are magnified.

        Args:
            ends: capsules (n, 2, 3) of a body, or (t, n, 2, 3) of one in several frames, which a camera has all of.
        """
        return self._place(ends, *corners(*bounds(ends, self.camera(0))))

    def frame_each(self, ends: Floats) -> list[tuple[Camera, Floats, Floats]]:
        """`frame` for each of several bodies (b, n, 2, 3)."""
        lows, highs = bounds(ends, self.camera(0))
        return [self._place(body, *corners(low, high)) for body, low, high in zip(ends, lows, highs, strict=True)]

    def _place(self, ends: Floats, low: Corner, high: Corner) -> tuple[Camera, Floats, Floats]:
        """`frame` for a body with these corners at the first camera. Plain floats: arrays of two take much longer."""
        camera = self.camera(0)
        width, height = high[0] - low[0], high[1] - min(low[1], floor_level(camera))
        nearest = next((m for m in MAGNIFICATIONS if m * width <= WIDE and m * height <= HIGH), 1.0)
        if nearest > 1.0:
            camera = self.camera(0, nearest)
            low, high = (nearest * low[0], nearest * low[1]), (nearest * high[0], nearest * high[1])
        for zoom in count(1):
            aim = usual_aim(camera)
            fits, shifts = True, []
            for axis in (0, 1):
                lowest, highest = STAGE[0][axis], STAGE[1][axis]
                room = (highest - lowest) - (high[axis] - low[axis])
                off_centre = (lowest + highest - low[axis] - high[axis]) / 2 - float(aim[axis])
                shift = max(abs(off_centre) - min(SLACK[axis], room / 2), 0.0)
                fits = fits and room >= 0.0 and shift <= MARGIN[axis]
                shifts.append(round(math.copysign(shift, off_centre)))
            if fits:
                break
            camera = self.camera(zoom)
            low, high = corners(*bounds(ends, camera))
        moved = aim + shifts
        return camera, moved, np.array((low, high)) + moved


def corners(low: Floats, high: Floats) -> tuple[Corner, Corner]:
    """Lower left and upper right corner of all of several bodies with these corners (..., 2)."""
    left, bottom = low.reshape(-1, 2).min(axis=0).tolist()
    right, top = high.reshape(-1, 2).max(axis=0).tolist()
    return (left, bottom), (right, top)


@cache
def floor_level(camera: Camera) -> float:
    """How far above where the camera looks it sees the floor under the pelvis, in pixels."""
    return float(camera.on_floor(np.zeros(2))[1])


def usual_aim(camera: Camera) -> Floats:
    """The pixel (2,) that the camera looks at while the floor under the pelvis is at its usual level."""
    return np.array((PICTURE_SIZE / 2, FLOOR_LEVEL - floor_level(camera)))
