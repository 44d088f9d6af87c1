"""A run's process outlives the one that starts it, and the signal that kills it is known."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support import wait_until

from mardm_batch.launch.detached import DETACH


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
