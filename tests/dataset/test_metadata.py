"""metadata.jsonl and the dataset card: every finished pose with what its row needs, whatever lies beside it."""

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mardm_batch.dataset.card import MARKER
from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.layouts import layout as layout_module
from mardm_batch.dataset.metadata import column_types, rebuild_metadata
from mardm_batch.dataset.records import Pose, Provenance
from mardm_batch.dataset.store import PoseStore
from mardm_batch.prompts.names import name_prompts
from mardm_batch.prompts.prompt_file import Entry
from mardm_batch.system.files import DiskFullError
from mardm_batch.verify.verification import verify

JOINTS = np.random.default_rng(0).normal(size=(22, 3)).astype(np.float32)
ALL = (PNG, NPY)
CAPTIONS = [
    "A person on a train",
    "A person taking a test",
    "A person in training",
    "A person before the test, valid",
    "validation",
    "dev",
    "A person eval-uating the train",
    "train",
    "test",
    "A person 站着",
]


def make_store(folder: Path, pictures: bool = True) -> PoseStore:
    store = PoseStore(folder / "SinglePose", ALL if pictures else (NPY,))
    store.prepare()
    return store


def write(
    store: PoseStore, captions: list[str] = CAPTIONS, sources: list[Mapping[str, Any]] | None = None
) -> PoseStore:
    staging = store.output.parent / "staging"
    staging.mkdir(exist_ok=True)
    provenance = Provenance("embedded", 1, 8, {"cfg": 2.0}, "0123", "float32")
    for place, prompt in enumerate(name_prompts(map(Entry, captions))):
        prompt = type(prompt)(prompt.name, prompt.caption, sources[place] if sources else {})
        pose = Pose(prompt, JOINTS + place, 8, 0, agreement=1.0)
        if place == 0:
            pose = replace(pose, unknown_words=("zorbing",), agreement=None)
        store.write(pose, b"\x89PNG" + b"\0" * 40, provenance, staging)
    return store


def listed(store: PoseStore) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (store.output / "metadata.jsonl").read_text("utf-8").splitlines()]


# The dataset card, by the library that reads it ---------------------------------------------------------------------


