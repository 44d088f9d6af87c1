"""`python -m mardm_batch.export`: what is selected is written whole, once, with a record; mistakes are one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mardm_batch.errors import InputError
from mardm_batch.export import exporting, workers
from mardm_batch.export.__main__ import main
from mardm_batch.export.exporting import export_poses
from mardm_batch.export.formats.bvh import Bvh
from mardm_batch.export.formats.format import ExportOptions
from mardm_batch.export.selection import parse_condition

BVH = Bvh(ExportOptions())


def exported(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix == ".bvh")


def test_every_finished_pose_is_exported_beside_the_folder(finished: Path, capsys) -> None:
    (finished / "in_pose_3.npy").unlink()
    assert main([str(finished), "--to", "bvh"]) == 0
    folder = finished.with_name("poses_bvh")
    names = sorted(path.stem for path in finished.glob("*.json") if path.stem != "in_pose_3")
    assert exported(folder) == [f"{name}.bvh" for name in names]
    assert "19 poses in 19 files" in capsys.readouterr().out
    summary = json.loads((folder / "export.json").read_text())
    assert (summary["format"], summary["poses"], summary["files"]) == ("bvh", 19, 19)
    assert list(summary["models"].values()) == [19]
    lines = [json.loads(line) for line in (folder / "export.jsonl").read_text().splitlines()]
    captions = {path.stem: json.loads(path.read_text())["caption"] for path in finished.glob("*.json")}
    assert all(line["caption"] == captions[line["name"]] and line["files"] == [f"{line['name']}.bvh"] for line in lines)


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        (["caption~TRAIN"], ["on_a_train"]),
        (["name=in_pose_1?"], [f"in_pose_1{digit}" for digit in range(5)]),
        (["name=in_pose_1*", "review=accept"], ["in_pose_1"]),
        (["review=reject"], ["on_a_train"]),
        (["id>=3", "id<5"], ["taking_the_validation_test", "w_" * 100]),
        (["id=2", "label=+1"], ["站着_é"]),
        (["review=none", "id<2", "model=embedded", "seed=3407"], ["SUMA1"]),
    ],
)
def test_conditions_select(finished: Path, conditions: list[str], names: list[str]) -> None:
    words = [word for condition in conditions for word in ("--select", condition)]
    assert main([str(finished), "--to", "bvh", "--output", str(finished.parent / "out"), *words]) == 0
    assert exported(finished.parent / "out") == sorted(f"{name}.bvh" for name in names)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("agreement>=0.8", True),
        ("agreement < 0.8", False),
        ("agreement=0.80", True),
        ("agreement!=0.8", False),
        ("label=A*", True),
        ("label~b C", True),
        ("flag=true", True),
        ("missing=*", False),
        ("missing!=1", True),
        ("missing>0", False),
        ("a column=x = y", True),
    ],
)
def test_conditions_compare_numbers_and_text(condition: str, holds: bool) -> None:
    values = {"agreement": 0.8, "label": "a b c", "flag": True, "a column": "x = y"}
    assert parse_condition(condition).holds(values) == holds


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--select", "colour=red"], "no pose has colour; use caption, id, label"),
        (["--select", "colour!=red"], "no pose has colour; use caption, id, label"),
        (["--select", "caption"], "review, model, seed or a column"),
        (["--select", "id>=many"], "is not a number"),
        (["--select", "caption~nothing such"], "none of 20 poses"),
        (["--views", "0", "90"], "has no cameras"),
        (["--clips"], "output.clip=true"),
        (["--output", "."], "holds files that are of no export"),
        (["--output", "poses"], "is inside the folder of the poses"),
        (["--output", "poses/bvh"], "is inside the folder of the poses"),
    ],
)
def test_mistakes_are_one_line(finished: Path, monkeypatch, capsys, arguments: list[str], words: str) -> None:
    monkeypatch.chdir(finished.parent)
    before = sorted(finished.parent.rglob("*"))
    with pytest.raises(SystemExit, match="2"):
        main(["poses", "--to", "bvh", *arguments])
    assert sorted(finished.parent.rglob("*")) == before
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1


@pytest.mark.parametrize("make", [lambda folder: None, lambda folder: folder.mkdir()])
def test_a_folder_without_poses_is_one_line(tmp_path: Path, capsys, make) -> None:
    make(tmp_path / "none")
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "none"), "--to", "bvh"])
    assert capsys.readouterr().err.count("\n") == 1


def test_a_file_is_no_folder_of_an_export(finished: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "file").write_bytes(b"theirs")
    with pytest.raises(SystemExit, match="2"):
        main([str(finished), "--to", "bvh", "--output", f"{tmp_path}/file"])
    assert capsys.readouterr().err == f"error: --output {tmp_path}/file: is not a folder; name another folder\n"


def test_another_format_does_not_go_into_the_folder_of_one(finished: Path, capsys) -> None:
    out = str(finished.parent / "out")
    main([str(finished), "--to", "bvh", "--output", out])
    with pytest.raises(SystemExit, match="2"):
        main([str(finished), "--to", "npz", "--output", out])
    assert "holds an export in the format bvh" in capsys.readouterr().err


def test_an_export_goes_on_where_it_was_interrupted(finished: Path, monkeypatch) -> None:
    folder = finished.parent / "out"
    monkeypatch.setattr(exporting, "BATCH", 4)
    write_batch, batches = workers.write_batch, []

    def interrupted(*arguments: object) -> object:
        if len(batches) == 2:
            raise KeyboardInterrupt
        batches.append(arguments)
        return write_batch(*arguments)

    monkeypatch.setattr(workers, "write_batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export_poses(finished, BVH, folder)
    assert len(exported(folder)) == 8
    assert not (folder / "export.json").exists()
    with (folder / "export.jsonl").open("a") as file:
        file.write('{"files": ["half')
    monkeypatch.setattr(workers, "write_batch", write_batch)
    assert export_poses(finished, BVH, folder).written == 12
    interrupted_once = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert export_poses(finished, BVH, folder).written == 0
    export_poses(finished, BVH, finished.parent / "whole")
    assert interrupted_once == {path.name: path.read_bytes() for path in (finished.parent / "whole").iterdir()}


def test_what_changed_is_written_again_and_what_is_not_selected_any_more_goes(finished: Path) -> None:
    folder = finished.parent / "out"
    export_poses(finished, BVH, folder)
    (folder / "notes.txt").write_text("the user's")
    path = finished / "in_pose_3.json"
    path.write_text(path.read_text().replace("in pose 3", "in Pose 3"))
    (folder / "in_pose_4.bvh").unlink()
    assert export_poses(finished, BVH, folder).written == 2
    (finished / "in_pose_5.json").unlink()
    assert export_poses(finished, BVH, folder, [parse_condition("name=in_pose_*")]).poses == 14
    assert exported(folder) == sorted(f"in_pose_{number}.bvh" for number in range(15) if number != 5)
    assert (folder / "notes.txt").exists()


def test_processes_write_the_same_as_one(finished: Path, monkeypatch) -> None:
    monkeypatch.setattr(exporting, "FEW", 3)
    monkeypatch.setattr(exporting, "BATCH", 4)
    export_poses(finished, BVH, finished.parent / "two", processes=2)
    monkeypatch.setattr(exporting, "FEW", 300)
    export_poses(finished, BVH, finished.parent / "one")
    one, two = (
        {path.name: path.read_bytes() for path in (finished.parent / name).iterdir()} for name in ("one", "two")
    )
    assert one == two


def test_what_fails_in_a_process_is_reported_by_the_command(finished: Path, monkeypatch) -> None:
    monkeypatch.setattr(exporting, "FEW", 3)
    folder = finished.parent / "out"
    (folder / "in_pose_3.bvh").mkdir(parents=True)
    (folder / "export.jsonl").touch()
    with pytest.raises(OSError, match="in_pose_3"):
        export_poses(finished, BVH, folder, processes=1)


def test_the_command_needs_no_torch() -> None:
    code = "import sys, mardm_batch.export.__main__ as command; command.build_parser(); print('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(exporting.__file__).parents[2])}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)
    assert result.stdout.strip() == "False", result.stderr


def test_a_pose_whose_clip_is_damaged_is_named(finished: Path) -> None:
    for path in finished.glob("*.json"):
        np.save(finished / f"{path.stem}.clip.npy", np.zeros((4, 21, 3), np.float32))
    with pytest.raises(InputError, match="not a clip of finite numbers"):
        export_poses(finished, Bvh(ExportOptions(clips=True)), finished.parent / "out")
