"""GLB: a skeleton whose nodes are where our joints are, and the mannequin of the pictures around it."""

import json
import struct
from pathlib import Path

import numpy as np

from mardm_batch.export.exporting import export_poses
from mardm_batch.export.formats.format import ExportOptions
from mardm_batch.export.formats.glb import Glb
from mardm_batch.export.mannequin import PARTS, mannequin
from mardm_batch.pose.skeleton import JOINT_INDEX, JOINT_NAMES
from mardm_batch.render.figure import CAPSULE_RADII, SOLID_COUNT, capsule_ends

TYPES = {5121: np.uint8, 5123: np.uint16, 5126: np.float32}
SIZES = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Model:
    """A reader of GLB files of its own: nodes, skins, meshes, animations."""

    def __init__(self, content: bytes) -> None:
        magic, version, length = struct.unpack_from("<4sII", content)
        assert (magic, version, length) == (b"glTF", 2, len(content))
        size, kind = struct.unpack_from("<I4s", content, 12)
        assert kind == b"JSON"
        self.document = json.loads(content[20 : 20 + size])
        binary, kind = struct.unpack_from("<I4s", content, 20 + size)
        assert kind == b"BIN\0"
        self.binary = content[28 + size :]
        assert len(self.binary) == binary == self.document["buffers"][0]["byteLength"]
        self.nodes = self.document["nodes"]

    def array(self, number: int) -> np.ndarray:
        accessor = self.document["accessors"][number]
        view = self.document["bufferViews"][accessor["bufferView"]]
        assert view["byteOffset"] % 4 == 0
        kind = np.dtype(TYPES[accessor["componentType"]])
        count = accessor["count"] * SIZES[accessor["type"]]
        assert view["byteLength"] == count * kind.itemsize
        return np.frombuffer(self.binary, kind, count, view["byteOffset"]).reshape(accessor["count"], -1)

    def world(self, frame: int = 0) -> np.ndarray:
        """Matrices (22, 4, 4) of the joints in a frame."""
        placed = {node: [entry["translation"], entry["rotation"]] for node, entry in enumerate(self.nodes[:22])}
        for animation in self.document.get("animations", ()):
            for channel in animation["channels"]:
                values = self.array(animation["samplers"][channel["sampler"]]["output"])
                placed[channel["target"]["node"]][channel["target"]["path"] == "rotation"] = values[frame]
        world = np.zeros((22, 4, 4))
        parents = {child: node for node, entry in enumerate(self.nodes) for child in entry.get("children", ())}
        for node, (translation, (x, y, z, w)) in placed.items():
            local = np.eye(4)
            local[:3, 3] = translation
            axis = np.array((x, y, z))
            cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
            local[:3, :3] = np.eye(3) * (w * w - axis @ axis) + 2 * np.outer(axis, axis) + 2 * w * cross
            world[node] = world[parents[node]] @ local if node in parents else local
        return world

    def skinned(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """By material the vertices (v, 3) of the first frame, and the triangles (f, 3)."""
        skin = self.document["skins"][0]
        bind = self.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).swapaxes(1, 2)
        matrices = self.world()[skin["joints"]] @ bind
        parts = {}
        for each in self.document["meshes"][0]["primitives"]:
            position, joints, weights = (
                self.array(each["attributes"][name]) for name in ("POSITION", "JOINTS_0", "WEIGHTS_0")
            )
            accessor = self.document["accessors"][each["attributes"]["POSITION"]]
            assert np.allclose(accessor["min"], position.min(axis=0))
            assert np.allclose(accessor["max"], position.max(axis=0))
            points = np.column_stack((position, np.ones(len(position))))
            shares = weights / 255
            assert np.allclose(shares.sum(axis=1), 1)
            moved = np.einsum("vk,vkij,vj->vi", shares, matrices[joints], points)[:, :3]
            indices = self.array(each["indices"]).reshape(-1, 3)
            assert indices.max() < len(position)
            parts[self.document["materials"][each["material"]]["name"]] = (moved, indices)
        return parts


def export(finished: Path, clips: bool = False) -> dict[str, Model]:
    export_poses(finished, Glb(ExportOptions(clips)), finished.parent / "out")
    return {path.stem: Model(path.read_bytes()) for path in (finished.parent / "out").glob("*.glb")}


def test_nodes_are_where_the_joints_are(finished: Path) -> None:
    models = export(finished)
    assert len(models) == 20
    for name, model in models.items():
        assert [node["name"] for node in model.nodes[:22]] == list(JOINT_NAMES)
        joints = np.load(finished / f"{name}.npy")
        assert np.abs(model.world()[:, :3, 3] - joints).max() < 1e-5


def test_the_mesh_is_the_figure_of_the_pictures(finished: Path) -> None:
    for name, model in export(finished).items():
        parts = model.skinned()
        assert set(parts) == set(PARTS)
        joints = np.load(finished / f"{name}.npy").astype(float)
        ends, radii = capsule_ends(joints)[: SOLID_COUNT + 2], CAPSULE_RADII[: SOLID_COUNT + 2]
        limbs = np.concatenate([parts[part][0] for part in ("left", "right", "spine", "face")])
        to_ends = np.linalg.norm(limbs[:, None, None] - ends, axis=-1) - radii
        assert np.abs(to_ends).min(axis=(1, 2)).max() < 1e-4  # every vertex is on a sphere of the figure
        for side, sign in (("left", 1), ("right", -1)):
            across = joints[JOINT_INDEX["left_hip"]] - joints[JOINT_INDEX["right_hip"]]
            hip = joints[JOINT_INDEX[f"{side}_hip"]]
            assert np.linalg.norm(parts[side][0] - hip, axis=1).min() < 0.08
            assert sign * (hip - joints[0]) @ across > 0


def test_surfaces_are_closed_and_face_outwards() -> None:
    for part in mannequin().values():
        corners = (part.offsets + np.eye(22)[part.centres, :3] * 0)[part.triangles]
        edges = np.concatenate([part.triangles[:, [0, 1]], part.triangles[:, [1, 2]], part.triangles[:, [2, 0]]])
        assert len(np.unique(edges, axis=0)) == len(edges)
        assert {tuple(edge) for edge in edges.tolist()} == {tuple(edge[::-1]) for edge in edges.tolist()}
        normals = part.normals[part.triangles].mean(axis=1)
        same_sphere = (part.centres[part.triangles] == part.centres[part.triangles][:, :1]).all(axis=1)
        faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert ((faces * normals).sum(axis=1)[same_sphere] >= -1e-12).all()


def test_a_clip_is_an_animation(finished: Path) -> None:
    for path in finished.glob("*.json"):
        joints = np.load(path.with_suffix(".npy"))
        np.save(finished / f"{path.stem}.clip.npy", joints + np.linspace(0, 1, 5)[:, None, None].astype(np.float32))
    for name, model in export(finished, clips=True).items():
        clip = np.load(finished / f"{name}.clip.npy")
        times = model.array(model.document["animations"][0]["samplers"][0]["input"])
        assert np.allclose(times[:, 0], np.arange(5) / 20)
        for frame in range(5):
            assert np.abs(model.world(frame)[:, :3, 3] - clip[frame]).max() < 1e-5


def test_the_caption_is_in_the_scene(finished: Path) -> None:
    assert export(finished)["on_a_train"].document["scenes"][0]["extras"]["caption"] == "A person on a train"