@pytest.mark.parametrize("pictures", [True, False])
def test_the_hub_s_library_loads_every_pose_whatever_the_captions_say(tmp_path: Path, pictures: bool) -> None:
    datasets = pytest.importorskip("datasets")
    sources = [{"id": place, "split": ["train", "test"][place % 2], "note": None} for place in range(len(CAPTIONS))]
    store = write(make_store(tmp_path, pictures), CAPTIONS, sources)
    (store.output / "contact_sheet.png").write_bytes(b"")
    (store.output / "test").mkdir()
    (store.output / "test" / "train.json").write_text("{}")
    rebuild_metadata(store)
    loaded = datasets.load_dataset(str(store.output), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == ["train"]
    rows = loaded["train"]
    assert sorted(rows["caption"]) == sorted(CAPTIONS)
    own = {"file_name", "caption", "joints", "unknown_words", "agreement"}
    assert set(rows.column_names) == own | {"id", "split", "note"}
    by_caption = {row["caption"]: row for row in rows}
    for place, caption in enumerate(CAPTIONS):
        row = by_caption[caption]
        assert np.array_equal(np.array(row["joints"], np.float32), JOINTS + np.float32(place))
        assert (row["id"], row["split"], row["note"]) == (place, sources[place]["split"], None)
        assert row["unknown_words"] == (["zorbing"] if place == 0 else [])
        assert row["agreement"] == (None if place == 0 else 1.0)
        assert row["file_name"].endswith(".png" if pictures else ".npy")
        assert (store.output / row["file_name"]).exists()


def test_poses_that_were_added_since_are_loaded_too(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    for count in (2, 3):
        store = write(make_store(tmp_path), CAPTIONS[:count], [{}] * count)
        rebuild_metadata(store)
        rows = datasets.load_dataset(str(store.output), split="train", cache_dir=str(tmp_path / "cache"))
        assert sorted(rows["caption"]) == sorted(CAPTIONS[:count])


def test_a_repaired_folder_is_loaded_without_the_poses_that_were_set_aside(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    store = write(make_store(tmp_path, pictures=False), CAPTIONS[:3])
    rebuild_metadata(store)
    (prompt, *_) = name_prompts(map(Entry, CAPTIONS))
    (store.output / f"{prompt.name}.npy").write_bytes(b"damaged")
    (store.output / "train.csv").write_bytes(b"stray")
    assert verify(store.output, repair=True).repair is not None
    rows = datasets.load_dataset(str(store.output), split="train", cache_dir=str(tmp_path / "cache"))
    assert sorted(rows["caption"]) == sorted(CAPTIONS[1:3])


def test_columns_of_several_types_are_loaded_as_text(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    sources = [
        {"id": 1, "mixed": 1, "size": 1, "big": 2**70, "caption": "theirs", "": True, "deep": {"a": [1]}},
        {"id": None, "mixed": "two", "size": 1.5, "big": 3, "joints": "none", "": False},
        {"late": "only here"},
    ]
    store = write(make_store(tmp_path), CAPTIONS[:3], sources)
    rebuild_metadata(store)
    rows = datasets.load_dataset(str(store.output), split="train", cache_dir=str(tmp_path / "cache"))
    first, second, third = sorted(rows, key=lambda row: CAPTIONS.index(row["caption"]))
    assert (first["id"], first["mixed"], first["size"], first["big"]) == (1, "1", 1.0, str(2**70))
    assert (first["source_caption"], first["column"], first["deep"]) == ("theirs", True, '{"a": [1]}')
    assert (second["id"], second["mixed"], second["size"], second["source_joints"]) == (None, "two", 1.5, "none")
    assert third["late"] == "only here"


def test_column_names_are_never_those_of_a_row() -> None:
    types = column_types([{"caption": 1, "source_caption": 2, "image": 3, "": 4, "columns": 5}])
    names = [name for name, _ in types.values()]
    assert len(set(names)) == 5
    assert not {"caption", "image", "columns", ""} & set(names)


def test_the_card_says_what_it_is_and_is_kept_up_to_date(tmp_path: Path) -> None:
    store = write(make_store(tmp_path), CAPTIONS[:2])
    rebuild_metadata(store)
    card = (store.output / "README.md").read_text("utf-8")
    assert card.startswith("---\nconfigs:\n")
    for words in (MARKER, "2 poses", "| embedded | 2 | `0123` | 1 | MIT", "| `caption` |", "licence of the weights"):
        assert words in card
    (store.output / "on_a_train.json").unlink()
    rebuild_metadata(store)
    assert "1 pose of people" in (store.output / "README.md").read_text("utf-8")


def test_a_readme_of_the_user_s_is_never_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = write(make_store(tmp_path), CAPTIONS[:2])
    (store.output / "README.md").write_text("# My own poses\n")
    rebuild_metadata(store)
    assert (store.output / "README.md").read_text() == "# My own poses\n"
    assert len(caplog.records) == 1
    assert "README.md is not ours and stays" in caplog.text
    assert len(listed(store)) == 2


# What lies beside the poses -----------------------------------------------------------------------------------------


def test_files_of_others_never_stop_the_metadata(tmp_path: Path) -> None:
    store = write(make_store(tmp_path), CAPTIONS[:2])
    good = (store.output / "on_a_train.json").read_text("utf-8")
    document = json.loads(good)
    theirs: dict[bytes, bytes] = {
        b"caf\xe9": good.encode(),
        b"half": json.dumps({**document, "caption": "\ud83d"}).encode(),
        b"half_in_source": json.dumps({**document, "source": {"\ud83d": "\udc00"}}).encode(),
        b"list": b"[]",
        b"deep": b"[" * 100_000,
        b"binary": b"\xff\xfe\0",
        b"empty": b"",
        b"digits": b'{"caption": ' + b"9" * 10_000 + b"}",
    }
    folder = os.fsencode(store.output)
    for name, content in theirs.items():
        for suffix in (b".json", b".npy", b".png"):
            Path(os.fsdecode(folder + b"/" + name + suffix)).write_bytes(content)
    os.mkfifo(store.output / "pipe.json")
    (store.output / "folder.json").mkdir()
    (store.output / "zero.json").symlink_to("/dev/zero")
    (store.output / "gone.json").symlink_to("nowhere")
    assert rebuild_metadata(store) == 3  # one of others is like a pose of ours
    assert [row["file_name"] for row in listed(store)] == ["half_in_source.png", "on_a_train.png", "taking_a_test.png"]


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES])
def test_a_pose_that_cannot_be_read_for_a_moment_is_never_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    store = write(make_store(tmp_path), CAPTIONS[:3])
    rebuild_metadata(store)
    before = (store.output / "metadata.jsonl").read_bytes()
    read = layout_module.read_regular

    def failing(path: str) -> bytes:
        if Path(path).name == "taking_a_test.json":
            raise OSError(number, os.strerror(number), path)
        return read(path)

    monkeypatch.setattr(layout_module, "read_regular", failing)
    with pytest.raises(OSError, match=r"taking_a_test\.json"):
        rebuild_metadata(store)
    assert (store.output / "metadata.jsonl").read_bytes() == before
    prompts = name_prompts(map(Entry, CAPTIONS[:3]))
    survey = store.survey(prompts)
    assert survey.unreadable == {"taking_a_test.json": os.strerror(number)}
    assert (survey.finished, survey.unfinished) == ((prompts[0], prompts[2]), ())


@pytest.mark.parametrize("name", ["metadata.jsonl", "README.md"])
def test_a_folder_in_the_place_of_a_list_is_an_error(tmp_path: Path, name: str) -> None:
    store = write(make_store(tmp_path), CAPTIONS[:1])
    (store.output / name).mkdir()
    with pytest.raises(OSError, match=name):
        rebuild_metadata(store)
    (store.output / name).rmdir()
    assert rebuild_metadata(store) == 1
    assert len(listed(store)) == 1


@pytest.mark.parametrize("function", ["system.files.write_new", "dataset.metadata.TemporaryFile"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_an_error_and_leaves_the_old_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, function: str
) -> None:
    store = write(make_store(tmp_path), CAPTIONS[:1])
    rebuild_metadata(store)
    before = (store.output / "metadata.jsonl").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(f"mardm_batch.{function}", full)
    with pytest.raises(DiskFullError) as ended:
        rebuild_metadata(store)
    assert ended.value.filename == str(store.output / "metadata.jsonl")
    assert (store.output / "metadata.jsonl").read_bytes() == before
