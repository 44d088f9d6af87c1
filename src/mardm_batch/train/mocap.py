"""Read recorded motion: clips on the 22-joint skeleton, or CMU's BVH files, which are retargeted to it.

The BVH files are those of the CMU Graphics Lab Motion Capture Database (mocap.cs.cmu.edu) in Bruce Hahne's conversion.
Bones keep their recorded directions and get this skeleton's lengths. Metres, Y up, 20 frames a second, floor at y = 0.
Axes: t frames.
"""

import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from mardm_batch.errors import InputError, first_line
from mardm_batch.pose.skeleton import (
    BONE_LENGTHS,
    FRAMES_PER_SECOND,
    JOINT_INDEX,
    LOWEST_JOINT_HEIGHT,
    NUM_JOINTS,
    PARENTS,
)

Array = npt.NDArray[np.float32]

DESCRIPTION_FILE: Final = "cmu-mocap-index-text.txt"
"""Optional file beside the BVH files: in each line a clip's name and CMU's description."""

_BONES: Final = {
    "left_hip": ("Hips", "LeftUpLeg"),
    "right_hip": ("Hips", "RightUpLeg"),
    "spine1": ("LowerBack", "Spine"),
    "left_knee": ("LeftUpLeg", "LeftLeg"),
    "right_knee": ("RightUpLeg", "RightLeg"),
    "spine2": ("Spine", "Spine1"),
    "left_ankle": ("LeftLeg", "LeftFoot"),
    "right_ankle": ("RightLeg", "RightFoot"),
    "spine3": ("Spine1", "Neck"),
    "left_foot": ("LeftFoot", "LeftToeBase"),
    "right_foot": ("RightFoot", "RightToeBase"),
    "neck": ("Spine1", "Neck1"),
    "left_collar": ("Spine1", "left collar"),
    "right_collar": ("Spine1", "right collar"),
    "head": ("Neck1", "Head"),
    "left_shoulder": ("left collar", "LeftArm"),
    "right_shoulder": ("right collar", "RightArm"),
    "left_elbow": ("LeftArm", "LeftForeArm"),
    "right_elbow": ("RightArm", "RightForeArm"),
    "left_wrist": ("LeftForeArm", "LeftHand"),
    "right_wrist": ("RightForeArm", "RightHand"),
}
"""The bone that ends in each joint, as two points of the BVH skeleton; "collar" is the middle of the clavicle."""


@dataclass(frozen=True)
class Recording:
    """A recorded clip: joints (t, 22, 3) and its description, which may be empty."""

    name: str
    description: str
    joints: Array


def read_clips(path: Path) -> list[Recording]:
    """The clips of an .npz: `joints` (frames of all clips, 22, 3), `clip_lengths`, `clip_ids`, `clip_descriptions`.

    Raises InputError where the file cannot be read or lacks one of these arrays.
    """
    try:
        with np.load(path) as data:
            joints = with_bone_lengths(data["joints"].astype(np.float64))
            ends = np.cumsum(data["clip_lengths"])
            clips = np.split(joints, ends[:-1])
            return [
                Recording(str(name), str(description), clip)
                for name, description, clip in zip(data["clip_ids"], data["clip_descriptions"], clips, strict=True)
            ]
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) else "not an .npz with the arrays of recorded clips"
        raise InputError(f"data.mocap: {path} cannot be read ({reason})") from error


def read_bvh_folder(folder: Path) -> list[Recording]:
    """All .bvh files below `folder`, sorted by path. Raises InputError where there is none."""
    files = sorted(folder.rglob("*.bvh"))
    if not files:
        raise InputError(f"data.bvh: no .bvh file in {folder}; download CMU's motions in BVH and name their folder")
    descriptions = _read_descriptions(folder / DESCRIPTION_FILE)
    return [Recording(path.stem, descriptions.get(path.stem, ""), read_bvh(path)) for path in files]


def read_bvh(path: Path) -> Array:
    """A BVH file of CMU's skeleton, retargeted: (t, 22, 3). Raises InputError where it is not such a file."""
    try:
        positions, seconds = _bvh_positions(path.read_text(encoding="utf-8", errors="replace"))
        for side in ("Left", "Right"):
            clavicle = positions[f"{side}Shoulder"], positions[f"{side}Arm"]
            positions[f"{side.lower()} collar"] = (clavicle[0] + clavicle[1]) / 2
        frames = len(positions["Hips"])
        times = np.arange(0, (frames - 1) * seconds + 1e-3, 1 / FRAMES_PER_SECOND) / seconds
        sampled = {name: _interpolate(values, times) for name, values in positions.items()}
        joints = np.zeros((len(times), NUM_JOINTS, 3))
        # The files have a unit of their own; the length of the legs gives its size.
        legs = [_BONES[name] for name in ("left_knee", "left_ankle", "right_knee", "right_ankle")]
        length = sum(np.linalg.norm(sampled[end] - sampled[start], axis=-1).mean() for start, end in legs)
        target_length = sum(BONE_LENGTHS[JOINT_INDEX[name]] for name in _BONES if name.endswith(("knee", "ankle")))
        joints[:, 0] = sampled["Hips"] * (target_length / length)
        for name, (start, end) in _BONES.items():
            joint = JOINT_INDEX[name]
            joints[:, joint] = joints[:, PARENTS[joint]] + sampled[end] - sampled[start]
    except (KeyError, ValueError, IndexError) as error:
        reason = first_line(error)
        raise InputError(f"data.bvh: {path} is not a BVH file of CMU's skeleton ({reason})") from error
    joints = with_bone_lengths(joints).astype(np.float64)
    joints -= joints[0, 0] * [1.0, 0.0, 1.0]
    joints[..., 1] -= np.percentile(joints[..., 1].min(axis=1), 1)
    return np.asarray(joints, dtype=np.float32)


