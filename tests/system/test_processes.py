"""Processes of this machine: whether one runs, and whether it is the one that was recorded."""

import errno
import os
import subprocess
import sys
import threading
import time
from multiprocessing.context import SpawnContext

import pytest

from mardm_batch.errors import InputError
from mardm_batch.system.processes import (
    available_cores,
    check_semaphores,
    existed_at,
    on_process_exit,
    process_is_alive,
)


def test_a_process_that_has_ended_is_not_alive_though_nobody_waited_for_it() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert child.stdin is not None
    assert process_is_alive(child.pid)
    child.stdin.close()
    deadline = time.monotonic() + 20
    while process_is_alive(child.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not process_is_alive(child.pid)  # a zombie
    os.kill(child.pid, 0)
    child.wait()
    assert not process_is_alive(child.pid)


def test_a_process_did_not_exist_long_before_it_started() -> None:
    assert existed_at(os.getpid(), time.time())
    assert not existed_at(os.getpid(), time.time() - 7 * 86400)
    assert not existed_at(999_999_999, time.time())


def test_the_end_of_a_process_calls_the_action() -> None:
    called = threading.Event()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    on_process_exit(child.pid, called.set)
    assert not called.wait(1)
    assert child.stdin is not None
    child.stdin.close()
    assert called.wait(20)
    child.wait()


def test_the_cores_are_those_that_the_process_may_use() -> None:
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    code += "from mardm_batch.system.processes import available_cores; print(available_cores())"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "1\n"
    assert available_cores() >= 1


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC, errno.ENOENT])
def test_processes_that_cannot_share_semaphores_are_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    check_semaphores()

    def lock(self: SpawnContext) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(SpawnContext, "Lock", lock)
    with pytest.raises(InputError, match=f"^/dev/shm: {os.strerror(number)}: .*--shm-size") as refused:
        check_semaphores()
    assert "\n" not in str(refused.value)
