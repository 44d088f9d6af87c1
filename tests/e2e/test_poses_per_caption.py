"""Several poses a caption: the first is what it would be alone, and everything that counts poses agrees."""

import json
from pathlib import Path

import numpy as np
from tests.support import Run, write_captions

from mardm_batch.verify.__main__ import main as verify

CAPTIONS = [f"a person arms raised sitting {number}" for number in range(25)]


def joints_by_name(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: np.load(path) for path in folder.glob("*.npy")}


def test_every_caption_has_its_poses_whatever_the_run_was_interrupted_by(run: Run, tmp_path: Path, capsys) -> None:
    settings = (write_captions(tmp_path, CAPTIONS), "render.enabled=false", "+preset=fast")
    assert run(*settings, "paths.output=one").returncode == 0
    assert run(*settings, "paths.output=four", "poses_per_caption=4", "limit=20").returncode == 0
    four = tmp_path / "four"
    assert len(joints_by_name(four)) == 80
    for path in sorted(four.glob("*__3.json"))[:7]:  # as if the run had been killed
        path.unlink()
    again = run(*settings, "paths.output=four", "poses_per_caption=4")
    assert again.returncode == 0, again.stderr
    assert "73 of 100 poses are finished already" in again.stderr
    one, all_poses = joints_by_name(tmp_path / "one"), joints_by_name(four)
    assert sorted(all_poses) == sorted(name + end for name in one for end in ("", "__2", "__3", "__4"))
    for name, joints in one.items():
        assert (four / f"{name}.json").read_bytes() == (tmp_path / "one" / f"{name}.json").read_bytes()
        assert np.array_equal(all_poses[name], joints)
        further = np.stack([all_poses[name + end] for end in ("", "__2", "__3", "__4")])
        assert len(np.unique(further.reshape(4, -1), axis=0)) == 4
    document = json.loads((four / f"{next(iter(one))}__3.json").read_text())
    assert document["pose_number"] == 3
    rows = [json.loads(line) for line in (four / "metadata.jsonl").read_text().splitlines()]
    assert sorted(row["caption"] for row in rows) == sorted(CAPTIONS * 4)
    assert verify([str(four)]) == 0
    assert "100 requested" in capsys.readouterr().out
