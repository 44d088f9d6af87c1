"""Sweeps on a real Slurm of two nodes: `pytest -m cluster -n 0 tests/cluster/test_slurm.py`."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.cluster.slurm_cluster import SlurmCluster, missing_part
from tests.support import write_captions

from mardm_batch.dataset.progress import read_progress

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(missing_part() is not None, reason=str(missing_part())),
]

CAPTIONS = 3000
LONG_ENOUGH = 3000
"""Seconds that a sweep may take on a busy machine."""
EVENTS: list[str] = []
"""What happened when, for the documents."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    cluster = SlurmCluster(tmp_path_factory.mktemp("slurm"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


class Launched:
    """A sweep on the cluster, in a folder of its own."""

    def __init__(self, cluster: SlurmCluster, folder: Path, weights: Path, captions: int, words: Sequence[str]) -> None:
        listed = write_captions(folder, [f"A person standing in place number {number}" for number in range(captions)])
        command = [sys.executable, "-m", "mardm_batch", "--multirun", "hydra/launcher=slurm", "shard=0,1,2"]
        settings = ["hydra.launcher.cpus_per_task=1", f"model.weights={weights}", "render.enabled=false"]
        self.output, self.cluster, self.started = folder / "SinglePose", cluster, time.monotonic()
        self.errors = folder / "errors.txt"
        self.process = subprocess.Popen(
            [*command, *settings, listed, "hydra.sweep.dir=sweep", *words],
            cwd=folder,
            env=cluster.launcher_environment(),
            stderr=self.errors.open("w"),
        )

    def wait(self) -> int:
        return self.process.wait(LONG_ENOUGH)

    @property
    def text(self) -> str:
        return self.errors.read_text()

    def finished(self) -> int:
        return sum(1 for _ in self.output.glob("*.json"))

    def job(self, shard: int) -> str:
        """The id of a shard's job, once it has been submitted."""
        pattern = r"Slurm jobs (\d+)_\[0-2\]"
        self.cluster.wait(lambda: re.search(pattern, self.text) is not None, "submission", 300)
        found = re.search(pattern, self.text)
        assert found is not None
        return f"{found[1]}_{shard}"

    def wait_for_poses(self, count: int) -> None:
        self.cluster.wait(lambda: self.finished() >= count or self.process.poll() is not None, f"{count} poses", 1200)
        assert self.process.poll() is None, self.text

    def note(self, event: str) -> None:
        EVENTS.append(f"{time.monotonic() - self.started:6.0f} s, {self.finished():5,} poses: {event}")

    def state_of(self, shard: int) -> str:
        return self.cluster.jobs().get(self.job(shard), "")

    def start_all_at_once(self) -> None:
        """Let requeued jobs start now, not after the two minutes that Slurm lets pass, and wait until all run."""
        for shard in range(3):
            self.cluster.wait(lambda: self.state_of(shard) in ("PENDING", "RUNNING"), f"shard {shard} waits", 300)  # noqa: B023
            self.cluster.run("scontrol", "update", f"jobid={self.job(shard)}", "StartTime=now")
        self.cluster.wait(lambda: [self.state_of(shard) for shard in range(3)] == ["RUNNING"] * 3, "running", 300)

    def output_of(self, shard: int) -> str:
        (path,) = (self.output.parent / "sweep" / ".submitit" / self.job(shard)).glob("*.out")
        return path.read_text()


def test_a_sweep_survives_preemption_time_limits_and_the_loss_of_its_node(
    cluster: SlurmCluster, tmp_path: Path, tiny_weights: Path
) -> None:
    slowly = ["sampling.batch_size=1", "sampling.time_steps=60"]
    words = [*slowly, "hydra.launcher.signal_delay_s=15", "tracking.mode=offline"]
    sweep = Launched(cluster, tmp_path, tiny_weights, CAPTIONS, words)
    sweep.note("submitted")
    sweep.wait_for_poses(30)
    sweep.note("all three shards run on node2")

    # Jobs are preempted by one of higher priority.
    cluster.run("sbatch", "-p", "urgent", "-c", "1", "--output=/dev/null", "--wrap", "sleep 3")
    cluster.wait(lambda: any(sweep.state_of(shard) == "PENDING" for shard in range(3)), "preemption", 300)
    preempted = next(shard for shard in range(3) if sweep.state_of(shard) == "PENDING")
    sweep.note(f"shard {preempted} was preempted and is in the queue")
    sweep.start_all_at_once()

    # One reaches its time limit, of which it is warned.
    limited = (preempted + 1) % 3
    elapsed = cluster.run("squeue", "-h", "-j", sweep.job(limited), "-o", "%M").stdout.strip().split(":")
    minutes = (60 * int(elapsed[-2]) + int(elapsed[-1]) + 40) // 60 + 1
    cluster.run("scontrol", "update", f"jobid={sweep.job(limited)}", f"TimeLimit={minutes}")
    cluster.wait(lambda: sweep.state_of(limited) == "PENDING", "the time limit", 300)
    assert "Caught signal SIGUSR2" in sweep.output_of(limited)
    sweep.note(f"shard {limited} reached its limit of {minutes} min and is in the queue")
    cluster.run("scontrol", "update", f"jobid={sweep.job(limited)}", "TimeLimit=240")
    sweep.start_all_at_once()

    # The node is lost with all that runs there, and comes back.
    sweep.wait_for_poses(sweep.finished() + 30)
    assert {each.host for each in read_progress(sweep.output)} == {"node2"}
    cluster.kill_node()
    sweep.note("node2 was killed")
    cluster.wait(lambda: not any(state == "RUNNING" for state in cluster.jobs().values()), "the loss", 300)
    cluster.wait(lambda: states(sweep) == {"requeued"}, "what the monitor says", 200)
    view = monitor(sweep)
    sweep.note(f"the monitor says {', '.join(sorted({shard['state'] for shard in view['shards']}))}")
    assert not view["ended"]
    cluster.start_node()
    sweep.start_all_at_once()
    sweep.note("node2 is back")

    code = sweep.wait()
    sweep.note(f"the launcher ended with exit code {code}")
    print("\n".join(EVENTS))
    assert code == 0, sweep.text
    assert sweep.finished() == CAPTIONS
    assert "the sweep is finished: 3 jobs, 3,000 poses, nothing is missing" in sweep.text
    assert "Traceback" not in sweep.text
    for log in tmp_path.glob("sweep/.submitit/*_*/*.out"):
        assert "Traceback" not in log.read_text(), log
    shards = read_progress(sweep.output)
    assert {each.host for each in shards} == {"node2"}  # nothing ran on the launching host
    assert [each.job for each in shards] == [sweep.job(shard) for shard in range(3)]
    assert verify(sweep) == 0


