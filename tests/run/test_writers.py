"""Worker processes that draw and write: one that dies costs its own pose alone, and none outlives the run."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from tests.looks import theme
from tests.support import wait_until

from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.records import Pose, Provenance
from mardm_batch.dataset.store import PoseStore
from mardm_batch.prompts.names import Prompt
from mardm_batch.run.writers import PoseWriters, WriterSettings

PROVENANCE = Provenance("embedded", 1, 8, {})


def settings_in(folder: Path, pictures: bool = False) -> WriterSettings:
    output, staging = folder / "poses", folder / "temp"
    output.mkdir()
    staging.mkdir()
    formats = (PNG, NPY) if pictures else (NPY,)
    return WriterSettings(PoseStore(output, formats), staging, theme() if pictures else None)


def pose(number: int, value: float | None = None) -> Pose:
    joints = np.random.default_rng(number).normal(size=(22, 3)).astype(np.float32)
    if value is not None:
        joints[0, 0] = value
    return Pose(Prompt(f"pose_{number}", f"A person {number}"), joints, 8, 0)


class Deadly(Prompt):
    """A caption that kills the process that is to write its pose."""

    def __reduce__(self) -> tuple[object, ...]:
        return signal.raise_signal, (signal.SIGKILL,)


def worker_processes() -> list[psutil.Process]:
    """The drawing processes of this one, from their start."""
    return [each for each in psutil.Process().children() if "spawn_main" in " ".join(each.cmdline())]


def test_all_poses_are_written_and_reported(tmp_path: Path) -> None:
    with PoseWriters(settings_in(tmp_path, pictures=True), workers=2) as writers:
        outcomes = [outcome for number in range(20) for outcome in writers.write([pose(number)], PROVENANCE)]
        outcomes += writers.finish()
    assert {each.pose.prompt.name for each in outcomes} == {f"pose_{number}" for number in range(20)}
    assert all(each.failure is None for each in outcomes)
    for suffix in (".png", ".npy", ".json"):
        assert len(list((tmp_path / "poses").glob(f"*{suffix}"))) == 20
    assert list((tmp_path / "temp").iterdir()) == []


def test_a_pose_that_cannot_be_drawn_costs_itself_alone(tmp_path: Path) -> None:
    with PoseWriters(settings_in(tmp_path, pictures=True), workers=1) as writers:
        outcomes = [
            *writers.write([pose(0)], PROVENANCE),
            *writers.write([pose(1, float("nan"))], PROVENANCE),
            *writers.write([pose(2)], PROVENANCE),
        ]
        outcomes += writers.finish()
    failures = {each.pose.prompt.name: each.failure for each in outcomes}
    assert failures["pose_0"] is None
    assert failures["pose_2"] is None
    assert failures["pose_1"] is not None
    assert failures["pose_1"].stage == "write"
    assert not list((tmp_path / "poses").glob("pose_1.*"))


@pytest.mark.parametrize("suffix", [".json", ".npy"])
def test_a_folder_in_the_place_of_a_file_of_a_pose_is_named_with_what_mends_it(tmp_path: Path, suffix: str) -> None:
    with PoseWriters(settings_in(tmp_path), workers=1) as writers:
        folder = tmp_path / "poses" / f"pose_0{suffix}"
        folder.mkdir()
        (outcome,) = [*writers.write([pose(0)], PROVENANCE), *writers.finish()]
    command = f"python -m mardm_batch.verify {tmp_path}/poses --repair"
    assert outcome.failure is not None
    assert outcome.failure.error == f"{folder} is a folder; {command} sets it aside"


def test_a_killed_worker_loses_no_pose(tmp_path: Path) -> None:
    with PoseWriters(settings_in(tmp_path), workers=1) as writers:
        outcomes = list(writers.write([pose(0)], PROVENANCE))
        while not outcomes:
            outcomes += writers.done()
        (worker,) = worker_processes()
        worker.kill()
        for number in range(1, 10):
            outcomes += writers.write([pose(number)], PROVENANCE)
        outcomes += writers.finish()
    assert sorted(each.pose.prompt.name for each in outcomes) == sorted(f"pose_{number}" for number in range(10))
    assert all(each.failure is None for each in outcomes)
    assert len(list((tmp_path / "poses").glob("*.json"))) == 10


PARENT = """
import sys, time
from pathlib import Path
sys.path[:0] = [{tests!r}, {root!r}]
from test_writers import settings_in, worker_processes
from mardm_batch.run.writers import PoseWriters
if __name__ == "__main__":
    writers = PoseWriters(settings_in(Path({folder!r})), workers=2)
    while len(worker_processes()) < 2:
        time.sleep(0.01)
    print(*(each.pid for each in worker_processes()), flush=True)
    time.sleep(60)
