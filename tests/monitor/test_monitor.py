"""The monitor on records of processes that run, that were killed and that have ended."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.progress import Progress, read_progress
from mardm_batch.dataset.queues import ENDED, QUEUED, RUNNING, QueuedJob, write_queue
from mardm_batch.dataset.records import Failure
from mardm_batch.dataset.sweeps import SweepJob, SweepRecord, read_sweep
from mardm_batch.errors import InputError
from mardm_batch.monitor.__main__ import main
from mardm_batch.monitor.gpus import Gpu, Gpus
from mardm_batch.monitor.snapshot import take_snapshot
from mardm_batch.monitor.view import render_snapshot
from mardm_batch.sampling.vocabulary import NO_KNOWN_WORD, STAGE
from mardm_batch.verify.verification import verify

Process = subprocess.Popen[bytes]


@pytest.fixture
def worker() -> Iterator[Process]:
    """A process in the role of a shard's."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def write(output: Path, shard: str, seconds_ago: float = 0.0, **values: Any) -> Progress:
    """Write a shard's record as of some seconds ago."""
    record = Progress(
        shard, **{"run_folder": "run", "sweep": "sweep", "started": time.time() - seconds_ago - 100, **values}
    )
    record.write(output)
    if seconds_ago:
        path = output / ".mardm_batch" / "progress" / f"{shard}.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "updated": time.time() - seconds_ago}))
        os.utime(path, (time.time() - seconds_ago,) * 2)
    return record


