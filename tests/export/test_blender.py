"""BVH and GLB in a real Blender: joints are where ours are, left is left, upright is upright. Slow: it starts Blender.

A program `blender`, or a Python that has `bpy` and is named by BLENDER_PYTHON, runs the imports.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mardm_batch.export.__main__ import main
from mardm_batch.pose.skeleton import JOINT_INDEX, JOINT_NAMES

SCRIPT = """
import json, sys, bpy
names, folder, suffix, target = sys.argv[sys.argv.index("--") + 1:]
heads = {}
for name in names.split(","):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    path = f"{folder}/{name}.{suffix}"
    if suffix == "bvh":
        bpy.ops.preferences.addon_enable(module="io_anim_bvh")
        bpy.ops.import_anim.bvh(filepath=path)
    else:
        bpy.ops.preferences.addon_enable(module="io_scene_gltf2")
        bpy.ops.import_scene.gltf(filepath=path)
    bpy.context.scene.frame_set(1 if suffix == "bvh" else 0)
    armature = next(each for each in bpy.data.objects if each.type == "ARMATURE")
    posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    heads[name] = {bone.name: list(posed.matrix_world @ bone.head) for bone in posed.pose.bones}
with open(target, "w") as file:
    json.dump(heads, file)
"""


def blender(script: Path) -> list[str]:
    """The command that runs a script in Blender."""
    if python := os.environ.get("BLENDER_PYTHON"):
        return [python, str(script), "--"]
    if program := shutil.which("blender"):
        return [program, "--background", "--factory-startup", "--python", str(script), "--"]
    pytest.skip("there is no program blender; install it, or name a Python that has bpy by BLENDER_PYTHON")


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["bvh", "glb"])
def test_joints_are_where_ours_are(finished: Path, tmp_path: Path, suffix: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    assert main([str(finished), "--to", suffix, "--output", str(tmp_path / "out")]) == 0
    names = [path.stem for path in finished.glob("*.json")]
    words = [*blender(script), ",".join(names), str(tmp_path / "out"), suffix, str(tmp_path / "heads.json")]
    result = subprocess.run(words, capture_output=True, text=True, timeout=900)
    assert result.returncode == 0, result.stdout + result.stderr
    heads = json.loads((tmp_path / "heads.json").read_text())
    assert len(heads) == 20
    for name, found in heads.items():
        x, y, z = np.array([found[joint] for joint in JOINT_NAMES]).T  # Blender has Z up and -Y in front
        joints = np.load(finished / f"{name}.npy")
        assert np.abs(np.stack((x, z, -y), axis=1) - joints).max() < 1e-3
        across = x[JOINT_INDEX["left_hip"]] - x[JOINT_INDEX["right_hip"]]
        assert np.sign(across) == np.sign(joints[JOINT_INDEX["left_hip"], 0] - joints[JOINT_INDEX["right_hip"], 0])
