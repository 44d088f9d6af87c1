"""BVH: the joints come back by forward kinematics of the file as it is written."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from mardm_batch.export.exporting import export_poses
from mardm_batch.export.formats.bvh import Bvh
from mardm_batch.export.formats.format import ExportOptions
from mardm_batch.pose.skeleton import JOINT_NAMES, PARENTS

AXES = {"X": 0, "Y": 1, "Z": 2}


def read_bvh(text: str) -> tuple[list[str], list[int], np.ndarray]:
    """Names and parents of the joints of a file, and where (frames, joints, 3) they are: a reader of its own."""
    words = iter(text.split())
    names, parents, offsets, channels, stack = [], [], [], [], []
    for word in words:
        if word in ("ROOT", "JOINT", "End"):
            names.append(next(words))
            parents.append(stack[-1] if stack else -1)
            channels.append([])
        elif word == "{":
            stack.append(len(names) - 1)
        elif word == "}":
            stack.pop()
        elif word == "OFFSET":
            offsets.append([float(next(words)) for _ in range(3)])
        elif word == "CHANNELS":
            channels[-1] = [next(words) for _ in range(int(next(words)))]
        elif word == "MOTION":
            break
    numbers = re.search(r"Frames:\s*(\d+)\s*Frame Time:\s*([\d.]+)\s*(.*)", text, re.DOTALL)
    assert numbers is not None
    frames = np.array(numbers[3].split(), float).reshape(int(numbers[1]), -1)
    assert float(numbers[2]) == 0.05
    positions = np.zeros((len(frames), len(names), 3))
    for frame, values in enumerate(frames):
        row, world = iter(values), []
        for joint, parent in enumerate(parents):
            offset, turn = np.array(offsets[joint]), np.eye(3)
            for channel in channels[joint]:
                value, axis = next(row), AXES[channel[0]]
                if channel.endswith("position"):
                    offset[axis] += value
                else:
                    one, other = (axis + 1) % 3, (axis + 2) % 3
                    matrix = np.eye(3)
                    matrix[[one, other], [one, other]] = np.cos(np.radians(value))
                    matrix[other, one] = np.sin(np.radians(value))
                    matrix[one, other] = -matrix[other, one]
                    turn = turn @ matrix
            world.append(turn if parent < 0 else world[parent] @ turn)
            positions[frame, joint] = offset + (0 if parent < 0 else positions[frame, parent])
            if parent >= 0:
                positions[frame, joint] = positions[frame, parent] + world[parent] @ offset
    return names, parents, positions


def joints_of(path: Path) -> np.ndarray:
    names, parents, positions = read_bvh(path.read_text())
    assert sorted(set(names) - {"Site"}) == sorted(JOINT_NAMES)
    assert names.count("Site") == 5
    for name, parent in zip(names, parents, strict=True):
        if name not in ("Site", "pelvis"):
            assert names[parent] == JOINT_NAMES[PARENTS[JOINT_NAMES.index(name)]]
    return positions[:, [names.index(name) for name in JOINT_NAMES]]


def test_the_joints_of_every_pose_come_back(finished: Path) -> None:
    export_poses(finished, Bvh(ExportOptions()), finished.parent / "out")
    files = list((finished.parent / "out").glob("*.bvh"))
    assert len(files) == 20
    for path in files:
        joints = np.load(finished / f"{path.stem}.npy")
        assert np.abs(joints_of(path)[0] - joints).max() < 1e-5


def test_the_frames_of_a_clip_come_back(finished: Path) -> None:
    for path in finished.glob("*.json"):
        joints = np.load(path.with_suffix(".npy"))
        np.save(finished / f"{path.stem}.clip.npy", joints + np.linspace(0, 1, 8)[:, None, None].astype(np.float32))
    export_poses(finished, Bvh(ExportOptions(clips=True)), finished.parent / "out")
    for path in (finished.parent / "out").glob("*.bvh"):
        clip = np.load(finished / f"{path.stem}.clip.npy")
        assert np.abs(joints_of(path) - clip).max() < 1e-5


def test_how_far_the_joints_of_clips_are_off_is_recorded(finished: Path) -> None:
    for path in finished.glob("*.json"):
        joints, size = np.load(path.with_suffix(".npy")), np.linspace(0.9, 1.1, 8)[:, None, None]
        np.save(finished / f"{path.stem}.clip.npy", (joints * size).astype(np.float32))
    out = finished.parent / "out"
    export_poses(finished, Bvh(ExportOptions(clips=True)), out)
    means, largest = [], []
    for path in out.glob("*.bvh"):
        clip = np.load(finished / f"{path.stem}.clip.npy")
        distances = 1000 * np.linalg.norm(joints_of(path) - clip, axis=-1)
        means.append(distances.mean())
        largest.append(distances.max())
    recorded = json.loads((out / "export.json").read_text())["joint_error_mm"]
    assert 10 < recorded["mean"] < recorded["p95"] <= recorded["max"]
    expected = {"mean": np.mean(means), "p95": np.percentile(largest, 95), "max": max(largest)}
    assert recorded == pytest.approx(expected, abs=0.01)
    export_poses(finished, Bvh(ExportOptions(clips=True)), out)  # nothing is encoded, and the same is said
    assert json.loads((out / "export.json").read_text())["joint_error_mm"] == recorded
    poses = finished.parent / "poses_bvh"
    export_poses(finished, Bvh(ExportOptions()), poses)
    assert "joint_error_mm" not in json.loads((poses / "export.json").read_text())
