"""A run's process outlives the one that starts it, and the signal that kills it is known."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.launch.test_jobs import jobs_of
from tests.support import wait_until

from mardm_batch.dataset.staging import staging_folder
from mardm_batch.launch import detached
from mardm_batch.launch.detached import DETACH, stop_runs, warning_filters
from mardm_batch.launch.plan import EXIT_CODE, PROCESS_ID, Plan, read_status, write_status
from mardm_batch.system.processes import process_is_alive
from mardm_batch.system.signals import blocked_signals


def start(status: Path, *command: str) -> int:
    """Start a command as runs are started; its process id."""
    words = [sys.executable, "-c", DETACH, str(status), *command]
    return int(subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_the_signal_that_kills_a_run_is_left_as_its_status(tmp_path: Path, number: signal.Signals) -> None:
    pid = start(tmp_path / "signal", "sleep", "60")
    assert os.getsid(pid) == pid  # out of the reach of Ctrl-C
    os.kill(pid, number)
    wait_until((tmp_path / "signal").exists)
    wait_until(lambda: (tmp_path / "signal").read_text() == str(number.value))


def test_a_run_that_ends_by_itself_leaves_no_signal(tmp_path: Path) -> None:
    start(tmp_path / "signal", "sh", "-c", f"echo done > {tmp_path}/done; exit 3")
    wait_until((tmp_path / "done").exists)
    time.sleep(0.5)
    assert not (tmp_path / "signal").exists()


@pytest.mark.parametrize("second_signal", [True, False])
def test_an_interrupted_run_that_does_not_end_is_killed_at_a_second_signal_or_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second_signal: bool
) -> None:
    monkeypatch.setattr(detached, "SECONDS_UNTIL_SECOND_SIGNAL", 0.1)
    monkeypatch.setattr(detached, "SECONDS_TO_STOP", 60.0 if second_signal else 0.1)
    jobs = jobs_of(*(f"shard={each} paths.output={tmp_path}/poses paths.temp={tmp_path}/temp" for each in (0, 1)))
    (tmp_path / "poses" / ".mardm_batch").mkdir(parents=True)
    with staging_folder(tmp_path / "temp", tmp_path / "poses", "shard-0-of-3") as staging:
        (staging / "half.png").write_bytes(b"")
        ready, written = tmp_path / "ready", tmp_path / "written"
        # Of its two processes the one that writes ends by itself.
        script = f"trap '' INT; (trap '' INT; sleep 0.5; echo whole > {written}) & echo > {ready}; wait; sleep 60"
        write_status(str(tmp_path), 0, PROCESS_ID, start(tmp_path / "signal", "sh", "-c", script))
        wait_until(ready.exists)
        if second_signal:
            threading.Timer(0.4, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        plan = Plan(str(tmp_path), os.getpid(), [], [])
        started = time.monotonic()
        stop_runs(plan, jobs, signal.SIGINT)
        assert time.monotonic() - started < 10
        assert written.read_text() == "whole\n"
        assert not staging.exists()
    assert read_status(str(tmp_path), 0, EXIT_CODE) == 130
    assert read_status(str(tmp_path), 1, EXIT_CODE) is None  # never started


def test_a_sweep_that_is_interrupted_before_its_first_run_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stop_runs(Plan(str(tmp_path), os.getpid(), [], []), jobs_of(f"paths.output={tmp_path}/poses"), signal.SIGTERM)
    assert caplog.messages == ["interrupted"]


def test_a_run_begins_with_signals_that_wait_until_it_can_handle_them(tmp_path: Path) -> None:
    """The signal comes at once, while Python starts, and neither ends it with a traceback nor gets lost."""
    messages = tmp_path / "messages"
    with messages.open("wb") as file, blocked_signals():
        words = [sys.executable, "-c", DETACH, str(tmp_path / "signal"), sys.executable, "-m", "mardm_batch"]
        command = subprocess.run([*words, "--version"], stdout=subprocess.PIPE, stderr=file, check=True, timeout=60)
    pid = int(command.stdout)
    os.kill(pid, signal.SIGINT)
    wait_until(lambda: not process_is_alive(pid))
    assert messages.read_text() == "interrupted\n"


def test_the_user_s_filters_of_warnings_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    assert warning_filters() == "error,ignore:resource_tracker:UserWarning"
    monkeypatch.delenv("PYTHONWARNINGS")
    assert warning_filters() == "ignore:resource_tracker:UserWarning"
