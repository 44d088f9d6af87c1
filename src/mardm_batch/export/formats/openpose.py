"""OpenPose: pictures of 18 keypoints on black, and their JSON, for ControlNet and other image generators.

The body is ours. Neck is the middle of the shoulders, as OpenPose has it; nose, eyes and ears are estimated from the
head, and left out where the head hides them.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mardm_batch.constants import PICTURE_SIZE
from mardm_batch.export.colours import default_look
from mardm_batch.export.formats.format import Encoded, ExportOptions, FilesPerPose
from mardm_batch.export.poses import ExportPose
from mardm_batch.export.views import FACE_POINTS, View, view, view_name
from mardm_batch.pose.skeleton import JOINT_INDEX

KEYPOINTS: Final = (
    *("nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist"),
    *("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    *("right_eye", "left_eye", "right_ear", "left_ear"),
)
LIMBS: Final = (
    *((1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13)),
    *((1, 0), (0, 14), (14, 16), (0, 15), (15, 17)),
)
"""Pairs of keypoints, from 0, in the order of their colours."""
COLOURS: Final = (
    *((255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0)),
    *((0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255)),
    *((170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85)),
)
"""Red, green and blue of the keypoints in their order, and of the limbs in theirs: hues in steps of 20 degrees."""
WIDTH: Final = 4 * PICTURE_SIZE / 512
"""Half the width of limbs and the radius of keypoints, in pixels: 4 in a picture of 512."""
LIMB_SHARE: Final = 0.6
"""Brightness of limbs; keypoints are painted over them in full."""
ELLIPSE: Final = np.linspace(0.0, 2 * np.pi, 40, endpoint=False)


class OpenPose(FilesPerPose):
    """A picture and a JSON for each view of a pose."""

    NAME = "openpose"
    SUMMARY = "pictures of 18 keypoints on black with JSON (NAME@000.png, .json), for ControlNet and image generation"
    TAKES_VIEWS = True

    def __init__(self, options: ExportOptions) -> None:
        super().__init__(options)
        self.views = (0,) if options.views is None else options.views
        self.elevation = default_look().elevation

    def facts(self) -> Mapping[str, Any]:
        """See `ExportFormat.facts`."""
        return {
            "keypoints": list(KEYPOINTS),
            "estimated": f"{', '.join(FACE_POINTS)}: from head and neck, left out where the head hides them",
            "camera": "as of the pictures NAME@045.png that render.views=[45] draws",
        }

    def file_names(self, name: str) -> Sequence[str]:
        """See `FilesPerPose.file_names`."""
        return [view_name(name, degrees) + suffix for degrees in self.views for suffix in (".png", ".json")]

    def encode(self, poses: Sequence[ExportPose]) -> Iterator[Encoded]:
        """See `FilesPerPose.encode`."""
        for pose in poses:
            files = []
            for degrees in self.views:
                keypoints = keypoints_of(view(pose.document.joints.astype(np.float64), degrees, self.elevation))
                files += [draw(keypoints), openpose_json(keypoints)]
            yield Encoded(files)


def keypoints_of(seen: View) -> NDArray[np.float64]:
    """The keypoints (18, 3): x and y in pixels, and 1 where there is one; zeros elsewhere."""
    points = {name: seen.points[index] for name, index in JOINT_INDEX.items()}
    points["neck"] = (points["left_shoulder"] + points["right_shoulder"]) / 2
    points |= {
        name: point for name, point, hidden in zip(FACE_POINTS, seen.face, seen.face_hidden, strict=True) if not hidden
    }
    rows = [(*points[name], 1.0) if name in points else (0.0, 0.0, 0.0) for name in KEYPOINTS]
    return np.array(rows)


def draw(keypoints: NDArray[np.float64]) -> bytes:
    """PNG of keypoints (18, 3)."""
    picture = Image.new("RGB", (PICTURE_SIZE, PICTURE_SIZE))
    canvas = ImageDraw.Draw(picture)
    for (one, other), colour in zip(LIMBS, COLOURS, strict=False):
        if keypoints[one, 2] and keypoints[other, 2]:
            start, end = keypoints[one, :2], keypoints[other, :2]
            half = (end - start) / 2
            length = max(float(np.hypot(*half)), 1e-6)
            across = np.array((-half[1], half[0])) / length * WIDTH
            outline = (start + end) / 2 + np.outer(np.cos(ELLIPSE), half) + np.outer(np.sin(ELLIPSE), across)
            canvas.polygon([*map(tuple, outline.tolist())], fill=tuple(int(part * LIMB_SHARE) for part in colour))
    for (x, y, there_is), colour in zip(keypoints.tolist(), COLOURS, strict=True):
        if there_is:
            canvas.ellipse((x - WIDTH, y - WIDTH, x + WIDTH, y + WIDTH), fill=colour)
    content = io.BytesIO()
    picture.save(content, "PNG", compress_level=3)
    return content.getvalue()


def openpose_json(keypoints: NDArray[np.float64]) -> bytes:
    """The JSON that OpenPose writes (version 1.3), with the size of the picture that ControlNet's editors ask for."""
    person = {
        "person_id": [-1],
        "pose_keypoints_2d": np.round(keypoints, 2).ravel().tolist(),
        **{f"{part}_keypoints_2d": [] for part in ("face", "hand_left", "hand_right")},
        **{f"{part}_keypoints_3d": [] for part in ("pose", "face", "hand_left", "hand_right")},
    }
    document = {"version": 1.3, "people": [person], "canvas_width": PICTURE_SIZE, "canvas_height": PICTURE_SIZE}
    return json.dumps(document).encode() + b"\n"
