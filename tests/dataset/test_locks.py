"""Locks: nobody waits for ever for a process that was stopped while it held one."""

import time
from pathlib import Path

import pytest
from filelock import FileLock

from mardm_batch.dataset import locks
from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.layout import RECORDS
from mardm_batch.dataset.leftovers import clear_leftovers
from mardm_batch.dataset.locks import HeldLockError, list_lock, shard_lock
from mardm_batch.dataset.metadata import rebuild_metadata
from mardm_batch.dataset.records import Failure
from mardm_batch.dataset.reviews import Review, ReviewList
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import InputError
from mardm_batch.relayout import relayout
from mardm_batch.system.files import UnusableFileError

FAILURE = Failure("A person waving", "waving", "sample", "no")


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An output folder; nobody waits long for its lists."""
    PoseStore(tmp_path / "poses", (NPY,)).prepare()
    monkeypatch.setattr(locks, "SECONDS_TO_WAIT_FOR_LIST", 0.1)
    return tmp_path / "poses"


def held(output: Path, name: str) -> FileLock:
    """The lock of a list, as another process holds it."""
    return FileLock(output / RECORDS / f"{name}.lock")


@pytest.mark.parametrize("name", ["metadata", "failures"])
def test_a_held_lock_of_a_list_is_an_error_that_names_it(output: Path, name: str) -> None:
    with (
        held(output, name),
        pytest.raises(HeldLockError, match=f"another process holds this lock: .*{name}.lock"),
        list_lock(output, name),
    ):
        pass
    with list_lock(output, name):
        pass


def test_lists_are_unchanged_where_another_process_holds_their_locks(output: Path) -> None:
    failures = FailureList(output)
    failures.append([FAILURE])
    with held(output, "failures"):
        for change in (lambda: failures.append([FAILURE]), lambda: failures.remove({FAILURE.key})):
            with pytest.raises(HeldLockError):
                change()
    assert failures.read() == [FAILURE]
    with held(output, "metadata"), pytest.raises(HeldLockError):
        rebuild_metadata(PoseStore(output, (NPY,)))
    assert not (output / "metadata.jsonl").exists()


def test_leftovers_of_a_list_in_use_stay_and_are_not_waited_for(output: Path, tmp_path: Path) -> None:
    partial = output / ".failures.jsonl.1234"
    partial.write_text("half")
    started = time.monotonic()
    with held(output, "failures"):
        clear_leftovers(output, tmp_path / "temp", "all")
    assert time.monotonic() - started < 10
    assert partial.exists()
    clear_leftovers(output, tmp_path / "temp", "all")
    assert not partial.exists()


@pytest.mark.parametrize(("shard", "num_shards"), [(1, 3), (None, 3), (1, 6), (4, 6)])
def test_a_shard_that_shares_prompts_with_one_in_work_is_refused(
    output: Path, shard: int | None, num_shards: int
) -> None:
    with (
        shard_lock(output, 1, 3),
        pytest.raises(InputError, match="another process is working on shard-1-of-3"),
        shard_lock(output, shard, num_shards),
    ):
        pass


@pytest.mark.parametrize(("shard", "num_shards"), [(0, 3), (2, 6)])
def test_a_shard_with_other_prompts_is_not_refused(output: Path, shard: int, num_shards: int) -> None:
    with shard_lock(output, 1, 3), shard_lock(output, shard, num_shards):
        pass


def test_a_folder_in_the_place_of_a_lock_is_an_error_that_says_what_sets_it_aside(output: Path) -> None:
    for name in ("metadata", "reviews", "all"):
        (output / RECORDS / f"{name}.lock").mkdir()
    review = Review("standing", "reject")
    with pytest.raises(UnusableFileError, match="is a folder, not a lock; .* --repair sets it aside"):
        ReviewList(output).append([review])
    with pytest.raises(UnusableFileError, match="--repair"), list_lock(output, "metadata"):
        pass
    with pytest.raises(InputError, match="--repair"):
        relayout(output, "nested")