def as_json(output: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main([str(output), "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def as_text(output: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main([str(output), "--once"]) == 0
    return capsys.readouterr().out


def test_killed_shard_is_distinguished_from_running_one(
    tmp_path: Path, worker: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    killed = subprocess.Popen(["sleep", "60"])
    write(tmp_path, "shard-0-of-2", pid=worker.pid, state="running", total=10, done=4, seconds_left=3.0)
    write(tmp_path, "shard-1-of-2", pid=killed.pid, state="running", total=10, done=5, seconds_left=2.0)
    assert [shard["state"] for shard in as_json(tmp_path, capsys)["shards"]] == ["running", "running"]
    killed.kill()
    killed.wait()
    view = as_json(tmp_path, capsys)
    assert [(shard["state"], shard["alive"]) for shard in view["shards"]] == [("running", True), ("died", False)]
    assert [shard["seconds_left"] for shard in view["shards"]] == [3.0, None]
    assert not view["ended"]
    text = as_text(tmp_path, capsys)
    assert f"running · process {worker.pid} running for 0:01:40" in text
    assert f"died · process {killed.pid} no longer exists, last record 0:00:0" in text
    assert "ended" not in text


def test_shard_that_ends_during_the_snapshot_has_not_died(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    running = write(tmp_path, "all", pid=gone.pid, state="running", total=1, done=1)
    finished = replace(running, state="finished", exit_code=0)
    reads = iter([([running], {}), ([finished], {})])
    monkeypatch.setattr("mardm_batch.monitor.snapshot.read_progress_records", lambda output: next(reads))
    assert take_snapshot(tmp_path, Gpus()).shards[0].state == "finished"


def test_totals_are_of_all_shards_and_the_longest_time_left(
    tmp_path: Path, worker: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    shard: dict[str, Any] = {"pid": worker.pid, "state": "running", "total": 1000, "finished_before": 100}
    write(tmp_path, "shard-0-of-3", **shard, done=100, poses_per_second=2.0, seconds_left=400.0, failed=1)
    write(tmp_path, "shard-1-of-3", **shard, done=500, poses_per_second=4.0, seconds_left=100.0)
    write(tmp_path, "shard-2-of-3", total=1000, done=1000, poses_per_second=9.0, state="finished", exit_code=0)
    FailureList(tmp_path).append([Failure("a", "a", "sample", "no"), Failure("b", "b", "write", "no")])
    totals = as_json(tmp_path, capsys)["totals"]
    assert totals.pop("disk_free_mb") > 0
    assert totals == {
        "finished": 1800,
        "total": 3000,
        "left_out": 0,
        "left_out_finished": 0,
        "poses_per_second": 6.0,
        "seconds_left": 400.0,
        "failed": 1,
        "failures_listed": 2,
        "unreadable_captions": 0,
    }
    total = next(line for line in as_text(tmp_path, capsys).splitlines() if line.startswith("total"))
    assert total.split()[2:] == ["1,800", "/", "3,000", "60", "%", "6.0", "poses/s", "0:06:40", "left"]


def test_finished_sweep_is_reported_with_the_rate_of_the_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for shard in ("shard-0-of-2", "shard-1-of-2"):
        record = {"total": 300, "done": 250, "finished_before": 50, "poses_per_second": 2.5}
        write(tmp_path, shard, state="finished", exit_code=0, **record)
    view = as_json(tmp_path, capsys)
    assert view["ended"]
    assert view["totals"]["poses_per_second"] == pytest.approx(5.0, rel=0.02)  # 500 poses in 100 s
    assert "ended: all 600 poses are finished" in as_text(tmp_path, capsys)


def test_a_run_of_some_poses_says_how_much_of_the_whole_list_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "all", state="finished", exit_code=0, total=20, done=20, left_out=980, left_out_finished=970)
    text = as_text(tmp_path, capsys)
    assert "part of the list  " in text
    assert "with those that were not requested: 990 of 1,000 poses of the list are finished" in text
    assert "ended: all 20 poses are finished" in text


def test_ended_sweep_names_the_unfinished_shards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "shard-0-of-4", 60, state="finished", exit_code=0, total=5, done=5)
    write(tmp_path, "shard-1-of-4", 60, state="incomplete", exit_code=1, total=5, done=4, failed=1)
    write(tmp_path, "shard-2-of-4", 60, state="interrupted", exit_code=130, total=5, done=2)
    text = as_text(tmp_path, capsys)
    ending = "ended, 4 missing: shard-1-of-4 incomplete, shard-2-of-4 interrupted, shard-3-of-4 not started"
    assert ending in " ".join(text.split())  # whole, in two lines
    assert "ended 0:01:00 ago with exit code 130" in text


@pytest.mark.parametrize(("seconds_ago", "ended"), [(5, False), (60, True)])
def test_a_sweep_with_queued_shards_has_not_ended_yet(tmp_path: Path, seconds_ago: float, ended: bool) -> None:
    write(tmp_path, "shard-0-of-2", seconds_ago, state="finished", exit_code=0, total=5, done=5)
    view = take_snapshot(tmp_path, Gpus())
    assert (view.not_started, view.ended) == (("shard-1-of-2",), ended)


def test_a_reused_process_id_is_not_mistaken_for_the_shard_s(tmp_path: Path, worker: Process) -> None:
    write(tmp_path, "all", 60, state="running", pid=worker.pid)
    write(tmp_path, "shard-0-of-1", state="running", pid=worker.pid)
    assert [record.alive for record in read_progress(tmp_path)] == [False, True]


def test_only_the_newest_sweep_and_running_shards_are_shown(
    tmp_path: Path, worker: Process, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "shard-0-of-4", 5000, sweep="older", state="finished")
    monkeypatch.setattr("mardm_batch.system.processes.CLOCK_TOLERANCE", 6000)  # the worker is younger than its record
    write(tmp_path, "shard-1-of-4", 5000, sweep="older", state="running", pid=worker.pid)
    write(tmp_path, "all", 9000, sweep=None, state="finished")
    for number in (10, 2):
        write(tmp_path, f"shard-{number}-of-11", sweep="newer", state="finished")
    view = as_json(tmp_path, capsys)
    assert [shard["record"]["shard"] for shard in view["shards"]] == ["shard-1-of-4", "shard-2-of-11", "shard-10-of-11"]
    assert (view["sweep"], view["older_records_hidden"]) == ("newer", 2)
    text = as_text(tmp_path, capsys)
    assert "sweep newer · 2 older records not shown" in text
    assert "no record for 1:23:20" in text


def test_shards_started_one_by_one_are_one_sweep(tmp_path: Path) -> None:
    write(tmp_path, "all", 900, sweep=None, state="finished")
    write(tmp_path, "shard-0-of-2", 500, sweep=None, state="finished")
    write(tmp_path, "shard-1-of-2", sweep=None, state="finished")
    view = take_snapshot(tmp_path, Gpus())
    assert [shard.record.shard for shard in view.shards] == ["shard-0-of-2", "shard-1-of-2"]
    assert view.older_records_hidden == 1


def test_process_on_another_machine_is_judged_by_the_age_of_its_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "shard-0-of-2", host="node1", pid=1, state="running")
    write(tmp_path, "shard-1-of-2", 200, host="node2", pid=1, state="running", job="7_1")
    text = as_text(tmp_path, capsys)
    assert "running · process 1 on node1 running" in text
    assert "lost · process 1 on node2 (job 7_1), last record 0:03:20 ago" in text


def test_shards_at_a_scheduler_are_queued_running_requeued_or_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = tmp_path / "queue.json"
    jobs = [
        SweepJob(f"shard-{number}-of-4", 0, 10, str(tmp_path / str(number)), "none", "none", number)
        for number in range(4)
    ]
    SweepRecord("sweep", tuple(jobs), queue_file=str(queue)).write(tmp_path)
    write_queue(
        queue,
        {
            0: QueuedJob(QUEUED, "7_0", "Resources"),
            1: QueuedJob(RUNNING, "7_1"),
            2: QueuedJob(QUEUED, "7_2", "BeginTime"),
            3: QueuedJob(ENDED, "7_3", "lost its node and was not requeued"),
        },
    )
    write(tmp_path, "shard-1-of-4", host="node2", job="7_1", state="running", total=10)
    write(tmp_path, "shard-2-of-4", 30, host="node2", job="7_2", state="running", total=10, done=4)
    write(tmp_path, "shard-3-of-4", 300, host="node3", job="7_3", state="running", total=10)
    view = take_snapshot(tmp_path, Gpus())
    assert [(each.record.shard[6], each.state, each.alive) for each in view.shards] == [
        ("1", "running", True),
        ("2", "requeued", False),
        ("3", "lost", False),
    ]
    assert [(each.shard, each.state, each.reason) for each in view.waiting] == [
        ("shard-0-of-4", "queued", "job 7_0: Resources")
    ]
    assert not view.ended
    text = as_text(tmp_path, capsys)
    assert "job 7_2: BeginTime" in text
    assert "lost its node and was not requeued" in text


def test_names_and_errors_are_shown_literally_in_80_columns(
    tmp_path: Path, worker: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        write(
            tmp_path,
            f"shard-{number}-of-3",
            pid=worker.pid,
            state="running",
            total=1_000_000,
            newest=["x" * 200, "人物が座る" * 30, "[red]not markup[/] \x1b[2J"],
            failed=1000,
            last_failure="[bold]name[/bold] (sample): two\nlines " + "y" * 200,
            device="cuda:0",
            device_memory_mb=12345.0,
        )
    text = as_text(tmp_path, capsys)
    assert "newest: [red]not markup[/] \\x1b[2J, 人物が座る" in text
    assert "1000 failed, last: [bold]name[/bold] (sample): two\\nlines yyy" in text
    assert "\x1b" not in text
    cells = [Console().render_str(line, markup=False).cell_len for line in text.splitlines()]
    assert max(cells) == 80
    assert len(cells) == 2 + 3 * 5 + 2  # nothing was wrapped


HOSTILE = "a\x1b[2J\x1b]0;title\x07\x9b31m\r\u202e\nb"


def test_no_control_character_of_a_record_reaches_the_terminal(
    tmp_path: Path, worker: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    text: dict[str, Any] = {"host": HOSTILE, "device": HOSTILE, "newest": [HOSTILE], "failed": 1}
    write(tmp_path, "shard-0-of-2", state=HOSTILE, last_failure=HOSTILE, sweep=HOSTILE, **text)
    write(tmp_path, "shard-1-of-2", state="running", last_failure="x" * 1_000_000, sweep=HOSTILE, **text)
    seen = as_text(tmp_path, capsys)
    assert not {each for each in seen if not each.isprintable()} - {"\n"}
    assert len(seen) < 5000
    assert all(each < "\x7f" for each in json.dumps(as_json(tmp_path, capsys)))


GOOD = {"shard": "shard-1-of-2", "run_folder": "run", "sweep": "sweep", "state": "finished", "total": 3, "done": 3}


@pytest.mark.parametrize(
    "content",
    [
        "[]", "null", "1", '""', "", "{", "\0", "[" * 100_000, '{"a": ' * 5000, "\ufeff{}",
        *(
            json.dumps({**GOOD, "shard": "shard-0-of-2", **change})
            for change in (
                {"shard": None}, {"shard": 99999999}, {"shard": []}, {"shard": "../../x"}, {"shard": "shard-2-of-2"},
                {"shard": "shard-0-of-" + "9" * 5000}, {"run_folder": "a\0b"}, {"run_folder": 7}, {"sweep": 1},
                {"state": None}, {"host": None}, {"pid": "1"}, {"pid": 2**70}, {"pid": -1}, {"pid": 0}, {"pid": 1.5},
                {"total": "3"}, {"total": None}, {"total": -1}, {"total": 10**30}, {"done": [1]}, {"failed": {}},
                {"started": "now"}, {"started": None}, {"started": 10**300}, {"updated": True}, {"newest": "kick"},
                {"newest": [1]}, {"newest": None}, {"poses_per_second": "fast"}, {"seconds_left": "soon"},
                {"exit_code": "0"}, {"exit_code": 2**70}, {"device": None}, {"last_failure": {}},
            )
        ),
        json.dumps({**GOOD, "shard": "shard-0-of-2"})[:-1] + ', "updated": 1e999}',
        json.dumps({**GOOD, "shard": "shard-0-of-2"})[:-1] + ', "updated": NaN}',
    ],
    ids=lambda content: content[:40],
)  # fmt: skip
def test_a_bad_record_is_one_line_and_hides_no_good_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    write(tmp_path, "shard-1-of-2", state="finished", exit_code=0, total=3, done=3)
    (tmp_path / ".mardm_batch" / "progress" / "shard-0-of-2.json").write_text(content)
    assert [shard["record"]["shard"] for shard in as_json(tmp_path, capsys)["shards"]] == ["shard-1-of-2"]
    lines = as_text(tmp_path, capsys).splitlines()
    assert (
        sum(line.startswith(".mardm_batch/progress/shard-0-of-2.json is no record of a run (") for line in lines) == 1
    )
    assert any("3 / 3" in line for line in lines)


def test_a_huge_number_of_shards_takes_no_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "shard-0-of-999999999", sweep=None, state="finished", exit_code=0, total=3, done=3)
    started = time.monotonic()
    view = as_json(tmp_path, capsys)
    assert (len(view["not_started"]), view["more_not_started"]) == (999, 999_998_999)
    assert "999,998,999 more shards not started" in as_text(tmp_path, capsys)
    assert time.monotonic() - started < 5


def launch(output: Path, shards: list[tuple[str, int, int]], pid: int | None = None, **values: Any) -> None:
    """Write the record of a sweep, whose runs are folders beside the output."""
    jobs = []
    for number, (shard, finished, total) in enumerate(shards):
        folder = output.parent / f"run-{number}"
        folder.mkdir()
        jobs.append(SweepJob(shard, finished, total, str(folder), f"{folder}/exit", f"{folder}/signal"))
    SweepRecord(**{"name": "sweep", "jobs": tuple(jobs), "pid": pid or os.getpid(), **values}).write(output)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "poses").mkdir()
    return tmp_path / "poses"


def test_shards_that_have_not_started_are_rows_and_count(
    output: Path, worker: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    launch(output, [("shard-0-of-4", 0, 1000), ("shard-1-of-4", 0, 1000), ("shard-3-of-4", 400, 1000)])
    running: dict[str, Any] = {"pid": worker.pid, "state": "running", "total": 1000, "poses_per_second": 2.0}
    write(output, "shard-0-of-4", **running, done=800, seconds_left=100.0)
    write(output, "shard-1-of-4", **running, done=400, seconds_left=300.0)
    view = as_json(output, capsys)
    assert (view["not_started"], view["ended"]) == (["shard-3-of-4"], False)
    totals = view["totals"]
    assert (totals["finished"], totals["total"], totals["seconds_left"]) == (1600, 3000, 400.0)  # 100 s, then 600 / 2
    lines = as_text(output, capsys).splitlines()
    row = next(line for line in lines if line.startswith("shard-3-of-4"))
    assert row.split()[2:] == ["400", "/", "1,000", "40", "%", "not", "started"]
    assert not any("shard-2-of-4" in line for line in lines)  # no part of the sweep


def test_a_sweep_that_was_only_launched_is_shown(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(output, "all", 500, sweep=None, state="finished", total=5, done=5)
    launch(output, [("shard-0-of-2", 0, 10), ("shard-1-of-2", 0, 10)])
    view = as_json(output, capsys)
    assert (view["sweep"], view["ended"], view["shards"], len(view["waiting"])) == ("sweep", False, [], 2)
    assert view["totals"]["seconds_left"] is None
    assert "0 / 20" in as_text(output, capsys)


def test_the_view_ends_with_the_launching_process_though_shards_wait(
    output: Path, worker: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    launch(output, [("shard-0-of-2", 0, 10), ("shard-1-of-2", 0, 10)], worker.pid)
    write(output, "shard-0-of-2", state="interrupted", exit_code=130, total=10, done=4)
    assert not as_json(output, capsys)["ended"]
    worker.kill()
    worker.wait()
    assert as_json(output, capsys)["ended"]
    text = as_text(output, capsys)
    assert "ended, 16 missing: shard-0-of-2 interrupted, shard-1-of-2 not started" in text
    assert "died" not in text


def test_a_refused_shard_shows_its_reason(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    launch(output, [("shard-0-of-2", 0, 10), ("shard-1-of-2", 0, 10)])
    for number in (0, 1):
        folder = output.parent / f"run-{number}"
        error = {"time": "12", "level": "ERROR", "logger": "a", "message": f"gpu {number}\x1b[2J", "exception": None}
        (folder / "errors.jsonl").write_text(json.dumps(error) + "\n")
        (folder / "exit").write_text("2")
    write(output, "shard-0-of-2", state="refused", exit_code=2, total=10, run_folder=str(output.parent / "run-0"))
    view = as_json(output, capsys)
    assert (view["shards"][0]["state"], view["waiting"][0]["state"], view["ended"]) == ("refused", "refused", True)
    text = as_text(output, capsys)
    assert "gpu 0\\x1b[2J" in text
    assert "gpu 1\\x1b[2J" in text


@pytest.mark.parametrize(
    ("number", "words"),
    [(9, "was killed by SIGKILL (out of memory?)"), (11, "was killed by SIGSEGV"), (99, "was killed by signal 99")],
)
def test_a_killed_run_names_its_signal(
    output: Path, capsys: pytest.CaptureFixture[str], number: int, words: str
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    launch(output, [("shard-0-of-2", 0, 10), ("shard-1-of-2", 0, 10)], gone.pid)
    for run in (0, 1):
        (output.parent / f"run-{run}" / "signal").write_text(str(number))
    write(output, "shard-0-of-2", state="running", pid=gone.pid, total=10, done=4)
    text = as_text(output, capsys)
    assert f"died · process {gone.pid} {words}, last record" in text
    assert f"\n  {words.removeprefix('was ')}\n" in text
    assert "shard-1-of-2 died" in text


def test_what_is_said_of_a_killed_run_is_whole_in_80_columns(output: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    launch(output, [("shard-0-of-1", 0, 10)], gone.pid)
    (output.parent / "run-0" / "signal").write_text("9")
    write(
        output, "shard-0-of-1", state="running", pid=gone.pid, total=10, done=4, device="cuda:0 NVIDIA H100 80GB HBM3"
    )
    lines = [str(line) for line in render_snapshot(take_snapshot(output, Gpus()), 80, None).renderables]
    start = next(number for number, line in enumerate(lines) if line.startswith("  died · "))
    assert max(map(len, lines)) <= 80
    text = " ".join(line.strip() for line in lines[start : start + 2])
    assert text.startswith(f"died · process {gone.pid} was killed by SIGKILL (out of memory?), last record ")
    assert text.endswith(" ago · cuda:0 NVIDIA H100 80GB HBM3")


def test_a_run_that_the_sweep_had_to_kill_was_stopped_by_it(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    launch(output, [("shard-0-of-1", 0, 10)], gone.pid)
    (output.parent / "run-0" / "signal").write_text("9")
    (output.parent / "run-0" / "exit").write_text("130")
    write(output, "shard-0-of-1", state="running", pid=gone.pid, total=10, done=4)
    text = as_text(output, capsys)
    assert "interrupted · ended 0:00:00 ago" in text
    assert "stopped by the sweep" in text
    assert "ended, up to 6 missing: shard-0-of-1 interrupted" in text
    assert "SIGKILL" not in text
    assert "died" not in text


@pytest.mark.parametrize("known", [True, False])
def test_the_poses_of_killed_runs_are_those_that_the_sweep_counted_at_its_end(
    output: Path, worker: Process, capsys: pytest.CaptureFixture[str], known: bool
) -> None:
    """Also of a run that was killed before it knew how many poses it had, or before it left any record."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    launch(output, [("shard-0-of-2", 2, 10), ("shard-1-of-2", 1, 10)], worker.pid)
    killed: dict[str, Any] = {"total": 10, "finished_before": 2, "done": 1} if known else {}
    write(output, "shard-0-of-2", state="running" if known else "starting", pid=gone.pid, **killed)
    for run in (0, 1):
        (output.parent / f"run-{run}" / "exit").write_text("130")
    assert not as_json(output, capsys)["ended"]  # the sweep is about to count
    sweep = read_sweep(output)
    assert sweep is not None
    jobs = [replace(job, finished_at_end=count) for job, count in zip(sweep.jobs, (7, 1), strict=True)]
    replace(sweep, jobs=tuple(jobs), pid=gone.pid).write(output)
    view = as_json(output, capsys)
    assert (view["ended"], view["totals"]["finished"], view["totals"]["total"]) == (True, 8, 20)
    assert [shard["finished"] for shard in (*view["shards"], *view["waiting"])] == [7, 1]
    assert "ended, 12 missing: shard-0-of-2 interrupted, shard-1-of-2 interrupted" in as_text(output, capsys)


@pytest.mark.parametrize(("unreadable", "again"), [(2, False), (1, True), (0, True)])
def test_captions_that_no_run_can_read_are_not_to_be_run_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], unreadable: int, again: bool
) -> None:
    write(tmp_path, "all", state="incomplete", exit_code=1, total=5, done=3, failed=2)
    errors = [(STAGE, NO_KNOWN_WORD)] * unreadable + [("sample", "broken")] * (2 - unreadable)
    FailureList(tmp_path).append([Failure(str(number), str(number), *each) for number, each in enumerate(errors)])
    text = " ".join(as_text(tmp_path, capsys).split())
    assert ("run the same command again" in text) == again
    assert (f"without any word that the model knows: {unreadable}; no run can make poses" in text) == (unreadable > 0)


def test_an_interrupted_run_that_had_finished_all_is_finished(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(output, "all", state="interrupted", exit_code=143, total=10, done=6, finished_before=4)
    assert as_json(output, capsys)["shards"][0]["state"] == "finished"
    assert "ended: all 10 poses are finished" in as_text(output, capsys)
    write(output, "all", state="interrupted", exit_code=130, total=10, done=6)
    text = as_text(output, capsys)
    assert "ended, 4 missing: the run was interrupted\n" in text
    advice = "run the same command again to make the missing poses; mardm_batch.verify lists them"
    assert " ".join(text.split("interrupted\n")[-1].split()) == advice


@pytest.mark.parametrize("content", ["[]", "{}", "[" * 100_000, "\0", '{"name": "a", "jobs": [1]}'])
def test_a_bad_record_of_a_sweep_hides_nothing(output: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    write(output, "all", state="finished", exit_code=0, total=3, done=3)
    (output / ".mardm_batch" / "sweep.json").write_text(content)
    assert "ended: all 3 poses are finished" in as_text(output, capsys)


@pytest.mark.parametrize(("height", "details", "shards"), [(24, 5, 5), (23, 0, 5), (9, 0, 5), (8, 0, 3), (5, 0, 0)])
def test_low_window_omits_details_then_finished_shards(
    tmp_path: Path, worker: Process, height: int, details: int, shards: int
) -> None:
    for number in range(4):
        write(tmp_path, f"shard-{number}-of-5", state="finished", newest=["kick"])
    write(tmp_path, "shard-4-of-5", state="running", pid=worker.pid, newest=["kick"])
    lines = [str(line) for line in render_snapshot(take_snapshot(tmp_path, Gpus()), 80, height).renderables]
    assert len(lines) <= height
    assert sum("newest" in line for line in lines) == details
    assert sum(line.startswith("shard-") for line in lines) == shards
    assert any(line.startswith("total") for line in lines)
    if shards == 3:
        assert lines[2].startswith("shard-4-of-5")
        assert "and 2 more shards" in lines[5]


def test_utilisation_is_of_the_gpu_that_the_process_is_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nvml = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda number: number,
        nvmlDeviceGetComputeRunningProcesses=lambda gpu: [SimpleNamespace(pid=[70, 71][gpu])],
        nvmlDeviceGetMemoryInfo=lambda gpu: SimpleNamespace(used=gpu * 2**30, total=80 * 2**30),
        nvmlDeviceGetUtilizationRates=lambda gpu: SimpleNamespace(gpu=[10, 97][gpu]),
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    gpus = Gpus()
    second = Gpu(97, 1024, 80 * 1024)
    assert gpus.gpu_of(Progress("all", "run", pid=71, device="cuda:0")) == second  # CUDA_VISIBLE_DEVICES=1
    assert gpus.gpu_of(Progress("all", "run", pid=5, device="cuda:1")) == second  # a container hides processes
    assert gpus.gpu_of(Progress("all", "run", pid=5, device="cuda:7")) is None
    assert gpus.gpu_of(Progress("all", "run", pid=71, device="cpu")) is None
    assert gpus.gpu_of(Progress("all", "run", pid=71, device="cuda:1", host="elsewhere")) is None
    write(tmp_path, "all", state="running", device="cuda:1", pid=os.getpid())
    lines = [str(line) for line in render_snapshot(take_snapshot(tmp_path, gpus), 120, None).renderables]
    assert any("cuda:1 · GPU 97 %, 1.0 GB of 80.0 GB" in line for line in lines)


def test_machine_without_nvml_shows_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert Gpus().gpu_of(Progress("all", "run", device="cuda:0")) is None


def test_a_run_that_had_nothing_to_make_again_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "all", sweep=None, state="finished", exit_code=0, left_out=6, left_out_finished=6)
    text = as_text(tmp_path, capsys)
    assert "with those that were not requested: 6 of 6 poses of the list are finished" in text
    assert "ended: no pose was requested" in text
    assert "%" not in text


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("empty", "no run has left a record in this folder; start a run first: "),
        ("", "no run has left a record in this folder; runs wrote to {0}/a, {0}/b, {0}/c and others: name one"),
        ("none here", "no such folder; start a run first: python -m mardm_batch 'paths.output="),
        ("file", "file: is not a folder; name the folder that a run writes its poses to\n"),
    ],
)
def test_nothing_to_show_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str, reason: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for name in "abcd":
        write(tmp_path / name, "all")
    with pytest.raises(SystemExit) as ending:
        main([str(tmp_path / folder)])
    error = capsys.readouterr().err
    assert ending.value.code == 2
    assert reason.format(tmp_path) in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (os.mkfifo, "is a FIFO, not a regular file; python -m mardm_batch.verify"),
        (Path.mkdir, "is a folder, not a regular file; python -m mardm_batch.verify"),
        (lambda path: path.symlink_to("/dev/null"), "is a device, not a regular file; python -m mardm_batch.verify"),
        (lambda path: path.write_text("{"), "is no record of a run (Expecting property name"),
    ],
    ids=["FIFO", "folder", "device", "not JSON"],
)
def test_what_is_no_record_is_named_with_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Callable[[Path], None], problem: str
) -> None:
    path = tmp_path / ".mardm_batch" / "progress" / "all.json"
    path.parent.mkdir(parents=True)
    make(path)
    with pytest.raises(SystemExit) as ending:
        main([str(tmp_path), "--once"])
    error = capsys.readouterr().err
    assert ending.value.code == 2
    assert error.startswith(f"error: {path} {problem}")
    assert error.count("\n") == 1
    assert "start a run" not in error
    write(tmp_path, "shard-0-of-1", state="finished", exit_code=0, total=3, done=3)
    assert f"\n.mardm_batch/progress/all.json {problem}"[:60] in as_text(tmp_path, capsys)
    assert f"python -m mardm_batch.verify {tmp_path} --repair sets it aside" in error


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.write_text("[]"), "is no record of a run (the document should be an object, not array)"),
        (lambda path: path.write_text("[" * 100_000), "is no record of a run (nested too deeply)"),
        (lambda path: path.write_text('{"name": 1, "jobs": {}}'), "is no record of a run (name should be string"),
        (os.mkfifo, "is a FIFO, not a regular file"),
        (Path.mkdir, "is a folder, not a regular file"),
    ],
    ids=["list", "nested", "types", "FIFO", "folder"],
)
def test_a_damaged_record_of_a_sweep_is_named_and_set_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Callable[[Path], None], problem: str
) -> None:
    write(tmp_path, "all", state="finished", exit_code=0, total=3, done=3)
    make(tmp_path / ".mardm_batch" / "sweep.json")
    said = " ".join(as_text(tmp_path, capsys).split())
    assert f".mardm_batch/sweep.json {problem}" in said
    assert ".mardm_batch/sweep.json" in {each.where for each in verify(tmp_path).problems}
    verify(tmp_path, repair=True)
    assert verify(tmp_path).problems == []
    assert "sweep.json" not in as_text(tmp_path, capsys)


@pytest.mark.parametrize("place", [".mardm_batch", ".mardm_batch/progress"])
def test_a_file_in_the_place_of_the_records_is_named_with_what_sets_it_aside(tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).touch()
    with pytest.raises(InputError, match=f"^{tmp_path / place} is a file; .*verify {tmp_path} --repair sets it aside$"):
        take_snapshot(tmp_path, Gpus())


def test_without_a_terminal_it_prints_once(tmp_path: Path, worker: Process, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "all", state="running", pid=worker.pid)
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("running ·") == 1


class Terminal:
    """The command in a terminal of 80 x 24."""

    def __init__(self, output: Path) -> None:
        self.side, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        command = [sys.executable, "-m", "mardm_batch.monitor", str(output), "--interval", "0.1"]
        environment = {**os.environ, "TERM": "xterm-256color"}
        self.process = subprocess.Popen(command, stdin=inside, stdout=inside, stderr=inside, env=environment)
        os.close(inside)
        self.seen = ""

    def read_until(self, text: str) -> None:
        """Raises EOFError where the command ends before."""
        while text not in self.seen:
            assert select.select([self.side], [], [], 20)[0], f"nothing new for 20 s after {self.seen}"
            try:
                chunk = os.read(self.side, 65536)
            except OSError:  # how Linux says it
                chunk = b""
            if not chunk:
                raise EOFError
            self.seen += chunk.decode(errors="replace")

    def read_to_end(self) -> int:
        with pytest.raises(EOFError):
            self.read_until("\0")
        os.close(self.side)
        return self.process.wait(timeout=10)


def test_live_view_ends_by_itself_when_the_last_process_is_gone(tmp_path: Path, worker: Process) -> None:
    write(tmp_path, "all", state="running", pid=worker.pid, total=10, done=3)
    terminal = Terminal(tmp_path)
    terminal.read_until("running for")
    worker.kill()
    worker.wait()
    assert terminal.read_to_end() == 0
    live, _, after = terminal.seen.partition("\x1b[?1049l")  # back from the alternate screen
    assert live.startswith("\x1b[?1049h")
    assert "ended, up to 7 missing: the run died" in after


def test_live_view_waits_for_a_run_that_has_not_started(tmp_path: Path, worker: Process) -> None:
    terminal = Terminal(tmp_path / "poses")
    terminal.read_until("waiting for a run")
    assert "no such folder; start a run first" in terminal.seen
    (tmp_path / "poses").mkdir()
    write(tmp_path / "poses", "all", state="running", pid=worker.pid, total=10, done=3)
    terminal.read_until("running for")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.read_to_end() == 143
    assert terminal.seen.endswith("interrupted\r\n")


def test_ctrl_c_ends_the_wait_for_a_run_with_one_line(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.read_until("waiting for a run")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.read_to_end() == 130
    assert "Traceback" not in terminal.seen
    assert terminal.seen.endswith("interrupted\r\n")


def test_ctrl_c_ends_the_live_view_and_leaves_what_it_last_showed(tmp_path: Path, worker: Process) -> None:
    write(tmp_path, "all", state="running", pid=worker.pid, total=10, done=3)
    terminal = Terminal(tmp_path)
    terminal.read_until("running for")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.read_to_end() == 130
    after = terminal.seen.partition("\x1b[?1049l")[2]
    assert "3 / 10" in after
    assert after.endswith("interrupted\r\n")
    assert "Traceback" not in after
