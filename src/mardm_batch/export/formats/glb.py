"""GLB (glTF 2.0, binary): the mannequin of the pictures on a skeleton, in one file that every 3D viewer shows.

The nodes of the skeleton are our 22 joints under their own names; a mesh in the colours of the pictures is skinned to
them. A clip is an animation. Metres, Y up, facing +Z, as glTF has it.
"""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch import __version__
from mardm_batch.export.colours import Colour, part_colours
from mardm_batch.export.formats.bvh import bone_facts, clip_error, skeletons
from mardm_batch.export.formats.format import Encoded, ExportOptions, FilesPerPose
from mardm_batch.export.mannequin import Part, mannequin, rest_positions
from mardm_batch.export.poses import ExportPose
from mardm_batch.pose.inverse_kinematics import Skeleton
from mardm_batch.pose.rest_pose import CHILDREN
from mardm_batch.pose.rotations import to_quaternions
from mardm_batch.pose.skeleton import FRAMES_PER_SECOND, JOINT_NAMES, LOWEST_JOINT_HEIGHT, NUM_JOINTS

UNSIGNED_BYTE, UNSIGNED_SHORT, FLOAT = 5121, 5123, 5126
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
"""Numbers of the glTF specification."""
ROUGHNESS: Final = 0.85
MESH_NODE: Final = NUM_JOINTS
"""The nodes are the joints, in their order, and the mesh."""


class Glb(FilesPerPose):
    """One file a pose."""

    NAME = "glb"
    SUMMARY = "the mannequin in 3D on a skeleton (NAME.glb), for any viewer, Blender, Unity, Unreal, three.js"
    TAKES_CLIPS = True

    def __init__(self, options: ExportOptions) -> None:
        super().__init__(options)
        self.colours = part_colours()

    def facts(self) -> Mapping[str, Any]:
        """See `ExportFormat.facts`."""
        return {
            "units": "metres",
            "axes": {"up": "+Y", "facing": "+Z", "left": "+X"},
            "rest_pose": "T-pose, arms out (the bind pose of the skin)",
            **bone_facts(self.options.clips),
        }

    def file_names(self, name: str) -> Sequence[str]:
        """See `FilesPerPose.file_names`."""
        return (f"{name}.glb",)

    def encode(self, poses: Sequence[ExportPose]) -> Iterator[Encoded]:
        """See `FilesPerPose.encode`."""
        for pose, skeleton in zip(poses, skeletons(poses), strict=True):
            yield Encoded((glb_file(pose, skeleton, self.colours),), clip_error(pose, skeleton))


