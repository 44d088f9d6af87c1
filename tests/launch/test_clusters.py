"""What is decided about jobs of a cluster, without one; tests/cluster has the real ones."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hydra.core.config_store import ConfigStore

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.dataset.queues import ENDED, QUEUED, RUNNING, QueuedJob, read_queue, write_queue
from mardm_batch.errors import ConfigurationError, ExitCode
from mardm_batch.launch import engines, ray_tasks, slurm, watching
from mardm_batch.launch.engines import InPlace, OnCluster, engine_for
from mardm_batch.launch.jobs import Job
from mardm_batch.launch.plan import EXIT_CODE, queue_file, read_status
from mardm_batch.launch.report import causes_of_ends
from mardm_batch.launch.slurm import SlurmWatch, check_slurm, parse_squeue, shown_ids, submission_error
from mardm_batch.launch.watching import LauncherFailure, summary, watch_jobs
from mardm_batch.registries import register_schemas
from mardm_batch.system.signals import Interrupted


@pytest.mark.parametrize("launcher", ["slurm", "ray"])
def test_gpus_of_one_machine_are_refused_before_anything_starts(launcher: str) -> None:
    engine = engine_for(launcher)
    assert isinstance(engine, OnCluster)
    register_schemas()
    job = Job(0, [], to_config(compose_config(["shard=0", "gpu_ids=[1,2]"])))
    with pytest.raises(ConfigurationError, match=r"gpu_ids=\[1,2\]: numbers GPUs of one machine; .* leave gpu_ids out"):
        engine.check([job])


def test_a_missing_package_or_program_is_one_line_that_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    register_schemas()
    compose_config([])  # the plugins are registered
    launchers = ConfigStore.instance().repo["hydra"]["launcher"]
    monkeypatch.setattr(ray_tasks.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"needs Ray: pip install 'mardm-batch\[ray\]'$"):
        engine_for("ray").check([])
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ConfigurationError, match="sbatch is not on this machine: launch from a login node"):
        check_slurm()
    monkeypatch.delitem(launchers, "submitit_slurm.yaml", raising=False)
    with pytest.raises(ConfigurationError, match=r"needs hydra-submitit-launcher: pip install 'mardm-batch\[slurm\]'$"):
        compose_config(["hydra/launcher=slurm"])


def test_an_unknown_launcher_is_one_line_with_the_choices() -> None:
    register_schemas()
    with pytest.raises(
        ConfigurationError, match="hydra/launcher=slrum: no such launcher; did you mean hydra/launcher=slurm"
    ):
        compose_config(["hydra/launcher=slrum"])


@pytest.mark.parametrize(("code", "status"), [(143, 143), (130, 130), (0, 0), (1, 1), (3, 3)])
def test_an_interrupted_job_never_returns(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int, status: int
) -> None:
    monkeypatch.setattr(engines, "run_to_exit_code", lambda *_: code)
    hydra: Any = type("Hydra", (), {})()
    hydra.job = type("", (), {"num": 2})
    hydra.runtime, hydra.sweep = type("", (), {"output_dir": "run"}), type("", (), {"dir": str(tmp_path)})
    cfg: Any = type("", (), {"shard": 2})
    if code in (130, 143):
        with pytest.raises(SystemExit) as ended:
            InPlace().run_job(cfg, hydra)
        assert ended.value.code == code
    else:
        InPlace().run_job(cfg, hydra)
    assert read_status(str(tmp_path), 2, EXIT_CODE) == status


def test_a_warning_stops_the_run_and_then_reaches_the_launcher_s_own_handler(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[str] = []

    def run(*_: object) -> int:
        with pytest.raises(Interrupted), engines.raise_on_signals():
            signal.raise_signal(signal.SIGUSR2)
        seen.append("stopped")
        return ExitCode.TERMINATED

    def requeue(number: int, frame: object) -> None:
        seen.append("requeued")
        raise SystemExit(255)

    monkeypatch.setattr(engines, "run_to_exit_code", run)
    hydra: Any = type("Hydra", (), {})()
    hydra.job, hydra.sweep = type("", (), {"num": 0}), type("", (), {"dir": str(tmp_path)})
    hydra.runtime = type("", (), {"output_dir": "run"})
    before = signal.signal(signal.SIGUSR2, requeue)
    try:
        with pytest.raises(SystemExit, match="255"):
            InPlace().run_job(type("", (), {"shard": 0}), hydra)  # type: ignore[arg-type]
        assert signal.getsignal(signal.SIGUSR2) is requeue
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert seen == ["stopped", "requeued"]


# Slurm ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def squeue(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What squeue answers: `lines`, or `error`."""
    answer: dict[str, Any] = {"lines": [], "error": "", "commands": []}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        answer["commands"].append(command)
        code = 1 if answer["error"] else 0
        return subprocess.CompletedProcess(command, code, "\n".join(answer["lines"]), answer["error"])

    monkeypatch.setattr(slurm, "run_program", run)
    return answer


