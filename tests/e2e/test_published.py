"""The command with published checkpoints: the tiny ones of the conformance set and a small random CLIP."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.support import TINY_DDPM, TINY_SIT, copy_acmdm, copy_published, run_in_process, tiny_acmdm

SETTINGS = [
    "cpu_threads=1",
    "tracking.mode=disabled",
    "render.enabled=false",
    "paths.prompts=captions.txt",
    "model.checkpoints=checkpoints",
    "model.stats=datasets",
    "model.text_encoder=clip",
    "sampling.precision=float32",
]


@pytest.fixture
def folder(tmp_path: Path, clip: Path) -> Path:
    """A folder as a user has it: the published layout, CLIP and captions."""
    copy_published(tmp_path)
    shutil.copytree(clip, tmp_path / "clip")
    (tmp_path / "captions.txt").write_text("A person waving\nA person sitting down\nA person\n")
    return tmp_path


@pytest.mark.parametrize(
    "model", [TINY_SIT, [*TINY_SIT, "model.solver=dopri5"], TINY_DDPM], ids=["sit", "dopri5", "ddpm"]
)
def test_published_checkpoints_make_poses_whatever_the_batch(folder: Path, model: list[str]) -> None:
    for batch_size in ("auto", "2"):
        run = ["+preset=fast", f"paths.output={batch_size}", f"sampling.batch_size={batch_size}"]
        result = run_in_process(*SETTINGS, *model, *run, cwd=folder)
        assert result.returncode == 0, result.stderr
    names = {path.stem for path in (folder / "auto").glob("*.npy")}
    assert names == {"waving", "sitting_down", "A_person"}
    document = json.loads((folder / "auto" / "waving.json").read_text())
    assert document["model"].startswith("MARDM_")
    assert len(document["weights_sha256"]) == 64
    assert document["sampling"]["cfg"] == 4.5
    assert document["precision"] == "float32"
    assert not (folder / "SinglePose_temp").exists()
    if "dopri5" not in model[-1]:  # whose step size is that of the whole batch
        for name in names:
            difference = np.load(folder / "auto" / f"{name}.npy") - np.load(folder / "2" / f"{name}.npy")
            assert np.abs(difference).max() < 1e-4


@pytest.mark.parametrize(("kind", "words", "frame"), [("Flow", [], 20), ("Raw", ["sampling.frame_index=39"], 39)])
def test_acmdm_makes_poses_of_its_own_length(folder: Path, kind: str, words: list[str], frame: int) -> None:
    copy_acmdm(folder)
    result = run_in_process(*SETTINGS, *tiny_acmdm(kind), "model.fit_bones=true", *words, cwd=folder)
    assert result.returncode == 0, result.stderr
    document = json.loads((folder / "SinglePose" / "waving.json").read_text())
    assert document["frame_index"] == frame
    joints = np.array(document["joints"])
    axis = joints[1] - joints[2] + joints[16] - joints[17]  # hips and shoulders, from right to left
    assert abs(axis[2]) < 1e-4 * abs(axis[0]) or abs(axis[1]) > 0.9 * np.linalg.norm(axis)
    assert document["sampling"] == {
        "sequence_length": 40,
        "cfg": 3.0,
        "solver": "adams",
        "solver_steps": 10,
        "fit_bones": True,
    }
    summary = json.loads(next(folder.glob("outputs/*/*/summary.json")).read_text())
    assert summary["metrics"]["bone_length_error_cm"] < 0.01
    assert len(list((folder / "SinglePose").glob("*.npy"))) == 3


def test_a_slim_copy_is_kept_and_is_enough(folder: Path) -> None:
    assert run_in_process(*SETTINGS, *TINY_SIT, cwd=folder).returncode == 0
    for part in ("AE", "MARDM_SiT_tiny"):
        archive = folder / "checkpoints" / "t2m" / part / "model" / "latest.tar"
        assert archive.with_suffix(".slim.safetensors").exists()
        archive.unlink()
    result = run_in_process(*SETTINGS, *TINY_SIT, "paths.output=again", cwd=folder)
    assert result.returncode == 0, result.stderr
    for path in (folder / "SinglePose").glob("*.npy"):
        # the same weights lie elsewhere in memory, which changes how matrix products round
        assert np.abs(np.load(path) - np.load(folder / "again" / path.name)).max() < 1e-5


def refused(folder: Path, *arguments: str) -> str:
    result = run_in_process(*SETTINGS, *arguments, cwd=folder)
    assert result.returncode == 2, result.stderr
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert not list((folder / "SinglePose").glob("*.json"))
    return line


def test_every_missing_file_is_named_with_the_way_to_get_it(folder: Path) -> None:
    line = refused(folder, "model=mardm_sit_xl", "model.checkpoints=null", "model.stats=null")
    for words in ("AE/model/latest.tar", "MARDM_SiT_XL/model/latest.tar", "Mean.npy", "Std.npy"):
        assert words in line
    assert "cr8br0ze/MARDM_SiT_XL" in line
    assert "model.download=true" in line


def test_a_truncated_checkpoint_is_refused(folder: Path) -> None:
    archive = folder / "checkpoints" / "t2m" / "MARDM_SiT_tiny" / "model" / "latest.tar"
    archive.write_bytes(archive.read_bytes()[:100_000])
    line = refused(folder, *TINY_SIT)
    assert "MARDM_SiT_tiny/model/latest.tar" in line
    assert "truncated" in line


def test_a_checkpoint_of_another_size_is_refused(folder: Path) -> None:
    line = refused(folder, *TINY_SIT, "model.network.head_width=64")
    assert "MARDM_SiT_tiny/model/latest.tar" in line
    assert "shape" in line
    assert "model.network" in line


def test_a_missing_text_encoder_is_refused_without_a_download(folder: Path) -> None:
    line = refused(folder, *TINY_SIT, "model.text_encoder=nobody/no-such-clip")
    assert "model.text_encoder=nobody/no-such-clip" in line
    assert "model.download=true" in line
