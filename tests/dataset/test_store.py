"""A pose's files: written whole, JSON last; finished only when all exist and the caption is the same."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from mardm_batch.dataset.formats.format import Format
from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.layout import PROGRESS, RECORDS
from mardm_batch.dataset.metadata import rebuild_metadata
from mardm_batch.dataset.records import Pose, Provenance
from mardm_batch.dataset.staging import staging_folder
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import InputError
from mardm_batch.pose.skeleton import JOINT_NAMES
from mardm_batch.prompts.names import Prompt
from mardm_batch.verify.verification import verify

SETTINGS = Provenance("embedded", 1, 8, {"cfg": 2.0}, "0123", "float32")
ALL, NO_PICTURES = (PNG, NPY), (NPY,)
JOINTS = np.random.default_rng(0).normal(size=(22, 3)).astype(np.float32)


def pose(name: str = "waving", caption: str = "A person waving") -> Pose:
    return Pose(Prompt(name, caption), JOINTS, frame_index=8, attempt=0)


def store_in(folder: Path, formats: tuple[Format, ...] = ALL) -> PoseStore:
    store = PoseStore(folder / "poses", formats)
    store.prepare()
    (folder / "temp").mkdir(exist_ok=True)
    return store


def write(store: PoseStore, each: Pose, picture: bytes | None = b"png", **settings: object) -> None:
    store.write(each, picture, replace(SETTINGS, **settings), store.output.parent / "temp")


def test_the_three_files_agree_and_hold_their_provenance(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    write(store, pose())
    document = json.loads((store.output / "waving.json").read_text())
    assert list(document)[:5] == ["caption", "frame_index", "num_joints", "joints", "joint_names"]
    assert (document["caption"], document["frame_index"], document["num_joints"]) == ("A person waving", 8, 22)
    assert document["joint_names"] == list(JOINT_NAMES)
    assert {key: document[key] for key in asdict(SETTINGS)} == asdict(SETTINGS)
    joints = np.load(store.output / "waving.npy")
    assert joints.dtype == np.float32
    assert np.array_equal(joints, JOINTS)
    assert np.array_equal(np.array(document["joints"]), joints)


def test_the_same_pose_gives_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        store = store_in(tmp_path / folder)
        write(store, pose())
        contents.append([(store.output / f"waving{suffix}").read_bytes() for suffix in (".json", ".npy")])
    assert contents[0] == contents[1]


@pytest.mark.parametrize("missing", [".json", ".npy", ".png"])
def test_a_pose_without_one_of_its_files_is_unfinished(tmp_path: Path, missing: str) -> None:
    store = store_in(tmp_path)
    write(store, pose())
    assert store.survey([pose().prompt], SETTINGS).finished == (pose().prompt,)
    (store.output / f"waving{missing}").unlink()
    assert store.survey([pose().prompt], SETTINGS).unfinished == (pose().prompt,)


def test_a_broken_json_is_unfinished(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    write(store, pose())
    path = store.output / "waving.json"
    path.write_bytes(path.read_bytes()[:100])
    assert store.survey([pose().prompt], SETTINGS).unfinished == (pose().prompt,)


def test_a_store_without_pictures_expects_none(tmp_path: Path) -> None:
    store = store_in(tmp_path, NO_PICTURES)
    write(store, pose(), picture=None)
    assert store.survey([pose().prompt], SETTINGS).finished
    assert PoseStore(store.output, ALL).survey([pose().prompt], SETTINGS).unfinished


def test_the_survey_counts_other_settings_and_other_captions(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    write(store, pose(), seed=2)
    survey = store.survey([pose().prompt], SETTINGS)
    assert (len(survey.finished), survey.other_settings, survey.other_captions) == (1, 1, 0)
    assert survey.differences == {"seed": (("2",), 1)}
    survey = store.survey([Prompt("waving", "A person waving!")], SETTINGS)
    assert (len(survey.unfinished), survey.other_settings, survey.other_captions) == (1, 0, 1)


def test_writing_a_pose_again_without_picture_removes_the_old_one(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    write(store, pose())
    write(PoseStore(store.output, NO_PICTURES), pose(), picture=None)
    assert not (store.output / "waving.png").exists()


def test_an_output_folder_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"paths\.output=.*file/poses"):
        PoseStore(tmp_path / "file" / "poses", ALL).prepare()


def test_the_staging_folder_is_emptied_first_and_removed_last(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    temp = tmp_path / "new" / "temp"
    with suppress(KeyboardInterrupt), staging_folder(temp, store.output, "all") as folder:
        killed = folder
        raise KeyboardInterrupt
    killed.mkdir(parents=True)
    (killed / "left-over.png").write_text("")
    with staging_folder(temp, store.output, "all") as folder:
        assert folder == killed
        assert list(folder.iterdir()) == []
        (folder / "half-written.npy").write_text("")
    assert not temp.exists()


def test_other_folders_in_temp_are_left_alone(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    kept = tmp_path / "temp" / "all" / "thesis.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("")
    with staging_folder(tmp_path / "temp", store.output, "all"):
        pass
    assert kept.exists()


def test_runs_with_different_output_folders_share_a_temp_folder(tmp_path: Path) -> None:
    first, second = (PoseStore(tmp_path / name, ALL) for name in ("one", "two"))
    for store in (first, second):
        store.prepare()
    with staging_folder(tmp_path / "temp", first.output, "all") as other:
        with staging_folder(tmp_path / "temp", second.output, "all"):
            pass
        assert other.exists()


def test_the_staging_folder_of_another_shard_is_left_alone(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    with staging_folder(tmp_path / "temp", store.output, "shard-0-of-3") as other:
        with staging_folder(tmp_path / "temp", store.output, "shard-1-of-3"):
            pass
        assert other.exists()


def test_metadata_lists_the_finished_poses_alone(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    write(store, pose("b", "A person b"))
    write(store, pose("a", "A person <a> “quoted” 站"))
    write(store, pose("c", "A person c"))
    (store.output / "c.png").unlink()
    assert rebuild_metadata(store) == 2
    rows = [json.loads(line) for line in (store.output / "metadata.jsonl").read_text("utf-8").splitlines()]
    same = {"joints": JOINTS.tolist(), "unknown_words": [], "agreement": None}
    assert rows == [
        {"file_name": "a.png", "caption": "A person <a> “quoted” 站", **same},
        {"file_name": "b.png", "caption": "A person b", **same},
    ]


@pytest.mark.parametrize("place", [RECORDS, f"{RECORDS}/{PROGRESS}"])
def test_a_file_in_the_place_of_the_records_is_named_with_what_mends_it(tmp_path: Path, place: str) -> None:
    obstacle, store = tmp_path / place, PoseStore(tmp_path, NO_PICTURES)
    obstacle.parent.mkdir(exist_ok=True)
    obstacle.write_text("")
    command = f"python -m mardm_batch.verify {tmp_path} --repair"
    with pytest.raises(InputError, match=rf": cannot be written to: {obstacle} is a file; {command} sets it aside$"):
        store.prepare()
    verify(tmp_path, repair=True)
    store.prepare()


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (Path.mkdir, "a folder"),
        (lambda path: path.symlink_to("../../nowhere"), "a link"),
        (lambda path: path.symlink_to(path.name), "a link"),
        (os.mkfifo, "a FIFO"),
    ],
)
@pytest.mark.parametrize("lock", ["all.lock", "metadata.lock"])
def test_what_is_in_the_way_of_a_lock_is_named_with_what_mends_it(tmp_path: Path, lock: str, make, kind: str) -> None:
    store, obstacle = PoseStore(tmp_path, NO_PICTURES), tmp_path / RECORDS / lock
    store.prepare()
    make(obstacle)
    command = f"python -m mardm_batch.verify {tmp_path} --repair"
    with pytest.raises(InputError, match=rf"^paths.output=.*: {obstacle} is {kind}; {command} sets it aside$"):
        store.prepare()
    verify(tmp_path, repair=True)
    store.prepare()


@pytest.mark.parametrize(
    ("place", "reason"), [("link", "link is a link to nowhere, which does not exist"), ("file", "file is not a folder")]
)
def test_what_can_be_no_folder_is_named_with_its_setting(tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / place, tmp_path / place / "below"):
        refused = rf"={folder}: cannot be written to: {tmp_path}/{reason}; name another folder: "
        with pytest.raises(InputError, match=rf"^paths\.output{refused}paths\.output=DIR$"):
            PoseStore(folder, NO_PICTURES).prepare()
        with (
            pytest.raises(InputError, match=rf"^paths\.temp{refused}paths\.temp=DIR$"),
            staging_folder(folder, store_in(tmp_path).output, "all"),
        ):
            pass