def test_jobs_queue_run_are_requeued_and_end(squeue: dict[str, Any]) -> None:
    watch = SlurmWatch({0: "7_0", 1: "7_1"})
    squeue["lines"] = ["7_0|PENDING|(Resources)|", "7_1|RUNNING|None|node2"]
    assert watch.states() == {0: QueuedJob(QUEUED, "7_0", "Resources"), 1: QueuedJob(RUNNING, "7_1")}
    squeue["lines"] = ["7_0|RUNNING|None|node2", "7_1|FAILED|NonZeroExitCode|node2"]
    assert watch.states()[1].state == RUNNING  # it may be about to be requeued
    squeue["lines"] = ["7_0|CANCELLED|None|", "7_1|PENDING|BeginTime|"]
    assert watch.states()[1] == QueuedJob(QUEUED, "7_1", "BeginTime")
    squeue["error"] = "slurm_load_jobs error: Unable to contact slurm controller"
    assert watch.states()[1].state == QUEUED  # nothing new
    squeue.update(error="", lines=["7_0|CANCELLED|None|", "7_1|COMPLETED|None|node2"])
    assert watch.states() == {
        0: QueuedJob(ENDED, "7_0", "was cancelled (scancel)"),
        1: QueuedJob(ENDED, "7_1"),
    }


def test_jobs_that_slurm_has_forgotten_have_ended(squeue: dict[str, Any]) -> None:
    watch = SlurmWatch({0: "7"})
    squeue["lines"] = ["7|RUNNING|None|node2"]
    watch.states()
    squeue["error"] = "slurm_load_jobs error: Invalid job id specified"
    assert [watch.states()[0].state for _ in range(2)] == [RUNNING, ENDED]


def test_a_task_that_vanishes_from_the_queue_of_its_array_was_cancelled(squeue: dict[str, Any]) -> None:
    watch = SlurmWatch({0: "7_0", 1: "7_1", 2: "7_2"})
    squeue["lines"] = ["7_0|PENDING|(Resources)|", "7_1|PENDING|(Resources)|", "7_2|RUNNING|None|node2"]
    watch.states()
    squeue["lines"] = ["7_0|PENDING|(Resources)|"]
    watch.states()
    states = watch.states()
    assert states[1] == QueuedJob(ENDED, "7_1", "was cancelled (scancel)")
    assert states[2] == QueuedJob(ENDED, "7_2")
    assert states[0].state == QUEUED


def test_only_reasons_that_stay_are_obstacles(squeue: dict[str, Any]) -> None:
    watch = SlurmWatch({0: "7_0", 1: "7_1"})
    squeue["lines"] = ["7_0|PENDING|PartitionTimeLimit|", "7_1|PENDING|Resources|"]
    watch.states()
    assert watch.obstacle() is None
    squeue["lines"] = ["7_0|PENDING|PartitionTimeLimit|", "7_1|PENDING|PartitionTimeLimit|"]
    watch.states()
    assert watch.obstacle() == "PartitionTimeLimit (squeue -j 7_0)"


