"""Signals: one line and an exit code that names the signal, from the first moment; started processes are shielded."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import wait_until

from mardm_batch.system.early_signals import SIGNALS
from mardm_batch.system.signals import (
    WARNINGS,
    Interrupted,
    accept_signals,
    defer_signals,
    raise_on_signals,
    shield_started_processes,
)

NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def hangups_are_not_ignored() -> Iterator[None]:
    """As without `nohup`, which may have started the tests."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_becomes_its_exit_code(number: signal.Signals) -> None:
    with pytest.raises(Interrupted) as interrupted, raise_on_signals():
        signal.raise_signal(number)
    assert interrupted.value.exit_code == 128 + number


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_two_signals_at_the_same_instant_are_one_interruption(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Interrupted), raise_on_signals():
        raise_at_once(signal.SIGTERM, signal.SIGINT)
    assert capfd.readouterr().err == ""


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_in_a_destructor_which_swallows_exceptions_interrupts_all_the_same(
    capfd: pytest.CaptureFixture[str],
) -> None:
    called: list[int] = []

    class Interrupting:
        def __del__(self) -> None:
            called.append(1)
            signal.raise_signal(signal.SIGTERM)
            called.append(2)

    def drop_and_wait() -> None:
        Interrupting()
        time.sleep(10)

    with pytest.raises(Interrupted) as interrupted, raise_on_signals():
        drop_and_wait()
    assert (interrupted.value.number, called) == (signal.SIGTERM, [1])
    assert capfd.readouterr().err == ""


def raise_at_once(*numbers: signal.Signals) -> None:
    """They wait, blocked, until all of them are there."""
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    for number in numbers:
        signal.raise_signal(number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)


def test_a_hang_up_that_is_ignored_as_under_nohup_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with raise_on_signals(), defer_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_process_that_is_started_shielded_is_reached_once_it_accepts(number: signal.Signals) -> None:
    reached: list[int] = []
    before = signal.signal(number, lambda number, frame: reached.append(number))
    code = "import signal; print(*sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))"
    try:
        with shield_started_processes():
            signal.raise_signal(number)
            shielded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            assert reached == []
        assert reached == [number]
        assert shielded.stdout.split() == [str(int(each)) for each in sorted((*SIGNALS, *WARNINGS))]
        accept_signals()
        assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & set(SIGNALS)
    finally:
        signal.signal(number, before)


WAITING = """
import sys, time
class Waiting:
    @staticmethod
    def find_spec(name, path, target=None):
        if name == {module!r}:
            open("there", "w")
            time.sleep(60)
sys.meta_path.insert(0, Waiting)
"""
"""A sitecustomize.py: Python waits where it looks for a module."""


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    ("command", "module"),
    [
        (["-m", "mardm_batch"], "mardm_batch.__main__"),
        (["-um", "mardm_batch.verify"], "mardm_batch.verify"),
        (["-m", "mardm_batch.train"], "mardm_batch.train"),
        (["-c", "from mardm_batch.__main__ import main; main()"], "mardm_batch.cli"),  # as the installed script does
    ],
)
def test_a_signal_during_the_imports_is_one_line(
    tmp_path: Path, number: signal.Signals, command: list[str], module: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(WAITING.format(module=module))
    process = start_python(tmp_path, command)
    wait_until((tmp_path / "there").exists)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (128 + number, "interrupted\n")


HANDLERS = "import signal, mardm_batch; print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)"


def test_who_imports_the_package_keeps_the_own_handlers(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "__init__.py").write_text(HANDLERS)
    (tmp_path / "other" / "mardm_batch.py").touch()
    for command in (["-c", HANDLERS], ["-m", "other.mardm_batch"]):
        process = start_python(tmp_path, command)
        assert process.communicate(timeout=30) == ("True\n", "")


def start_python(folder: Path, arguments: list[str]) -> subprocess.Popen[str]:
    """Python in a folder that is also the first in which it looks for modules."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])}
    pipe = subprocess.PIPE
    command = [sys.executable, *arguments]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True)


STARTING = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = [{tests!r}, {root!r}]
from test_writers import settings_in
from mardm_batch.run.writers import PoseWriters
from mardm_batch.system.signals import Interrupted, raise_on_signals
from mardm_batch.system.workers import Workers
if __name__ == "__main__":
    start = Workers.start
    def start_and_signal(self):
        worker = start(self)
        os.killpg(0, {number})  # in the middle of the start of the workers
        return worker
    Workers.start = start_and_signal
    try:
        with raise_on_signals(), PoseWriters(settings_in(Path({folder!r})), workers=2):
            pass
    except Interrupted as interruption:
        sys.exit(interruption.exit_code)
"""


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, *(pytest.param(other, marks=pytest.mark.slow) for other in (signal.SIGINT, signal.SIGHUP))],
)
def test_a_signal_to_all_processes_while_the_writers_start_shows_no_traceback(
    tmp_path: Path, number: signal.Signals
) -> None:
    tests = Path(__file__).parents[1]
    script = tmp_path / "starting.py"
    script.write_text(
        STARTING.format(tests=str(tests / "run"), root=str(tests.parent), number=int(number), folder=str(tmp_path))
    )
    command = [sys.executable, str(script)]
    result = subprocess.run(command, capture_output=True, text=True, start_new_session=True, env=os.environ, timeout=60)
    assert (result.returncode, result.stderr) == (128 + number, "")


def test_signals_are_ignored_as_python_ends(tmp_path: Path) -> None:
    code = (
        "import atexit, os, signal; from mardm_batch.system import early_signals\n"
        "atexit.register(lambda: os.write(1, str(signal.getsignal(15)).encode()))\n"  # called after those set later
        "early_signals.exit_on_signals(); atexit.register(os.write, 1, b'others first, ')"
    )
    output = start_python(tmp_path, ["-c", code]).communicate(timeout=30)
    assert output == (f"others first, {signal.SIG_IGN}", "")
