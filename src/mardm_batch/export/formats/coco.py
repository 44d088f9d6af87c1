"""COCO keypoints: what cameras around the person see, for training and testing of pose estimation.

Two categories: `person`, COCO's own 17 keypoints where a joint is one of them, and `person_22`, our joints.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from mardm_batch import __version__
from mardm_batch.constants import PICTURE_SIZE
from mardm_batch.export.colours import default_look
from mardm_batch.export.formats.format import Archive, ExportOptions
from mardm_batch.export.poses import ExportPose
from mardm_batch.export.views import View, view, view_name
from mardm_batch.pose.skeleton import JOINT_INDEX, JOINT_NAMES, PARENTS
from mardm_batch.system.files import replacing, translate_disk_full

COCO_NAMES: Final = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
    *(
        f"{side}_{joint}"
        for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        for side in ("left", "right")
    ),
)
COCO_SKELETON: Final = (
    *((16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9)),
    *((8, 10), (9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7)),
)
"""Pairs of keypoints, counted from 1, that COCO draws lines between."""
CATEGORIES: Final = (
    {
        "id": 1,
        "name": "person",
        "supercategory": "person",
        "keypoints": list(COCO_NAMES),
        "skeleton": [list(pair) for pair in COCO_SKELETON],
    },
    {
        "id": 2,
        "name": "person_22",
        "supercategory": "person",
        "keypoints": list(JOINT_NAMES),
        "skeleton": [[parent + 1, joint + 1] for joint, parent in enumerate(PARENTS) if parent >= 0],
    },
)
NOT_LABELLED, HIDDEN, VISIBLE = 0, 1, 2
"""COCO's flags of keypoints."""


class Coco(Archive):
    """`keypoints.json`."""

    NAME = "coco"
    SUMMARY = "2D keypoints (keypoints.json) from cameras around the person, with the cameras, for pose estimation"
    TAKES_VIEWS = True

    def __init__(self, options: ExportOptions) -> None:
        super().__init__(options)
        self.views = (0,) if options.views is None else options.views
        self.elevation = default_look().elevation

    def facts(self) -> Mapping[str, Any]:
        """See `ExportFormat.facts`."""
        return {
            "pictures": "NAME@045.png and so on, as render.views=[45] draws them; points fit them by pixels",
            "visibility": "2 visible, 1 behind a limb, the head or the torso of the mannequin, 0 not labelled",
            "camera": "of each image: intrinsics (pixels) and extrinsics (from our axes to x right, y down, z away)",
            "joints_3d": "of each annotation of person_22: metres, Y up, facing +Z",
        }

    def file_names(self, number: int) -> Sequence[str]:
        """See `Archive.file_names`."""
        return ("keypoints.json",)

    def write(self, poses: Iterator[ExportPose], folder: Path, number: int) -> int:
        """See `Archive.write`. Images go into the file, annotations into another one that comes behind them."""
        count = images = 0
        with (
            replacing(folder / self.file_names(0)[0]) as path,
            path.open("w", encoding="utf-8") as file,
            translate_disk_full(),
            tempfile.TemporaryFile("w+", encoding="utf-8", dir=folder) as annotations,
        ):
            info = {"description": "3D human poses made from captions", "version": f"mardm-batch {__version__}"}
            file.write(f'{{"info": {json.dumps(info)},\n"licenses": [],\n')
            file.write(f'"categories": {json.dumps(CATEGORIES)},\n"images": [')
            for pose in poses:
                count += 1
                for degrees in self.views:
                    images += 1
                    seen = view(pose.document.joints.astype(np.float64), degrees, self.elevation)
                    write_item(file, image(pose, seen, images), images == 1)
                    for place, annotation in enumerate(annotations_of(pose, seen, images)):
                        write_item(annotations, annotation, images == 1 and place == 0)
            file.write('],\n"annotations": [')
            annotations.seek(0)
            while block := annotations.read(2**20):
                file.write(block)
            file.write("]}\n")
        return count


def write_item(file: IO[str], item: Mapping[str, Any], is_first: bool) -> None:
    file.write(("\n" if is_first else ",\n") + json.dumps(item, ensure_ascii=False))


def image(pose: ExportPose, seen: View, number: int) -> dict[str, Any]:
    """The record of a picture."""
    return {
        "id": number,
        "file_name": f"{view_name(pose.name, seen.degrees)}.png",
        "width": PICTURE_SIZE,
        "height": PICTURE_SIZE,
        "caption": pose.caption,
        "name": pose.name,
        "camera": seen.camera(),
    }


def annotations_of(pose: ExportPose, seen: View, image_number: int) -> Iterator[dict[str, Any]]:
    """The annotation of each category."""
    flags = np.where(seen.hidden, HIDDEN, VISIBLE)
    ours = np.column_stack((np.round(seen.points, 2), flags))
    theirs = [
        ours[JOINT_INDEX[name]] if name in JOINT_INDEX else np.array((0.0, 0.0, NOT_LABELLED)) for name in COCO_NAMES
    ]
    box = [round(value, 2) for value in seen.box]
    for category, keypoints in ((1, np.array(theirs)), (2, ours)):
        annotation = {
            "id": 2 * (image_number - 1) + category,
            "image_id": image_number,
            "category_id": category,
            "keypoints": [
                int(value) if place % 3 == 2 else value for place, value in enumerate(keypoints.ravel().tolist())
            ],
            "num_keypoints": int((keypoints[:, 2] > NOT_LABELLED).sum()),
            "bbox": box,
            "area": round(box[2] * box[3], 2),
            "iscrowd": 0,
        }
        yield annotation | ({"joints_3d": pose.document.joints.tolist()} if category == 2 else {})
