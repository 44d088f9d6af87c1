"""Runs on other machines: whether they are alive, by the file system's clock, and locks that hold between machines."""

import errno
import os
import time
from pathlib import Path

import pytest

from mardm_batch.dataset import locks
from mardm_batch.dataset.clocks import file_system_time
from mardm_batch.dataset.locks import file_lock, shard_lock
from mardm_batch.dataset.progress import SECONDS_UNTIL_LOST, Progress, read_progress
from mardm_batch.errors import InputError


def written(output: Path, seconds_ago: float, **values: str) -> Progress:
    """A running shard's record, as read, that was written some seconds ago by the file system's clock."""
    Progress("all", "run", state="running", **values).write(output)  # type: ignore[arg-type]
    path = output / ".mardm_batch" / "progress" / "all.json"
    moment = file_system_time(path.parent.parent) - seconds_ago
    os.utime(path, (moment, moment))
    (record,) = read_progress(output)
    return record


@pytest.mark.parametrize("place", [{"host": "node2"}, {"boot": "another"}, {"pids": "pid:[1]"}])
def test_a_shard_elsewhere_is_alive_while_its_record_is_written(tmp_path: Path, place: dict[str, str]) -> None:
    """The process id is that of a process that runs here; it says nothing about another machine, boot or container."""
    assert written(tmp_path, SECONDS_UNTIL_LOST - 20, **place).alive
    record = written(tmp_path, SECONDS_UNTIL_LOST + 20, **place)
    assert not record.alive
    assert record.silence == pytest.approx(SECONDS_UNTIL_LOST + 20, abs=10)


def test_the_clock_of_another_machine_may_be_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("mardm_batch.dataset.progress.time.time", lambda: 0.0)  # of the machine that writes
        record = written(tmp_path, 0, host="node2")
    assert time.time() - record.updated > SECONDS_UNTIL_LOST
    assert record.alive


def test_a_shard_here_is_alive_by_its_process(tmp_path: Path) -> None:
    assert written(tmp_path, 10 * SECONDS_UNTIL_LOST).alive
    assert not list((tmp_path / ".mardm_batch").glob("probe-*"))


def test_the_record_says_which_job_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "7")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    record = written(tmp_path, 0, host="node2")
    assert record.job == "7_2"
    assert record.place == f"process {os.getpid()} on node2 (job 7_2)"


def test_a_file_system_without_locks_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".mardm_batch").mkdir()
    assert not file_lock(tmp_path / "x.lock").fallback_to_soft

    class NoLock:
        def acquire(self, **_: object) -> None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(locks, "file_lock", lambda path: NoLock())
    expected = r"its file system has no file locks \(flock: Function not implemented\)"
    with pytest.raises(InputError, match=expected), shard_lock(tmp_path, 0, 3):
        pass
