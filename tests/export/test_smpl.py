"""SMPL: forward kinematics of the written rotations gives the joints back where the bones are the skeleton's."""

import json
from pathlib import Path

import numpy as np

from mardm_batch.export.exporting import export_poses
from mardm_batch.export.formats.format import ExportOptions
from mardm_batch.export.formats.smpl import Smpl
from mardm_batch.pose.inverse_kinematics import forward_kinematics
from mardm_batch.pose.rest_pose import REST_OFFSETS
from mardm_batch.pose.rotations import from_axis_angles
from mardm_batch.pose.skeleton import JOINT_NAMES, PARENTS


def kinematics_of(data: "np.lib.npyio.NpzFile") -> np.ndarray:
    """Joints (frames, 22, 3) by the arrays of a file alone."""
    rest = data["rest_joints"]
    frames = len(data["poses"])
    rotations = from_axis_angles(data["poses"][:, :66].reshape(frames, 22, 3))
    world, joints = np.array(rotations), np.zeros((frames, 22, 3))
    joints[:, 0] = data["trans"]
    for joint in range(1, 22):
        parent = PARENTS[joint]
        world[:, joint] = world[:, parent] @ rotations[:, joint]
        joints[:, joint] = joints[:, parent] + world[:, parent] @ (rest[joint] - rest[parent])
    return joints


def export(finished: Path, clips: bool = False) -> Path:
    export_poses(finished, Smpl(ExportOptions(clips)), finished.parent / "out")
    return finished.parent / "out"


def test_files_are_as_those_of_amass(finished: Path) -> None:
    with np.load(export(finished) / "on_a_train.npz") as data:
        shapes = {key: data[key].shape for key in ("poses", "trans", "betas", "dmpls", "gender", "mocap_framerate")}
        assert shapes == {
            **{"poses": (1, 156), "trans": (1, 3), "betas": (16,), "dmpls": (1, 8)},
            **{"gender": (), "mocap_framerate": ()},
        }
        assert (str(data["gender"]), float(data["mocap_framerate"])) == ("neutral", 20.0)
        assert not data["betas"].any()
        assert not data["poses"][:, 66:].any()
        assert str(data["caption"]) == "A person on a train"
        assert data["joint_names"].tolist() == list(JOINT_NAMES)


def test_joints_come_back_to_the_millimetre_on_bones_of_the_skeleton(finished: Path) -> None:
    rng = np.random.default_rng(0)
    clips = {}
    for path in finished.glob("*.json"):
        rotations = from_axis_angles(rng.normal(size=(6, 22, 3)) * 0.5)
        clips[path.stem] = forward_kinematics(rotations, REST_OFFSETS, rng.normal(size=(6, 3))).astype(np.float32)
        np.save(finished / f"{path.stem}.clip.npy", clips[path.stem])
    folder = export(finished, clips=True)
    for name, clip in clips.items():
        with np.load(folder / f"{name}.npz") as data:
            assert np.linalg.norm(kinematics_of(data) - clip, axis=-1).max() < 1e-3
            assert float(data["error"]) < 1e-3


def test_files_say_how_far_joints_are_off_on_other_bones(finished: Path) -> None:
    folder = export(finished)
    for path in folder.glob("*.npz"):
        with np.load(path) as data:
            distance = np.linalg.norm(kinematics_of(data)[0] - np.load(finished / f"{path.stem}.npy"), axis=-1)
            assert np.isclose(distance.max(), float(data["error"]), atol=1e-5)
            assert np.median(distance) < 0.02
    assert "twist" in json.loads((folder / "export.json").read_text())["facts"]
