"""Whoever holds the lock clears what killed processes left; links are refused, files of living processes stay."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.layout import PROGRESS, RECORDS
from mardm_batch.dataset.leftovers import clear_caption_cache, clear_leftovers
from mardm_batch.dataset.metadata import rebuild_metadata
from mardm_batch.dataset.progress import Progress
from mardm_batch.dataset.staging import caption_cache_name, output_id, staging_folder
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import InputError
from mardm_batch.system.files import random_sibling
from mardm_batch.verify.__main__ import main


@pytest.fixture
def store(tmp_path: Path) -> PoseStore:
    store = PoseStore(tmp_path / "poses", (NPY,))
    store.prepare()
    (store.output / "a.json").write_text(json.dumps({"caption": "a"}))
    (store.output / "a.json").unlink()
    rebuild_metadata(store)
    return store


def leave(store: PoseStore, temp: Path) -> list[Path]:
    """What processes left that were killed in the middle of each small write, of several shard counts."""
    records = store.output / RECORDS
    partial = [store.output / "metadata.jsonl", store.output / "README.md", store.output / "failures.jsonl"]
    partial += [records / PROGRESS / f"{shard}.json" for shard in ("all", "shard-0-of-3")]
    partial += [store.output / block for block in ("all-00018.tar", "shard-0-of-3-00002.parquet")]
    files = [random_sibling(path) for path in partial]
    files += [store.output / ".metadata.jsonl.1234", records / PROGRESS / ".all.json.99", records / "probe-77"]
    files += [store.output / ".README.md.77", store.output / ".mardm_batch-probe-888"]
    files += [folder / f".mardm_batch-probe-{name}" for folder in (temp, records) for name in ("77", "0123abcd")]
    for folder in (temp, records):
        for owner in ("all", "shard-0-of-3", "shard-4-of-7"):
            staging = folder / f".mardm_batch-{owner}-{output_id(store.output)}"
            staging.mkdir(parents=True)
            files.append(staging / "waving.npy")
    for path in files:
        path.write_bytes(b"half")
    return files


def test_the_holder_of_a_lock_clears_what_dead_processes_left(store: PoseStore, tmp_path: Path) -> None:
    left = leave(store, tmp_path / "temp")
    clear_leftovers(store.output, tmp_path / "temp", "all")
    assert [path for path in left if path.exists()] == []
    assert not (tmp_path / "temp").exists()
    assert main([str(store.output), "--json"]) == 0


def test_what_belongs_to_a_living_process_or_another_folder_stays(store: PoseStore, tmp_path: Path) -> None:
    temp, records = tmp_path / "temp", store.output / RECORDS
    leave(store, temp)
    other = temp / ".mardm_batch-all-01234567"
    other.mkdir()
    (temp / "thesis.txt").write_text("")
    (store.output / ".diary.txt.12").write_text("")
    (store.output / ".mardm_batch-probe-mine").write_text("")
    living = random_sibling(records / PROGRESS / "shard-1-of-3.json")
    living.write_bytes(b"half")
    with FileLock(records / "shard-0-of-3.lock"), FileLock(records / "shard-1-of-3.lock"):
        clear_leftovers(store.output, temp, "shard-2-of-3")
    mine = output_id(store.output)
    assert sorted(path.name for path in temp.iterdir()) == sorted(
        [other.name, "thesis.txt", f".mardm_batch-shard-0-of-3-{mine}"]
    )
    assert living.exists()
    assert [path.name[:22] for path in store.output.glob(".*.partial")] == [".shard-0-of-3-00002.pa"]
    assert (store.output / ".diary.txt.12").exists()
    assert (store.output / ".mardm_batch-probe-mine").exists()
    assert [path.name for path in records.glob(".mardm_batch-*")] == [f".mardm_batch-shard-0-of-3-{mine}"]


def test_unfinished_files_of_poses_of_earlier_versions_are_cleared_once_their_process_is_dead(
    store: PoseStore, tmp_path: Path
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    dead = [store.output / f".waving.{suffix}.{gone.pid}" for suffix in ("npy", "json", "png")]
    others = [f".a.npy.{os.getpid()}", f".a.txt.{gone.pid}", f"a.npy.{gone.pid}", ".a.npy.0", f".a.npy.{10**9 * 9}"]
    stays = [store.output / name for name in others]
    for path in [*dead, *stays]:
        path.write_bytes(b"half")
    link, folder = (store.output / f".{name}.json.{gone.pid}" for name in ("link", "folder"))
    (tmp_path / "theirs").write_text("whole")
    link.symlink_to(tmp_path / "theirs")
    folder.mkdir()
    with FileLock(store.output / RECORDS / "shard-1-of-3.lock"):
        clear_leftovers(store.output, tmp_path / "temp", "shard-0-of-3")
        assert all(path.exists() for path in dead)
    clear_leftovers(store.output, tmp_path / "temp", "shard-0-of-3")
    assert [path for path in dead if path.exists()] == []
    assert all(path.exists() for path in (*stays, folder))
    assert link.read_text() == "whole"


def test_embeddings_of_captions_stay_for_the_run_that_is_resumed(store: PoseStore, tmp_path: Path) -> None:
    temp = tmp_path / "temp"
    temp.mkdir()

    def leave_cache(owner: str, output: Path = store.output) -> Path:
        path = temp / f"{caption_cache_name(output, owner)}-0123456789abcdef.safetensors"
        path.write_bytes(b"")
        return path

    mine, resumed, finished = (leave_cache(f"shard-{number}-of-3") for number in range(3))
    living, other = leave_cache("shard-4-of-7"), leave_cache("all", tmp_path / "other")
    dead = [leave_cache("all"), leave_cache("shard-5-of-7"), random_sibling(mine)]
    dead[-1].write_bytes(b"half")
    with FileLock(store.output / RECORDS / "shard-4-of-7.lock"):
        clear_leftovers(store.output, temp, "shard-0-of-3")
    assert set(temp.iterdir()) == {mine, resumed, finished, living, other}
    clear_caption_cache(store.output, temp, "shard-2-of-3")
    assert set(temp.iterdir()) == {mine, resumed, living, other}


def test_a_folder_without_leftovers_or_temp_is_left_alone(store: PoseStore, tmp_path: Path) -> None:
    before = sorted(store.output.rglob("*"))
    clear_leftovers(store.output, tmp_path / "nowhere", "all")
    assert set(sorted(store.output.rglob("*"))) - set(before) <= {store.output / RECORDS / "failures.lock"}


@pytest.mark.parametrize("link", [RECORDS, f"{RECORDS}/{PROGRESS}"])
def test_linked_records_are_refused_and_not_written_through(tmp_path: Path, link: str) -> None:
    (tmp_path / "theirs").mkdir()
    output = tmp_path / "poses"
    (output / link).parent.mkdir(parents=True)
    (output / link).symlink_to(tmp_path / "theirs")
    with pytest.raises(InputError, match=f"{link} is a link; .* --repair sets it aside"):
        PoseStore(output, (NPY,)).prepare()
    with pytest.raises(OSError, match="symbolic links"):
        Progress("all", run_folder="run").write(output)
    assert list((tmp_path / "theirs").rglob("*.json")) == []


def test_a_link_in_the_place_of_a_staging_folder_is_not_followed(store: PoseStore, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.txt").write_text("")
    temp = tmp_path / "temp"
    temp.mkdir()
    (temp / f".mardm_batch-all-{output_id(store.output)}").symlink_to(tmp_path / "theirs")
    with pytest.raises(InputError, match=r"paths\.temp"), staging_folder(temp, store.output, "all"):
        pass
    assert (tmp_path / "theirs" / "thesis.txt").exists()


def test_a_file_that_waits_under_a_staged_name_is_replaced_and_a_link_is_not_followed(tmp_path: Path) -> None:
    from tests.dataset.test_store import pose, store_in, write

    store = store_in(tmp_path)
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "temp" / "waving.npy").symlink_to(tmp_path / "theirs")
    (tmp_path / "temp" / "waving.json").write_text("left by a writer that died")
    write(store, pose())
    assert (tmp_path / "theirs").read_text() == "theirs"
    assert store.survey([pose().prompt]).finished
