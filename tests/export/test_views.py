"""COCO and OpenPose: points are where the pictures have the joints, cameras project them there, and what is hidden."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.looks import theme

from mardm_batch.export.__main__ import main
from mardm_batch.export.formats.openpose import COLOURS, KEYPOINTS
from mardm_batch.export.views import FACE_POINTS, view
from mardm_batch.library.posing import pose
from mardm_batch.pose.inverse_kinematics import forward_kinematics
from mardm_batch.pose.rest_pose import REST_OFFSETS
from mardm_batch.pose.skeleton import JOINT_INDEX, JOINT_NAMES

STANDING = pose({}).astype(float)
T_POSE = forward_kinematics(np.broadcast_to(np.eye(3), (1, 22, 3, 3)), REST_OFFSETS, np.array([[0, 0.95, 0]]))[0]
ELEVATION = 14.0


def export(finished: Path, format: str, *views: str) -> Path:
    folder = finished.parent / format
    assert main([str(finished), "--to", format, "--output", str(folder), "--views", *views]) == 0
    return folder


@pytest.mark.parametrize("degrees", [0, 45, 180])
def test_points_are_where_the_pictures_have_the_joints(degrees: int) -> None:
    """The dots of joints are the lightest spots of the figure."""
    for joints in (STANDING, pose({"pelvis": {"rests_on": ["pelvis"], "pitch": -90}}).astype(float)):
        look = theme(azimuth=float(degrees), legend=False)
        with Image.open(io.BytesIO(look.renderer().draw(joints, ""))) as picture:
            pixels = np.asarray(picture.convert("RGB")).astype(int)
        seen = view(joints, degrees, ELEVATION)
        for name in ("left_knee", "right_knee", "left_elbow", "right_elbow", "left_wrist"):
            index = JOINT_INDEX[name]
            if not seen.hidden[index]:
                x, y = seen.points[index].round().astype(int)
                tint = look.colour(name.split("_")[0]) * 255
                dot = tint + (255 - tint) * 0.82
                near = np.abs(pixels[y - 2 : y + 3, x - 2 : x + 3] - dot).max(axis=-1).min()
                assert near < 12, (name, degrees)


def test_cameras_project_the_joints_to_their_points() -> None:
    for degrees in (0, 45, 90, 180, 300):
        seen = view(STANDING, degrees, ELEVATION)
        rotation = seen.extrinsics[:, :3]
        assert np.allclose(rotation @ rotation.T, np.eye(3))
        assert np.linalg.det(rotation) == pytest.approx(1)
        x, y, depth = seen.intrinsics @ (rotation @ STANDING.T + seen.extrinsics[:, 3:])
        assert (depth > 0).all()
        assert np.allclose(np.stack((x, y)) / depth, seen.points.T)


def test_left_is_right_in_the_picture_from_the_front_and_left_from_behind() -> None:
    left, right = JOINT_INDEX["left_wrist"], JOINT_INDEX["right_wrist"]
    front, back = view(T_POSE, 0, ELEVATION), view(T_POSE, 180, ELEVATION)
    assert front.points[left, 0] > front.points[right, 0]
    assert back.points[left, 0] < back.points[right, 0]
    assert front.points[JOINT_INDEX["head"], 1] < front.points[0, 1]


def test_what_the_body_hides_is_hidden() -> None:
    behind_back = T_POSE.copy()
    behind_back[JOINT_INDEX["left_wrist"]] = behind_back[JOINT_INDEX["spine2"]] - (0, 0, 0.25)
    front, back = view(behind_back, 0, 0.0), view(behind_back, 180, 0.0)
    wrist, other = JOINT_INDEX["left_wrist"], JOINT_INDEX["right_wrist"]
    assert front.hidden[wrist]
    assert not back.hidden[wrist]
    assert not front.hidden[other]
    assert not front.hidden[[JOINT_INDEX[name] for name in ("left_shoulder", "pelvis", "neck", "left_knee")]].any()
    side = view(STANDING, 90, 0.0)
    assert side.hidden[JOINT_INDEX["right_hip"]]
    assert not side.hidden[JOINT_INDEX["left_hip"]]
    hidden = dict(zip(FACE_POINTS, front.face_hidden, strict=True))
    assert not any(hidden.values())
    assert all(
        dict(zip(FACE_POINTS, back.face_hidden, strict=True))[name] for name in ("nose", "left_eye", "right_eye")
    )


def test_pycocotools_loads_what_is_written(finished: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    data = coco.COCO(str(export(finished, "coco", "0", "45", "-90") / "keypoints.json"))
    assert len(data.getImgIds()) == 60
    person, ours = data.loadCats(data.getCatIds())
    assert (person["name"], len(person["keypoints"])) == ("person", 17)
    assert ours["keypoints"] == list(JOINT_NAMES)
    for image in data.loadImgs(data.getImgIds()):
        joints = np.load(finished / f"{image['name']}.npy").astype(float)
        camera = {key: np.array(value) for key, value in image["camera"].items()}
        assert image["file_name"] == f"{image['name']}@{camera['view_degrees']:03d}.png"
        x, y, depth = camera["intrinsics"] @ (camera["extrinsics"][:, :3] @ joints.T + camera["extrinsics"][:, 3:])
        by_category = {each["category_id"]: each for each in data.loadAnns(data.getAnnIds(image["id"]))}
        keypoints = np.array(by_category[2]["keypoints"]).reshape(22, 3)
        assert np.abs(keypoints[:, :2] - (np.stack((x, y)) / depth).T).max() < 0.01
        assert np.array_equal(np.array(by_category[2]["joints_3d"], np.float32), joints.astype(np.float32))
        theirs = dict(zip(person["keypoints"], np.array(by_category[1]["keypoints"]).reshape(17, 3), strict=True))
        assert np.array_equal(theirs["left_knee"], keypoints[JOINT_INDEX["left_knee"]])
        assert not theirs["nose"].any()
        assert by_category[1]["num_keypoints"] == 12
        left, top, width, height = by_category[1]["bbox"]
        inside = (keypoints[:, :2] >= (left, top)) & (keypoints[:, :2] <= (left + width, top + height))
        assert inside.all()


def test_keypoints_are_scored_by_pycocotools(finished: Path) -> None:
    coco, evaluation = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    path = export(finished, "coco", "0") / "keypoints.json"
    truth = coco.COCO(str(path))
    found = [{**each, "score": 1.0} for each in truth.loadAnns(truth.getAnnIds(catIds=[1]))]
    score = evaluation.COCOeval(truth, truth.loadRes(found), "keypoints")
    score.params.catIds = [1]
    score.evaluate()
    score.accumulate()
    score.summarize()
    assert score.stats[0] == pytest.approx(1.0)


def test_openpose_pictures_and_json_agree(finished: Path) -> None:
    folder = export(finished, "openpose", "0", "180")
    assert len(list(folder.glob("*@*.png"))) == len(list(folder.glob("*@*.json"))) == 40
    for path in folder.glob("*@000.json"):
        document = json.loads(path.read_text())
        keypoints = np.array(document["people"][0]["pose_keypoints_2d"]).reshape(18, 3)
        assert (document["version"], document["canvas_width"], document["canvas_height"]) == (1.3, 1200, 1200)
        with Image.open(path.with_suffix(".png")) as picture:
            pixels = np.asarray(picture)
        assert pixels.shape == (1200, 1200, 3)
        assert tuple(pixels[0, 0]) == (0, 0, 0)
        last = np.flatnonzero(keypoints[:, 2])[-1]  # no other is painted over it
        x, y = keypoints[last, :2].round().astype(int)
        assert tuple(pixels[y, x]) == COLOURS[last]
        joints = np.load(finished / f"{path.stem.removesuffix('@000')}.npy").astype(float)
        seen = view(joints, 0, ELEVATION)
        for name in ("right_wrist", "left_ankle"):
            assert np.abs(keypoints[KEYPOINTS.index(name), :2] - seen.points[JOINT_INDEX[name]]).max() < 0.01
