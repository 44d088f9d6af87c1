"""A sweep: its runs cannot take each other down, and its end says what is missing."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support import assert_whole, run_command, sweep_in_process, wait_until, write_captions

from mardm_batch.dataset.progress import read_progress
from mardm_batch.system.processes import process_is_alive

CAPTIONS = [f"A person in pose number {number}" for number in range(45)]


MANY_CAPTIONS = [f"A person in pose number {number}" for number in range(300)]
"""So many that every shard is at work for longer than a second, which is how often it says how far it is."""


def sweep_arguments(folder: Path, weights: Path, *more: str, captions: list[str] = CAPTIONS) -> list[str]:
    prompts = write_captions(folder, captions)
    return ["--multirun", "shard=0,1,2", "+preset=fast", prompts, f"model.weights={weights}", *more]


def start_sweep(folder: Path, weights: Path, *more: str, captions: list[str] = CAPTIONS) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "mardm_batch", *sweep_arguments(folder, weights, *more, captions=captions)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def descendants(pid: int) -> set[int]:
    """All processes below one, and those that have the same working folder: a run is nobody's child."""
    folder = Path(f"/proc/{pid}/cwd").resolve()
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int(entry.name) != pid and (entry / "cwd").resolve() == folder:
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def assert_gone(pids: set[int], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while any(map(process_is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in pids if process_is_alive(pid)]


def test_the_shards_of_a_sweep_make_all_poses_once(tmp_path: Path, tiny_weights: Path) -> None:
    result = run_command(*sweep_arguments(tmp_path, tiny_weights, "tracking.mode=offline"), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "nothing is missing" in result.stderr
    assert_whole(tmp_path / "SinglePose", CAPTIONS)
    shards = read_progress(tmp_path / "SinglePose")
    assert [each.state for each in shards] == ["finished"] * 3
    assert [each.done for each in shards] == [15] * 3
    assert len({each.sweep for each in shards}) == 1
    assert len(list(tmp_path.glob("wandb/offline-run-*/*.wandb"))) == 3
    for number in range(3):
        (summary,) = tmp_path.glob(f"multirun/*/*/{number}/summary.json")
        content = json.loads(summary.read_text())
        assert (content["exit_code"], content["metrics"]["poses_done"]) == (0, 15)


def run_process(folder: Path) -> int:
    """The process that makes the poses of a random shard, stopped before it has come to its end."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        shards = read_progress(folder / "SinglePose")
        running = [each.pid for each in shards if each.alive and each.state == "running"]
        if not running:  # one has ended, and the next has not begun
            time.sleep(0.1)
            continue
        pid = random.choice(running)
        os.kill(pid, signal.SIGSTOP)
        if any(each.pid == pid and each.state == "running" for each in read_progress(folder / "SinglePose")):
            return pid
        os.kill(pid, signal.SIGCONT)
    raise AssertionError("no shard is running")


def says_that_not_all_is_made(errors: str) -> bool:
    """The one who was killed may have written its last pose just before."""
    return "poses are missing" in errors or "not every run finished" in errors


def joblib_worker(folder: Path, launcher: int) -> int:
    """A random process of joblib's pool."""
    pool = [pid for pid in descendants(launcher) if b"LokyProcess" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return random.choice(pool)


def test_a_killed_run_takes_no_other_shard_with_it(tmp_path: Path, tiny_weights: Path) -> None:
    small_batches = ("tracking.mode=disabled", "sampling.batch_size=1")
    together = (*small_batches, "hydra.launcher.n_jobs=3")
    sweep = start_sweep(tmp_path, tiny_weights, *together, captions=MANY_CAPTIONS)
    wait_until(lambda: sum(each.done > 2 for each in read_progress(tmp_path / "SinglePose") if each.alive) >= 1)
    family = descendants(sweep.pid)
    os.kill(run_process(tmp_path), signal.SIGKILL)
    _, errors = sweep.communicate(timeout=200)
    assert "Traceback" not in errors
    assert_gone(family)
    assert sweep.returncode == 1, errors
    assert "was killed by SIGKILL (out of memory?)" in errors
    assert says_that_not_all_is_made(errors)
    states = sorted(each.state for each in read_progress(tmp_path / "SinglePose"))
    assert states == ["finished", "finished", "running"]
    arguments = sweep_arguments(tmp_path, tiny_weights, *small_batches, captions=MANY_CAPTIONS)
    assert sweep_in_process(*arguments[1:], cwd=tmp_path).returncode == 0
    assert_whole(tmp_path / "SinglePose", MANY_CAPTIONS)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, -9, marks=pytest.mark.slow),
    ],
)
def test_no_process_survives_the_end_of_the_launcher(
    tmp_path: Path, tiny_weights: Path, number: int, code: int
) -> None:
    captions = [f"A person in pose number {number}" for number in range(3000)]  # no shard is ready before the signal
    sweep = start_sweep(tmp_path, tiny_weights, "tracking.mode=disabled", "sampling.batch_size=1", captions=captions)
    wait_until(lambda: any(each.done > 2 for each in read_progress(tmp_path / "SinglePose")))
    family = descendants(sweep.pid)
    assert len(family) >= 3
    sweep.send_signal(number)
    assert_gone(family)
    _, errors = sweep.communicate(timeout=20)
    assert sweep.returncode == code, errors
    assert "Traceback" not in errors
    if number != signal.SIGKILL:
        assert says_that_not_all_is_made(errors)
        codes = {file.read_text() for file in tmp_path.glob("multirun/*/*/.sweep/*.exit_code")}
        assert str(code) in codes <= {"0", str(code)}  # the runs get the signal as it came
    assert not list((tmp_path / "SinglePose").glob("*.partial"))


def test_the_death_of_a_launcher_s_worker_leaves_its_run_alive(tmp_path: Path, tiny_weights: Path) -> None:
    """Two shards at once, by the user's word: the pool breaks, and the runs that it started go on."""
    sweep = start_sweep(tmp_path, tiny_weights, "tracking.mode=disabled", "hydra.launcher.n_jobs=2")
    wait_until(lambda: any(each.alive for each in read_progress(tmp_path / "SinglePose")))
    started = {int(file.read_text()) for file in tmp_path.glob("multirun/*/*/.sweep/*.pid")}
    os.kill(joblib_worker(tmp_path, sweep.pid), signal.SIGKILL)
    assert all(process_is_alive(pid) for pid in started)
    _, errors = sweep.communicate(timeout=200)
    assert "3 jobs, 2 at once" in errors
    assert sweep.returncode == 0, errors
    assert_whole(tmp_path / "SinglePose", CAPTIONS)


def in_process_arguments(folder: Path, weights: Path, *more: str) -> list[str]:
    prompts = write_captions(folder, CAPTIONS)
    return ["shard=0,1,2", "+preset=fast", prompts, f"model.weights={weights}", *FEW, *more]


FEW = ("tracking.mode=disabled", "render.enabled=false", "cpu_threads=1", "limit=3")


def test_a_sweep_judges_by_its_runs_not_only_by_what_is_on_disk(tmp_path: Path, tiny_weights: Path) -> None:
    arguments = in_process_arguments(tmp_path, tiny_weights)
    assert sweep_in_process(*arguments, cwd=tmp_path).returncode == 0
    refused = sweep_in_process(*arguments, "existing=error", cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr == "error: existing=error: 1 of 1 pose is finished in SinglePose already\n"
    (tmp_path / "SinglePose" / f"{sorted(tmp_path.glob('SinglePose/*.json'))[0].stem}.json").unlink()
    retried = sweep_in_process(*arguments, "retry=failed", cwd=tmp_path)
    assert retried.returncode == 0, retried.stderr
    assert "1 is missing and was not requested" in retried.stderr


@pytest.mark.slow
def test_hydra_s_own_launcher_makes_one_shard_after_another(tmp_path: Path, tiny_weights: Path) -> None:
    """The time in the name of a folder is the same for all of them."""
    more = [*FEW, "paths.output=poses/${now:%H-%M-%S-%f}", "hydra/launcher=basic", "num_shards=2"]
    arguments = [word.replace("0,1,2", "0,1") for word in sweep_arguments(tmp_path, tiny_weights, *more)]
    result = run_command(*arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "2 jobs, 1 at once" in result.stderr
    (folder,) = (tmp_path / "poses").iterdir()
    assert len(list(folder.glob("*.npy"))) == 3


def test_each_job_of_a_sweep_can_have_a_folder_by_its_number(tmp_path: Path, tiny_weights: Path) -> None:
    arguments = [word for word in in_process_arguments(tmp_path, tiny_weights) if not word.startswith("shard=")]
    result = sweep_in_process("seed=1,2", *arguments, "paths.output=poses/${hydra:job.num}", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert [len(list((tmp_path / "poses" / number).glob("*.npy"))) for number in "01"] == [3, 3]


def test_the_list_of_poses_holds_those_of_a_shard_that_was_killed_last(tmp_path: Path, tiny_weights: Path) -> None:
    more = ("num_shards=1", "sampling.batch_size=1", "tracking.mode=disabled")
    arguments = sweep_arguments(tmp_path, tiny_weights, *more, captions=MANY_CAPTIONS)
    arguments = [word.replace("shard=0,1,2", "shard=0") for word in arguments]
    output = tmp_path / "SinglePose"
    sweep = subprocess.Popen([sys.executable, "-m", "mardm_batch", *arguments], cwd=tmp_path, stderr=subprocess.DEVNULL)
    wait_until(lambda: len(list(output.glob("*.json"))) >= 3)
    (record,) = read_progress(output)
    os.kill(record.pid, signal.SIGKILL)
    assert sweep.wait(60) == 1
    listed = len((output / "metadata.jsonl").read_text().splitlines())
    assert 3 <= listed < len(MANY_CAPTIONS)


def test_a_sweep_whose_jobs_would_share_poses_is_refused(tmp_path: Path) -> None:
    write_captions(tmp_path, CAPTIONS)
    result = sweep_in_process("seed=1,2", "paths.prompts=captions.txt", cwd=tmp_path)
    assert result.returncode == 2
    assert "paths.output=SinglePose: jobs 0 and 1 of the sweep would make the same poses" in result.stderr
    assert not (tmp_path / "multirun").exists()


def test_an_experiment_makes_poses_in_one_folder_per_job(tmp_path: Path, tiny_weights: Path) -> None:
    write_captions(tmp_path, CAPTIONS)
    settings = ["paths.prompts=captions.txt", f"model.weights={tiny_weights}", "sampling.time_steps=2", *FEW]
    result = sweep_in_process("+experiment=presets", *settings, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for preset, frames in (("fast", 8), ("quality", 32), ("lowmem", 16)):
        documents = [json.loads(path.read_text()) for path in (tmp_path / "experiments" / preset).glob("*.json")]
        assert [document["sampling"]["sequence_length"] for document in documents] == [frames] * 3


def test_bad_input_is_found_before_anything_is_started(tmp_path: Path) -> None:
    result = run_command("--multirun", "shard=0,1,2", "paths.prompts=nowhere.md", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == "error: nowhere.md: no such file; set paths.prompts to a prompt file\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_ten_sweeps_of_which_each_loses_a_process_at_a_random_moment(tmp_path: Path, tiny_weights: Path) -> None:
    for number in range(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        settings = ("tracking.mode=disabled", "sampling.batch_size=4")
        sweep = start_sweep(folder, tiny_weights, *settings, captions=MANY_CAPTIONS)
        wait_until(lambda folder=folder: any(each.alive for each in read_progress(folder / "SinglePose")))
        time.sleep(random.uniform(0, 8))
        victims = [each.pid for each in read_progress(folder / "SinglePose") if each.alive]
        family = descendants(sweep.pid)
        if victims:
            os.kill(random.choice(victims), signal.SIGKILL)
        _, errors = sweep.communicate(timeout=300)
        assert_gone(family)
        states = [each.state for each in read_progress(folder / "SinglePose")]
        assert len(states) == 3
        assert states.count("finished") >= 2
        assert (sweep.returncode == 0) == (states.count("finished") == 3), errors
        assert sweep.returncode == 0 or says_that_not_all_is_made(errors)
        again = run_command(*sweep_arguments(folder, tiny_weights, *settings, captions=MANY_CAPTIONS), cwd=folder)
        assert again.returncode == 0, again.stderr
        verify = [sys.executable, "-m", "mardm_batch.verify", "SinglePose", "--prompts", "captions.txt"]
        audit = subprocess.run(verify, cwd=folder, capture_output=True, text=True)
        assert audit.returncode == 0, audit.stdout + audit.stderr