class Buffer:
    """The binary chunk, and the descriptions of what lies in it."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, array: NDArray[Any], kind: str, target: int | None = None, bounds: bool = False) -> int:
        """Add an array (n, …); returns the number of its accessor. `bounds`: with its least and greatest values."""
        types = {np.dtype(np.uint8): UNSIGNED_BYTE, np.dtype(np.uint16): UNSIGNED_SHORT, np.dtype(np.float32): FLOAT}
        view = {"buffer": 0, "byteOffset": len(self.content), "byteLength": array.nbytes}
        accessor = {
            "bufferView": len(self.views),
            "componentType": types[array.dtype],
            "count": len(array),
            "type": kind,
        }
        if target is not None:
            view["target"] = target
        if bounds:
            rows = array.reshape(len(array), -1)
            accessor |= {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
        self.content += array.tobytes()
        self.content += b"\0" * (-len(self.content) % 4)
        self.views.append(view)
        self.accessors.append(accessor)
        return len(self.accessors) - 1


def glb_file(pose: ExportPose, skeleton: Skeleton, colours: Mapping[str, Colour]) -> bytes:
    """The file of a pose or clip."""
    buffer = Buffer()
    rest = rest_positions(skeleton.offsets[:1])
    rest[..., 1] += LOWEST_JOINT_HEIGHT - rest[..., 1].min()
    quaternions = to_quaternions(skeleton.rotations)
    primitives = [primitive(part, rest, place, buffer) for place, part in enumerate(mannequin().values())]
    matrices = np.tile(np.eye(4, dtype=np.float32), (NUM_JOINTS, 1, 1))
    matrices[:, 3, :3] = -rest[0]  # column-major
    skin = {"joints": list(range(NUM_JOINTS)), "skeleton": 0, "inverseBindMatrices": buffer.add(matrices, "MAT4")}
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": f"mardm-batch {__version__}"},
        "scene": 0,
        "scenes": [{"nodes": [0, MESH_NODE], "extras": {"caption": pose.caption}}],
        "nodes": nodes(skeleton, quaternions[0]),
        "meshes": [{"name": "mannequin", "primitives": primitives}],
        "skins": [skin],
        "materials": [material(name, colours[name]) for name in mannequin()],
    }
    if len(skeleton.root) > 1:
        document["animations"] = [animation(skeleton, quaternions, buffer)]
    document |= {
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": len(buffer.content)}],
    }
    return pack(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(), bytes(buffer.content))


def nodes(skeleton: Skeleton, quaternions: NDArray[np.float64]) -> list[dict[str, Any]]:
    """The joints in the first frame, and the mesh."""
    translations = np.concatenate((skeleton.root[:1], skeleton.offsets[0, 1:])).tolist()
    joints: list[dict[str, Any]] = []
    for name, translation, rotation, children in zip(
        JOINT_NAMES, translations, quaternions.tolist(), CHILDREN, strict=True
    ):
        joint = {"name": name, "translation": translation, "rotation": rotation}
        joints.append({**joint, "children": list(children)} if children else joint)
    return [*joints, {"name": "mannequin", "mesh": 0, "skin": 0}]


def primitive(part: Part, rest: NDArray[np.float64], material: int, buffer: Buffer) -> dict[str, Any]:
    """The triangles of a part; every vertex follows one joint."""
    count = len(part.centres)
    joints, weights = np.zeros((2, count, 4), np.uint8)
    joints[:, 0], weights[:, 0] = part.owners, 255
    attributes = {
        "POSITION": buffer.add(part.vertices(rest)[0].astype(np.float32), "VEC3", ARRAY_BUFFER, bounds=True),
        "NORMAL": buffer.add(part.normals.astype(np.float32), "VEC3", ARRAY_BUFFER),
        "JOINTS_0": buffer.add(joints, "VEC4", ARRAY_BUFFER),
        "WEIGHTS_0": buffer.add(weights, "VEC4", ARRAY_BUFFER),
    }
    buffer.accessors[attributes["WEIGHTS_0"]]["normalized"] = True
    indices = buffer.add(part.triangles.astype(np.uint16).ravel(), "SCALAR", ELEMENT_ARRAY_BUFFER)
    return {"attributes": attributes, "indices": indices, "material": material}


def material(name: str, colour: Colour) -> dict[str, Any]:
    """A matt material; glTF has linear colours."""
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in colour]
    surface = {"baseColorFactor": [*linear, 1.0], "metallicFactor": 0.0, "roughnessFactor": ROUGHNESS}
    return {"name": name, "pbrMetallicRoughness": surface}


def animation(skeleton: Skeleton, quaternions: NDArray[np.float64], buffer: Buffer) -> dict[str, Any]:
    """The frames of a clip: where the pelvis is, and the rotation of every joint."""
    frames = len(skeleton.root)
    times = buffer.add((np.arange(frames) / FRAMES_PER_SECOND).astype(np.float32), "SCALAR", bounds=True)
    outputs = [("translation", 0, buffer.add(skeleton.root.astype(np.float32), "VEC3"))]
    turned = (quaternions[1:] * quaternions[:-1]).sum(-1) < 0.0
    signs = np.where(np.cumsum(turned, axis=0) % 2, -1.0, 1.0)[..., None]  # the shorter way from frame to frame
    continuous = np.concatenate((quaternions[:1], quaternions[1:] * signs)).astype(np.float32)
    for joint in range(NUM_JOINTS):
        outputs.append(("rotation", joint, buffer.add(np.ascontiguousarray(continuous[:, joint]), "VEC4")))
    return {
        "samplers": [{"input": times, "output": output, "interpolation": "LINEAR"} for _, _, output in outputs],
        "channels": [
            {"sampler": place, "target": {"node": joint, "path": path}}
            for place, (path, joint, _) in enumerate(outputs)
        ],
    }


def pack(document: bytes, binary: bytes) -> bytes:
    """The container: a header, a chunk of JSON, a chunk of binary data."""
    document += b" " * (-len(document) % 4)
    chunks = struct.pack("<II", len(document), 0x4E4F534A) + document
    chunks += struct.pack("<II", len(binary), 0x004E4942) + binary
    return struct.pack("<III", 0x46546C67, 2, 12 + len(chunks)) + chunks
