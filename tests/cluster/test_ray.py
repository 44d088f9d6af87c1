"""Sweeps on a Ray of two nodes: `pytest -m cluster -n 0 tests/cluster/test_ray.py`.

The head has no CPUs, so that nothing runs on it. The other node lives in namespaces of its own, and dies with them.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest
from tests.cluster.slurm_cluster import free_ports
from tests.support import write_captions

from mardm_batch.dataset.progress import read_progress


def missing_part() -> str | None:
    """Why the cluster cannot be started here; None where it can."""
    if importlib.util.find_spec("ray") is None:
        return "ray is not installed (pip install 'mardm-batch[ray]')"
    command = ["unshare", "--pid", "--uts", "--mount", "--fork", "true"]
    if shutil.which("unshare") is None or subprocess.run(command, capture_output=True).returncode:
        return "unshare is not permitted here"
    return None


pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(missing_part() is not None, reason=str(missing_part())),
]

CAPTIONS = 3000
SECONDS_FOR_SWEEP = 3000
RAY = Path(sys.executable).with_name("ray")
TASK = "ray::run_task"


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.5)


class RayCluster:
    """A head without CPUs and a node."""

    def __init__(self, folder: Path) -> None:
        self.folder, (port,) = folder, free_ports(1)
        self.address = f"127.0.0.1:{port}"
        self.environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
        self.processes: list[subprocess.Popen[bytes]] = []
        shared = ["--node-ip-address=127.0.0.1", "--disable-usage-stats", "--block"]
        self.head_command = [str(RAY), "start", "--head", f"--port={port}", "--num-cpus=0", *shared]
        self.head_command += [f"--temp-dir={folder}", "--include-dashboard=false"]
        self.node_command = [str(RAY), "start", f"--address={self.address}", "--num-cpus=3", *shared]

    def start(self) -> None:
        self.spawn(self.head_command, "head")
        self.start_node()

    def start_node(self) -> None:
        script = f"hostname node2 && mount -t proc proc /proc && exec {' '.join(self.node_command)}"
        namespaces = ["unshare", "--pid", "--uts", "--mount", "--fork", "--kill-child=KILL"]
        self.spawn([*namespaces, "bash", "-c", script], "node")

    def spawn(self, command: Sequence[str], name: str) -> None:
        output = self.folder / f"{name}.output"
        with output.open("wb") as file:
            self.processes.append(subprocess.Popen(command, env=self.environment, stdout=file, stderr=file))
        wait_until(lambda: b"runtime started" in output.read_bytes(), 120)

    def kill_node(self) -> None:
        """Take the node away with every process on it, without a word."""
        node = self.processes.pop()
        node.kill()
        node.wait()

    def stop(self) -> None:
        for each in reversed(self.processes):
            children = psutil.Process(each.pid).children(recursive=True) if each.poll() is None else []
            each.kill()
            each.wait()
            for child in children:
                if child.is_running():
                    child.kill()


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    folder = Path(f"/tmp/ray-{os.getpid()}")  # noqa: S108  (its sockets need a short path)
    folder.mkdir()
    cluster = RayCluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def launch(
    cluster: RayCluster, folder: Path, weights: Path, captions: int, *words: str
) -> tuple[subprocess.Popen[bytes], Path]:
    """A sweep of three shards on the cluster, and the file with what it says."""
    listed = write_captions(folder, [f"A person standing in place number {number}" for number in range(captions)])
    command = [sys.executable, "-m", "mardm_batch", "--multirun", "hydra/launcher=ray", "shard=0,1,2"]
    settings = [f"hydra.launcher.address={cluster.address}", "hydra.launcher.num_cpus=1", "hydra.sweep.dir=sweep"]
    settings += [f"model.weights={weights}", "render.enabled=false", "sampling.batch_size=1", listed, *words]
    errors = folder / "errors.txt"
    with errors.open("w") as file:
        return subprocess.Popen([*command, *settings], cwd=folder, stderr=file), errors


def poses(folder: Path) -> int:
    return sum(1 for _ in (folder / "SinglePose").glob("*.json"))


def tasks() -> list[psutil.Process]:
    listed = psutil.process_iter(["cmdline"])
    return [each for each in listed if (each.info["cmdline"] or [""])[0].startswith(TASK)]


def test_a_sweep_survives_the_death_of_a_worker_and_of_its_node(
    cluster: RayCluster, tmp_path: Path, tiny_weights: Path
) -> None:
    started, events = time.monotonic(), list[str]()

    def note(event: str) -> None:
        events.append(f"{time.monotonic() - started:6.0f} s, {poses(tmp_path):5,} poses: {event}")

    process, errors = launch(cluster, tmp_path, tiny_weights, CAPTIONS, "tracking.mode=offline")
    wait_until(lambda: poses(tmp_path) >= 30 or process.poll() is not None, 600)
    note("the shards run on node2")
    running = tasks()
    assert running, errors.read_text()
    running[0].send_signal(signal.SIGKILL)
    note("a worker was killed")
    before = poses(tmp_path)
    wait_until(lambda: poses(tmp_path) >= before + 100, 600)
    cluster.kill_node()
    note("node2 was killed")
    cluster.start_node()
    note("node2 is back")
    code = process.wait(SECONDS_FOR_SWEEP)
    note(f"the launcher ended with exit code {code}")
    print("\n".join(events))
    said = errors.read_text()
    assert code == 0, said
    assert poses(tmp_path) == CAPTIONS
    assert "the sweep is finished: 3 jobs, 3,000 poses, nothing is missing" in said
    assert "Traceback" not in said
    shards = read_progress(tmp_path / "SinglePose")
    assert {each.host for each in shards} == {"node2"}  # nothing ran on the launching host
    assert all(each.job for each in shards)
    verify = [sys.executable, "-m", "mardm_batch.verify", "SinglePose"]
    assert subprocess.run(verify, cwd=tmp_path).returncode == 0


def test_ctrl_c_cancels_the_tasks(cluster: RayCluster, tmp_path: Path, tiny_weights: Path) -> None:
    process, errors = launch(cluster, tmp_path, tiny_weights, CAPTIONS, "tracking.mode=disabled")
    wait_until(lambda: poses(tmp_path) >= 3 or process.poll() is not None, 600)
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 130, errors.read_text()
    assert not tasks()
    assert {each.state for each in read_progress(tmp_path / "SinglePose")} == {"interrupted"}
    assert "Traceback" not in errors.read_text()


def test_a_task_that_no_node_can_hold_ends_the_sweep_with_the_reason(
    cluster: RayCluster, tmp_path: Path, tiny_weights: Path
) -> None:
    words = ("hydra.launcher.num_cpus=64", "hydra.launcher.start_timeout_min=0.1", "tracking.mode=disabled")
    process, errors = launch(cluster, tmp_path, tiny_weights, 3, *words)
    assert process.wait(300) == 1, errors.read_text()
    reason = "no job can start: no node has 64 CPUs and 0 GPUs; the largest has 3 and 0"
    assert f"hydra/launcher=ray: {reason}" in errors.read_text()
    assert not poses(tmp_path)


def test_no_cluster_is_started(tmp_path: Path, tiny_weights: Path) -> None:
    words = [f"model.weights={tiny_weights}", "hydra.launcher.address=127.0.0.1:1", "tracking.mode=disabled"]
    command = [sys.executable, "-m", "mardm_batch", "--multirun", "hydra/launcher=ray", "shard=0,1,2", *words]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 1, result.stderr
    assert "hydra/launcher=ray: no Ray cluster at address=127.0.0.1:1" in result.stderr
    assert not list((tmp_path / "SinglePose").glob("*.npy"))