def with_bone_lengths(joints: npt.NDArray[np.floating]) -> Array:
    """Joints (t, 22, 3) with the same bone directions and this skeleton's bone lengths."""
    joints = np.asarray(joints, dtype=np.float64)
    result = joints.copy()
    for joint in range(1, NUM_JOINTS):
        bone = joints[:, joint] - joints[:, PARENTS[joint]]
        bone *= BONE_LENGTHS[joint] / np.maximum(np.linalg.norm(bone, axis=-1, keepdims=True), 1e-9)
        result[:, joint] = result[:, PARENTS[joint]] + bone
    return np.asarray(result, dtype=np.float32)


def move_to_floor(joints: npt.NDArray[np.floating]) -> Array:
    """A clip (t, 22, 3) moved vertically so that the lowest joint of its middle frame is at LOWEST_JOINT_HEIGHT."""
    lowest = joints[len(joints) // 2, :, 1].min()
    return np.asarray(joints - np.array([0.0, lowest - LOWEST_JOINT_HEIGHT, 0.0]), dtype=np.float32)


def _read_descriptions(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    matches = (re.match(r"\s*(\d+_\d+)\s+(.*\S)", line) for line in lines)
    return {match[1]: match[2] for match in matches if match}


def _interpolate(values: npt.NDArray[np.float64], frames: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Values (t, 3) at fractional frame numbers, linearly interpolated."""
    before = np.minimum(frames.astype(int), len(values) - 1)
    after = np.minimum(before + 1, len(values) - 1)
    share = (frames - before)[:, None]
    return np.asarray(values[before] * (1 - share) + values[after] * share)


def _bvh_positions(text: str) -> tuple[dict[str, npt.NDArray[np.float64]], float]:
    """Positions (t, 3) of each joint in the file's unit, and the seconds of a frame."""
    tokens = iter(text.split())
    offsets: dict[str, npt.NDArray[np.float64]] = {}
    channels: dict[str, list[str]] = {}
    parents: dict[str, str | None] = {}
    ancestors: list[str] = []
    for token in tokens:
        if token in ("ROOT", "JOINT", "End"):
            name = next(tokens) if token != "End" else f"end of {ancestors[-1]} {next(tokens)}"
            parents[name] = ancestors[-1] if ancestors else None
            channels[name] = []
            ancestors.append(name)
        elif token == "OFFSET":
            offsets[ancestors[-1]] = np.array([float(next(tokens)) for _ in range(3)])
        elif token == "CHANNELS":
            channels[ancestors[-1]] = [next(tokens) for _ in range(int(next(tokens)))]
        elif token == "}":
            ancestors.pop()
        elif token == "MOTION":
            break
    rest = list(tokens)  # Frames: t Frame Time: s, then the numbers
    frames, seconds = int(rest[1]), float(rest[4])
    width = sum(map(len, channels.values()))
    numbers = np.array(rest[5 : 5 + frames * width], dtype=np.float64).reshape(frames, width)
    if frames < 1 or seconds <= 0:
        raise ValueError("it has no frames")

    positions: dict[str, npt.NDArray[np.float64]] = {}
    rotations: dict[str, npt.NDArray[np.float64]] = {}
    column = 0
    for name, parent in parents.items():
        move = np.tile(offsets[name], (frames, 1))
        turn = np.tile(np.eye(3), (frames, 1, 1))
        for channel in channels[name]:
            axis = "XYZ".index(channel[0])
            if channel.endswith("position"):
                move[:, axis] += numbers[:, column]
            else:
                turn = turn @ _rotation(axis, np.deg2rad(numbers[:, column]))
            column += 1
        if parent is None:
            positions[name], rotations[name] = move, turn
        else:
            positions[name] = positions[parent] + np.einsum("tij,tj->ti", rotations[parent], move)
            rotations[name] = rotations[parent] @ turn
    return positions, seconds


def _rotation(axis: int, angle: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rotation matrices (t, 3, 3) about one axis."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.tile(np.eye(3), (len(angle), 1, 1))
    matrix[:, first, first] = matrix[:, second, second] = np.cos(angle)
    matrix[:, second, first] = np.sin(angle)
    matrix[:, first, second] = -np.sin(angle)
    return matrix
