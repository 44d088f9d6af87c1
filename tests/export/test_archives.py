"""Data sets in one file or few: the libraries that read them find every pose, with its caption and its joints."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from mardm_batch.export.__main__ import main
from mardm_batch.export.formats.csv_table import Csv
from mardm_batch.export.formats.webdataset import WebDataset


def export(finished: Path, format: str, *arguments: str) -> Path:
    folder = finished.parent / format
    assert main([str(finished), "--to", format, "--output", str(folder), *arguments]) == 0
    return folder


def expected(finished: Path) -> dict[str, np.ndarray]:
    """The joints of all poses by caption."""
    documents = [json.loads(path.read_text()) for path in finished.glob("*.json")]
    return {each["caption"]: np.array(each["joints"], np.float32) for each in documents}


def assert_same(captions: list[str], joints: list[object], finished: Path) -> None:
    poses = expected(finished)
    assert sorted(captions) == sorted(poses)
    for caption, each in zip(captions, joints, strict=True):
        assert np.array_equal(np.asarray(each, np.float32), poses[caption])


def test_numpy_loads_one_file_without_pickles(finished: Path) -> None:
    folder = export(finished, "npz")
    with np.load(folder / "poses.npz") as data:
        assert_same(data["captions"].tolist(), list(data["joints"]), finished)
        assert data["joints"].dtype == np.float32
        assert data["names"].tolist() == sorted(path.stem for path in finished.glob("*.json"))
        assert json.loads(data["sources"][0])["label"] == "+1"
        assert data["joint_names"][:2].tolist() == ["pelvis", "left_hip"]
        assert data["parents"][:3].tolist() == [-1, 0, 0]


def test_clips_of_different_lengths_are_in_one_array(finished: Path) -> None:
    lengths = {}
    for number, path in enumerate(sorted(finished.glob("*.json"))):
        lengths[path.stem] = 4 + 4 * (number % 3)
        np.save(finished / f"{path.stem}.clip.npy", np.full((lengths[path.stem], 22, 3), number, np.float32))
    with np.load(export(finished, "npz", "--clips") / "poses.npz") as data:
        starts = data["starts"]
        for number, name in enumerate(data["names"]):
            clip = data["clips"][starts[number] : starts[number + 1]]
            assert clip.shape == (lengths[name], 22, 3)
            assert (clip == number).all()


def test_a_spreadsheet_gets_rows_and_no_formulas(finished: Path) -> None:
    path = export(finished, "csv") / "poses.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbfname,caption")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    captions = [row["caption"].removeprefix("'") for row in rows]
    joints = [[[row[f"{joint}_{axis}"] for axis in "xyz"] for joint in joint_names(finished)] for row in rows]
    poses = expected(finished)
    assert sorted(captions) == sorted(poses)
    for caption, each in zip(captions, joints, strict=True):
        assert np.abs(np.array(each, float) - poses[caption]).max() < 1e-6
    assert {row["label"] for row in rows} == {"'+1"}
    assert not any(str(value).startswith(("=", "@", "+")) for row in rows for value in row.values())


def joint_names(finished: Path) -> list[str]:
    names: list[str] = json.loads((finished / "on_a_train.json").read_text())["joint_names"]
    return names


def test_pyarrow_and_datasets_load_the_table(finished: Path, tmp_path: Path) -> None:
    datasets, parquet = pytest.importorskip("datasets"), pytest.importorskip("pyarrow.parquet")
    folder = export(finished, "parquet")
    table = parquet.read_table(folder / "poses.parquet")
    assert_same(table["caption"].to_pylist(), table["joints"].to_pylist(), finished)
    rows = datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert_same(list(rows["caption"]), list(rows["joints"]), finished)
    assert set(rows["label"]) == {"+1"}
    assert rows.features["id"].dtype == "int64"
    assert set(rows["seed"]) == {3407}


def test_webdataset_and_datasets_load_the_tars(finished: Path, tmp_path: Path, monkeypatch) -> None:
    datasets, webdataset = pytest.importorskip("datasets"), pytest.importorskip("webdataset")
    monkeypatch.setattr(WebDataset, "POSES_PER_FILE", 8)
    folder = export(finished, "webdataset")
    tars = sorted(str(path) for path in folder.glob("*.tar"))
    assert len(tars) == 3
    samples = list(webdataset.WebDataset(tars, shardshuffle=False, empty_check=False).decode())
    assert_same([each["txt"] for each in samples], [each["npy"] for each in samples], finished)
    assert all(each["json"]["name"] == each["__key__"] for each in samples)
    assert all((finished / f"{each['__key__']}.png").read_bytes() for each in samples)
    rows = datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert_same(list(rows["txt"]), list(rows["npy"]), finished)
    assert rows[0]["png"].size == (1200, 1200)


def test_only_tars_whose_poses_changed_are_written_again(finished: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(WebDataset, "POSES_PER_FILE", 8)
    export(finished, "webdataset")
    changed = sorted(finished.glob("*.json"))[9]
    changed.write_text(changed.read_text().replace('"attempt": 0', '"attempt": 1'))
    folder = export(finished, "webdataset")
    assert "12 of them up to date" in capsys.readouterr().out
    export(finished, "webdataset", "--select", "name=in_pose_1*")
    assert sorted(path.name for path in folder.glob("*.tar")) == ["poses-000000.tar"]


def test_an_archive_that_fails_leaves_no_file(finished: Path, monkeypatch) -> None:
    def fail(*arguments: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(f"{Csv.__module__}.PoseTable", fail)
    with pytest.raises(SystemExit, match="2"):
        main([str(finished), "--to", "csv", "--output", str(finished.parent / "csv")])
    assert [path.name for path in (finished.parent / "csv").iterdir()] == []
    monkeypatch.undo()
    assert main([str(finished), "--to", "csv", "--output", str(finished.parent / "csv")]) == 0