def monitor(sweep: Launched) -> dict[str, list[dict[str, str]]]:
    command = [sys.executable, "-m", "mardm_batch.monitor", str(sweep.output), "--json"]
    view: dict[str, list[dict[str, str]]] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return view


def states(sweep: Launched) -> set[str]:
    return {shard["state"] for shard in monitor(sweep)["shards"]}


def verify(sweep: Launched) -> int:
    command = [sys.executable, "-m", "mardm_batch.verify", str(sweep.output)]
    return subprocess.run(command, cwd=sweep.output.parent).returncode


def test_ctrl_c_cancels_the_jobs(cluster: SlurmCluster, tmp_path: Path, tiny_weights: Path) -> None:
    sweep = Launched(cluster, tmp_path, tiny_weights, 3000, ["sampling.batch_size=1", "tracking.mode=disabled"])
    sweep.wait_for_poses(3)
    sweep.process.send_signal(signal.SIGINT)
    assert sweep.wait() == 130, sweep.text
    assert not [state for state in cluster.jobs().values() if state not in ("CANCELLED", "COMPLETED")]
    assert "interrupted: the jobs are cancelled" in sweep.text
    assert "Traceback" not in sweep.text


def test_a_cancelled_job_is_named(cluster: SlurmCluster, tmp_path: Path, tiny_weights: Path) -> None:
    sweep = Launched(cluster, tmp_path, tiny_weights, 60, ["sampling.batch_size=1", "tracking.mode=disabled"])
    job = sweep.job(1)
    cluster.run("scancel", job)
    assert sweep.wait() == 1, sweep.text
    assert f"shard 1 of 3 was cancelled (scancel) (job {job})" in sweep.text
    assert "Traceback" not in sweep.text


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("hydra.launcher.partition=none", "sbatch refused the jobs: "),
        ("hydra.launcher.partition=short", "no job can start: PartitionTimeLimit"),
    ],
)
def test_jobs_that_can_never_start_end_the_sweep_with_the_reason(
    cluster: SlurmCluster, tmp_path: Path, tiny_weights: Path, word: str, reason: str
) -> None:
    sweep = Launched(cluster, tmp_path, tiny_weights, 3, [word, "tracking.mode=disabled"])
    assert sweep.wait() == 1, sweep.text
    assert f"hydra/launcher=slurm: {reason}" in sweep.text
    assert not sweep.finished()
    assert "Traceback" not in sweep.text


def test_the_job_array_of_the_documents_goes_on_after_its_time_limit(
    cluster: SlurmCluster, tmp_path: Path, tiny_weights: Path
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text()
    (script,) = re.findall(r"```text\n(#!/bin/bash\n.*?)```", page, re.DOTALL)
    listed = write_captions(tmp_path, [f"A person standing in place number {number}" for number in range(600)])
    settings = f"model.weights={tiny_weights} render.enabled=false sampling.batch_size=1 tracking.mode=disabled"
    smaller = {
        "--array=0-7": "--array=0-2",
        "num_shards=8": "num_shards=3",
        "--cpus-per-task=4": "--cpus-per-task=1",
        "#SBATCH --gpus-per-task=1\n": "",
        "source .venv/bin/activate": f"export PATH={Path(sys.executable).parent}:$PATH",
        "paths.prompts=captions.md": f"{listed} {settings}",
    }
    for word, other in smaller.items():
        assert word in script
        script = script.replace(word, other)
    (tmp_path / "poses.sbatch").write_text(script)
    output = tmp_path / "poses"
    submitted = cluster.run("sbatch", f"--chdir={tmp_path}", str(tmp_path / "poses.sbatch"))
    array = submitted.stdout.split()[-1]
    cluster.wait(lambda: sum(1 for _ in output.glob("*.json")) > 30, "poses", 600)
    cluster.run("scancel", "--signal=TERM", f"{array}_1")  # as Slurm does before the time limit: to the step alone
    cluster.wait(lambda: cluster.jobs().get(f"{array}_1") == "PENDING", "the task in the queue", 300)
    time.sleep(5)  # a node refuses a job within the second in which it was stopped there; Slurm waits two minutes
    cluster.run("scontrol", "update", f"jobid={array}_1", "StartTime=now")
    cluster.wait(
        lambda: [cluster.jobs().get(f"{array}_{shard}") for shard in range(3)] == ["COMPLETED"] * 3, "the end", 900
    )
    assert sum(1 for _ in output.glob("*.json")) == 600
    assert {each.job for each in read_progress(output)} == {f"{array}_{shard}" for shard in range(3)}