"""


def test_what_is_written_while_a_run_ends_is_reported(tmp_path: Path) -> None:
    with PoseWriters(settings_in(tmp_path), workers=1) as writers:
        outcomes = [outcome for number in range(30) for outcome in writers.write([pose(number)], PROVENANCE)]
        outcomes += writers.stop()
    assert {each.pose.prompt.name for each in outcomes} == {path.stem for path in (tmp_path / "poses").glob("*.json")}


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_workers_go_when_their_run_is_killed(tmp_path: Path, number: int) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        PARENT.format(tests=str(Path(__file__).parent), root=str(Path(__file__).parents[2]), folder=str(tmp_path))
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = [int(word) for word in parent.stdout.readline().split()]
    assert len(workers) == 2
    time.sleep(1.5)  # as a rule they are past their imports then, and wait for poses
    parent.send_signal(number)
    parent.wait()
    wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), seconds=60)


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_worker_that_ends_as_all_end_is_not_waited_for(tmp_path: Path, number: int) -> None:
    with PoseWriters(settings_in(tmp_path), workers=3) as writers:
        outcomes = [*writers.write([pose(0), pose(1), pose(2)], PROVENANCE), *writers.finish()]
        for each in worker_processes()[:2]:
            each.send_signal(number)
    assert len(outcomes) == 3
    assert worker_processes() == []


def test_a_worker_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mardm_batch.system.workers.SECONDS_TO_END", 0.3)
    with PoseWriters(settings_in(tmp_path), workers=2) as writers:
        assert len([*writers.write([pose(0), pose(1)], PROVENANCE), *writers.finish()]) == 2
        stuck, _ = worker_processes()
        stuck.suspend()
    assert worker_processes() == []


def test_a_pose_that_kills_its_worker_costs_itself_alone(tmp_path: Path) -> None:
    with PoseWriters(settings_in(tmp_path), workers=2) as writers:
        poses = [pose(number) for number in range(6)]
        poses[2] = replace(poses[2], prompt=Deadly("pose_2", "A person 2"))
        outcomes = [*writers.write(poses, PROVENANCE), *writers.finish()]
    failures = {each.pose.prompt.name: each.failure for each in outcomes}
    assert [name for name, failure in failures.items() if failure is not None] == ["pose_2"]
    assert failures["pose_2"] is not None
    assert failures["pose_2"].error == "the drawing process died"
    assert len(list((tmp_path / "poses").glob("*.json"))) == 5


def test_a_worker_that_is_killed_as_it_starts_costs_nothing(tmp_path: Path) -> None:
    with PoseWriters(settings_in(tmp_path), workers=2) as writers:
        while not (starting := worker_processes()):
            time.sleep(0.001)
        starting[0].kill()
        poses = [pose(number) for number in range(40)]
        outcomes = [*writers.write(poses, PROVENANCE), *writers.finish()]
    assert sorted(each.pose.prompt.name for each in outcomes) == sorted(each.prompt.name for each in poses)
    assert all(each.failure is None for each in outcomes)
