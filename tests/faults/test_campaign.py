"""The campaign: many random faults, after each of which nothing is lost, torn, double, hung or orphaned.

python -m pytest -m slow tests/faults -n 0 -s        about 60 injections
MARDM_FAULTS=1000 MARDM_FAULTS_SEED=7 …              more, of other random moments
"""

import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.campaign import ERRORS, FIGURES, TIMEOUT, Injection, Saboteur, Server, kill_after
from tests.faults.damage import DAMAGES, Damage

pytestmark = pytest.mark.slow

INJECTIONS = int(os.environ.get("MARDM_FAULTS", "60"))
SEED = int(os.environ.get("MARDM_FAULTS_SEED", "3407"))
SHARES = {"kill run": 0.12, "kill writer": 0.12, "kill launcher": 0.03, "full disk": 0.1, "file call": 0.28,
          "damage": 0.3, "race": 0.05}  # fmt: skip


def numbers(kind: str) -> range:
    return range(max(1, round(INJECTIONS * SHARES[kind])))


def randomness(kind: str, number: int) -> random.Random:
    return random.Random(f"{SEED} {kind} {number}")


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """The library that makes calls fail; None where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    source = Path(__file__).with_name("shim.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    return library


@pytest.fixture(scope="module")
def server(shim: Path | None) -> Iterator[Server]:
    started = Server(shim)
    yield started
    started.close()
    print("\n" + FIGURES.table())


@pytest.fixture(scope="module")
def usual_seconds(server: Server, tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long a run takes to which nothing is done."""
    folder = tmp_path_factory.mktemp("usual")
    usual = Injection("usual", folder, server, tiny_weights, "render.enabled=false")
    ended = usual.run()
    assert ended.exit_code == 0, ended.output
    assert len(usual.finished()) == 8
    assert usual.verify().exit_code == 0, usual.said
    return ended.seconds


@pytest.fixture(scope="module")
def finished_folder(server: Server, tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder of a run with pictures that is finished."""
    folder = tmp_path_factory.mktemp("finished")
    made = Injection("finished", folder, server, tiny_weights)
    assert made.run().exit_code == 0, made.said
    return folder


@pytest.mark.parametrize("whom", ["run", "writer"])
def test_a_process_is_killed_at_any_moment(
    tmp_path: Path, server: Server, tiny_weights: Path, usual_seconds: float, whom: str
) -> None:
    for number in numbers(f"kill {whom}"):
        draw = randomness(whom, number)
        settings = ["render.enabled=false"] if draw.random() < 0.7 else []
        injection = Injection(f"kill {whom}", tmp_path / str(number), server, tiny_weights, *settings)
        injection.run(kill_after(draw.uniform(0, usual_seconds), whom, draw))
        injection.conclude()
    FIGURES.check(f"kill {whom}")


def test_the_launcher_of_a_sweep_is_killed(
    tmp_path: Path, server: Server, tiny_weights: Path, usual_seconds: float
) -> None:
    for number in numbers("kill launcher"):
        draw = randomness("launcher", number)
        injection = Injection("kill launcher", tmp_path / str(number), server, tiny_weights, "render.enabled=false")
        sweep = ("--multirun", "shard=0,1", "num_shards=2", "hydra.sweep.dir=sweep")
        injection.command(
            "mardm_batch", [*sweep, *injection.settings],
            kill_after(draw.uniform(0, 6 * usual_seconds), "launcher", draw),
        )  # fmt: skip
        injection.conclude()
    FIGURES.check("kill launcher")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting a file system needs root")
def test_a_disk_fills_at_any_point(tmp_path: Path, server: Server, tiny_weights: Path) -> None:
    for number in numbers("full disk"):
        draw = randomness("disk", number)
        folder = tmp_path / str(number)
        disk = folder / "disk"
        disk.mkdir(parents=True)
        size = draw.choice([f"size={draw.randint(4, 200)}k", f"nr_inodes={draw.randint(3, 40)}"])
        mount = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(disk)]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            pytest.skip("mounting is not allowed here")
        try:
            where = ("paths.output=disk/out", "paths.temp=disk/temp", "render.enabled=false")
            injection = Injection("full disk", folder, server, tiny_weights, *where)
            injection.out = disk / "out"
            (folder / "out").symlink_to("disk/out")
            injection.run()
            before = injection.finished()
            remount = ["mount", "-o", "remount,size=64m,nr_inodes=100000", str(disk)]
            subprocess.run(remount, check=True, capture_output=True)
            injection.conclude(before)
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=False)
    FIGURES.check("full disk")


def test_any_file_call_fails(
    tmp_path: Path, server: Server, shim: Path | None, tiny_weights: Path, usual_seconds: float
) -> None:
    if shim is None:
        pytest.skip("no C compiler to build the library that makes calls fail")
    count = tmp_path / "count"

    def fault(folder: Path, call: int, error: int) -> str:
        count.write_bytes(bytes(8))
        return f"{folder}/|{call}|{error}|{count}"

    usual = Injection("file call", tmp_path / "usual", server, tiny_weights, "render.enabled=false")
    assert usual.run(MARDM_FAULT=fault(usual.folder, 0, 0)).exit_code == 0, usual.said
    calls = int.from_bytes(count.read_bytes(), sys.byteorder)
    assert calls > 50, "the library does not see the calls"
    wanted = numbers("file call")
    for number in wanted:
        draw = randomness("call", number)
        call = 1 + (number * calls) // len(wanted) + draw.randrange(max(1, calls // len(wanted)))
        error, lasting = draw.choice(ERRORS), draw.random() < 0.3
        injection = Injection("file call", tmp_path / str(number), server, tiny_weights, "render.enabled=false")
        injection.said.append(f"call {call} of {calls} fails with {error}, lasting: {lasting}")
        injection.run(MARDM_FAULT=fault(injection.folder, -call if lasting else call, error))
        injection.conclude()
    FIGURES.check("file call")


def test_any_damage_is_repaired(tmp_path: Path, server: Server, tiny_weights: Path, finished_folder: Path) -> None:
    for number in numbers("damage"):
        draw = randomness("damage", number)
        damage: Damage = DAMAGES[number % len(DAMAGES)]
        injection = Injection("damage", tmp_path / str(number), server, tiny_weights)
        shutil.copytree(finished_folder / "out", injection.out)
        shutil.copytree(finished_folder / "log", injection.folder / "log")
        injection.said.append(damage.__name__)
        damage(injection.out, draw)
        if draw.random() < 0.5:
            assert injection.run().exit_code in (0, 1, 2), injection.said
        injection.settle()
    FIGURES.check("damage")


def test_two_runs_of_one_folder_at_once(
    tmp_path: Path, server: Server, shim: Path | None, tiny_weights: Path, usual_seconds: float
) -> None:
    other = Server(shim)
    for number in numbers("race"):
        draw = randomness("race", number)
        folder = tmp_path / str(number)
        one, two = (Injection("race", folder, each, tiny_weights, "render.enabled=false") for each in (server, other))
        wait = draw.uniform(0, usual_seconds)

        done = threading.Event()
        one.run(start_after(wait, two, done))
        assert done.wait(TIMEOUT)
        one.bad.update(two.bad)
        one.said += two.said
        one.conclude()
    other.close()
    FIGURES.check("race")


def start_after(seconds: float, injection: Injection, done: threading.Event) -> Saboteur:
    """Start a second run beside the first."""

    def start(_: int) -> None:
        time.sleep(seconds)
        injection.command("mardm_batch", ["hydra.run.dir=log2", *injection.settings])
        done.set()

    return start
