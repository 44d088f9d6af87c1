"""From where a pose is seen: the nearest camera that has all of the body in the picture. Metres; pixels, y up."""

from functools import cache
from itertools import count
from typing import Final

import numpy as np

from mardm_batch.constants import PICTURE_SIZE
from mardm_batch.render.figure import DEFAULT_DISTANCE, Camera, Floats, bounds

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
        lowest, highest = np.array(STAGE)
        camera = self.camera(0)
        low, high = bounds(ends, camera)
        width, height = high[0] - low[0], high[1] - min(low[1], camera.on_floor(np.zeros(2))[1])
        nearest = next((m for m in MAGNIFICATIONS if m * width <= WIDE and m * height <= HIGH), 1.0)
        if nearest > 1.0:
            camera, low, high = self.camera(0, nearest), nearest * low, nearest * high
        for zoom in count(1):
            aim = usual_aim(camera)
            room = (highest - lowest) - (high - low)
            off_centre = (lowest + highest - low - high) / 2 - aim
            shift = np.sign(off_centre) * np.maximum(np.abs(off_centre) - np.minimum(SLACK, room / 2), 0.0)
            if room.min() >= 0.0 and (np.abs(shift) <= MARGIN).all():
                break
            camera = self.camera(zoom)
            low, high = bounds(ends, camera)
        aim = aim + np.rint(shift)
        return camera, aim, np.stack((low, high)) + aim


def usual_aim(camera: Camera) -> Floats:
    """The pixel (2,) that the camera looks at while the floor under the pelvis is at its usual level."""
    return np.array((PICTURE_SIZE / 2, FLOOR_LEVEL - camera.on_floor(np.zeros(2))[1]))