def test_cancelling_repeats_until_no_job_comes_back(squeue: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([["7_0|PENDING|BeginTime|"], ["7_0|CANCELLED|None|"]])
    monkeypatch.setattr(slurm.time, "sleep", lambda _: squeue.update(lines=next(answers)))
    SlurmWatch({0: "7_0"}).cancel()
    assert [command[0] for command in squeue["commands"]].count("scancel") == 2


def test_slurm_s_texts_become_one_line() -> None:
    refused = "command 'sbatch x' failed\nsbatch: error: invalid partition specified: none\nsbatch: error: Batch job "
    refused += "submission failed: Invalid partition name specified\n"
    assert submission_error(refused) == "Invalid partition name specified"
    assert submission_error("") == "it said nothing"
    assert (shown_ids(["7"]), shown_ids(["7_0", "7_1", "7_2"])) == ("7", "7_[0-2]")
    assert parse_squeue("7_0|PENDING|(None)|\nnoise\n") == {"7_0": ("PENDING", "None")}


# Waiting --------------------------------------------------------------------------------------------------------------


class Jobs:
    """A watch that says what it is told, the last for ever."""

    def __init__(self, states: Sequence[Mapping[int, QueuedJob]], reason: str | None = None) -> None:
        self.left, self.reason, self.cancelled = list(states), reason, False

    def states(self) -> Mapping[int, QueuedJob]:
        if self.cancelled:
            return {0: QueuedJob(ENDED, "7", "was cancelled (scancel)")}
        if not self.left:
            raise Interrupted(signal.SIGINT)
        return self.left.pop(0)

    def obstacle(self) -> str | None:
        return self.reason

    def cancel(self) -> None:
        self.cancelled = True


def test_waiting_ends_with_the_last_job_and_leaves_how_they_ended(tmp_path: Path) -> None:
    (tmp_path / ".sweep").mkdir()
    ends = {0: QueuedJob(ENDED, "7_0"), 1: QueuedJob(ENDED, "7_1", "ran out of its memory")}
    watch_jobs(Jobs([{0: QueuedJob(QUEUED, "7_0", "Priority"), 1: QueuedJob(RUNNING, "7_1")}, ends]), str(tmp_path), 0)
    assert read_queue(Path(queue_file(str(tmp_path)))) == ends
    assert causes_of_ends(str(tmp_path)) == {1: "ran out of its memory (job 7_1)"}


def test_an_interruption_cancels_the_jobs(tmp_path: Path) -> None:
    jobs = Jobs([{0: QueuedJob(RUNNING, "7")}])
    with pytest.raises(Interrupted):
        watch_jobs(jobs, str(tmp_path), 0)
    assert jobs.cancelled


def test_a_queue_that_never_starts_ends_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SECONDS_HOPELESS", 0)
    jobs = Jobs([{0: QueuedJob(QUEUED, "7", "BadConstraints")}], "BadConstraints")
    with pytest.raises(LauncherFailure, match="^no job can start: BadConstraints$"):
        watch_jobs(jobs, str(tmp_path), 0)
    assert jobs.cancelled


def test_the_states_of_jobs_are_one_line() -> None:
    jobs = [QueuedJob(QUEUED, "1", "Resources"), QueuedJob(QUEUED, "2", "Priority"), QueuedJob(RUNNING, "3")]
    assert summary(dict(enumerate(jobs))) == "jobs: 2 queued (Resources; Priority), 1 running"


def test_an_old_record_of_a_queue_says_only_what_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "queue.json"
    ended = QueuedJob(ENDED, "1", "lost its node and was not requeued")
    write_queue(path, {0: QueuedJob(RUNNING, "0"), 1: ended})
    assert len(read_queue(path)) == 2
    os.utime(path, (path.stat().st_mtime - 200,) * 2)
    assert read_queue(path) == {1: ended}


# Ray ------------------------------------------------------------------------------------------------------------------


def test_a_ray_that_does_not_answer_is_said_at_once() -> None:
    pytest.importorskip("ray")
    with pytest.raises(LauncherFailure, match="^no Ray cluster at address=127.0.0.1:1 .*refused.*: start one with"):
        ray_tasks.connect("127.0.0.1:1")
