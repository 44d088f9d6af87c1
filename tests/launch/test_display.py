"""One display for all runs of a sweep, by the records that they leave."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.launch.test_jobs import jobs_of
from tests.support import write_captions

from mardm_batch.dataset.progress import Progress
from mardm_batch.launch.display import MessageFiles, SumDisplay, SweepDisplay
from mardm_batch.launch.plan import message_file, status_folder


@pytest.fixture
def display(tmp_path: Path) -> SweepDisplay:
    """Of three shards of seven poses, of which two have begun."""
    write_captions(tmp_path, [f"A person number {each}" for each in range(7)])
    paths = f"paths.prompts={tmp_path}/captions.txt paths.output={tmp_path}/poses"
    for shard, total, before, done, failed in ((0, 3, 1, 2, 0), (1, 2, 0, 0, 1)):
        record = Progress(f"shard-{shard}-of-3", "log", f"{tmp_path.name}-sweep")
        record.total, record.finished_before, record.done, record.failed = total, before, done, failed
        record.write(tmp_path / "poses")
    Progress("shard-2-of-3", "log", "an-earlier-sweep", total=2, done=2).write(tmp_path / "poses")
    return SweepDisplay(jobs_of(*(f"shard={each} {paths}" for each in range(3))), str(tmp_path / "sweep"))


def test_the_display_of_a_sweep_adds_up_its_runs_and_those_that_have_not_begun(display: SweepDisplay) -> None:
    with display:
        pass
    assert (display.display.total, display.display.done, display.display.failed) == (6, 2, 1)


def test_the_rate_of_a_sweep_fits_its_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr("time.monotonic", lambda: clock.now)
    display = SumDisplay(30, bar=False)
    for _ in range(2):
        clock.now += 10
        display.advance(done=5)
    assert (display.rate, display.seconds_left) == (0.5, 40.0)
    clock.now += 10  # the next run loads its model
    assert (display.rate, display.seconds_left) == (0.5, 30.0)


def test_messages_of_runs_are_printed_line_by_line_once(tmp_path: Path) -> None:
    messages = MessageFiles(str(tmp_path), 2)
    assert messages.new_lines() == []
    status_folder(str(tmp_path)).mkdir()
    message_file(str(tmp_path), 0).write_bytes(b"shard 0: one\nshard 0: tw")
    message_file(str(tmp_path), 1).write_bytes(b"shard 1: \xff\n")
    assert messages.new_lines() == ["shard 0: one", "shard 1: \ufffd"]
    with message_file(str(tmp_path), 0).open("a") as file:
        file.write("o\n")
    assert messages.new_lines() == ["shard 0: two"]
