"""The jobs of a sweep: which shards are left out, and which GPU and settings each job has. The GPUs are injected."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.support import write_captions

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.dataset.locks import shard_lock
from mardm_batch.errors import ConfigurationError, InputError
from mardm_batch.launch.engines import Sweep
from mardm_batch.launch.jobs import (
    Job,
    check_jobs,
    check_locks,
    omission_warnings,
    omitted_poses,
    runs_that_pay,
    share_of_cores,
)
from mardm_batch.launch.plan import JobPlan, Plan
from mardm_batch.launch.sweep import run_sweep
from mardm_batch.registries import register_schemas
from mardm_batch.sampling.device import shard_device

register_schemas()


def jobs_of(*settings: str) -> list[Job]:
    return [
        Job(number, words.split(), to_config(compose_config(words.split()))) for number, words in enumerate(settings)
    ]


def test_the_shards_that_a_sweep_leaves_out_are_named() -> None:
    jobs = jobs_of("shard=0", "shard=2 num_shards=4 paths.output=a", "shard=1", "shard=2")
    (words,) = omission_warnings(jobs)
    assert words.startswith("num_shards=4, but shard=0,1,3 is not in this sweep")
    assert omission_warnings(jobs_of("shard=0", "shard=1", "shard=2")) == []
    assert omission_warnings(jobs_of("seed=1 paths.output=a", "seed=2")) == []
    assert omitted_poses(jobs_of("shard=0 limit=20", "shard=1 limit=20")) == (6, 20)


def test_a_shard_that_is_named_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="shard 1 of 3 is twice in this sweep; name each shard once"):
        check_jobs(jobs_of("shard=0", "shard=1", "shard=1"))
    with pytest.raises(ConfigurationError, match="jobs 0 and 1 of the sweep would make the same poses there"):
        check_jobs(jobs_of("shard=0 seed=1", "shard=0 seed=2"))


def test_a_sweep_beside_a_run_of_all_its_poses_is_refused_once(tmp_path: Path) -> None:
    jobs = jobs_of(*(f"shard={shard} paths.output={tmp_path}" for shard in range(3)))
    check_locks(jobs)
    with shard_lock(tmp_path, None, 1), pytest.raises(InputError, match=f"another process is working on .* {tmp_path}"):
        check_locks(jobs)
    with shard_lock(tmp_path, 0, 3), shard_lock(tmp_path, 2, 3):
        check_locks(jobs)  # shard 1 is free


def test_a_plan_is_read_as_it_was_written() -> None:
    plan = Plan("sweep", 7, ["--config-dir=mine"], [JobPlan(["cpu_threads=2"], None), JobPlan(["gpu_ids=[1]"], 1)])
    assert Plan.from_json(plan.to_json()) == plan


@pytest.fixture
def three_gpus(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Three visible GPUs, and runs that are not started: the commands that would be."""
    commands: list[list[str]] = []

    def start(command: list[str], **settings: object) -> SimpleNamespace:
        commands.append(command[3:])
        return SimpleNamespace(stdout="999999999")

    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    monkeypatch.setattr("mardm_batch.launch.detached.subprocess.run", start)
    return commands


def sweep_of(folder: Path, words: list[str], *settings: str, launcher: str = "joblib") -> Sweep:
    """A sweep whose launcher starts nothing, and adds the words that it is given to a list."""

    def launch(more: Sequence[str]) -> None:
        words.extend(more)

    write_captions(folder, ["A person waving", "A person sitting"])
    jobs = jobs_of(*(f"{each} paths.prompts={folder}/captions.txt" for each in settings))
    return Sweep(jobs, str(folder / "sweep"), [], launcher, None, launch)


def test_a_sweep_runs_as_many_shards_at_once_as_there_are_gpus(tmp_path: Path, three_gpus: list[list[str]]) -> None:
    words: list[str] = []
    shards = [f"shard={shard} num_shards=5 paths.output={tmp_path}/poses" for shard in range(5)]
    sweep = sweep_of(tmp_path, words, *shards)
    assert run_sweep(sweep) == 1  # nothing was made, and the sweep says so
    assert "hydra.launcher.n_jobs=3" in words
    assert len(three_gpus) == 5  # runs that the launcher did not start are started all the same
    assert not [word for command in three_gpus for word in command if word.startswith("gpu_ids=")]
    devices = [shard_device(job.config.shard, job.config.gpu_ids, 3) for job in sweep.jobs]
    assert devices == ["cuda:0", "cuda:1", "cuda:2", "cuda:0", "cuda:1"]


def test_jobs_without_shards_take_the_gpus_in_turn(tmp_path: Path, three_gpus: list[list[str]]) -> None:
    settings = [f"seed={seed} gpu_ids=[1,2] paths.output={tmp_path}/{seed}" for seed in range(3)]
    run_sweep(sweep_of(tmp_path, [], *settings))
    assert [command[-1] for command in three_gpus] == ["gpu_ids=[1]", "gpu_ids=[2]", "gpu_ids=[1]"]


def test_a_job_that_names_its_cores_keeps_them(tmp_path: Path, three_gpus: list[list[str]]) -> None:
    settings = [f"seed={seed} cpu_threads={seed} paths.output={tmp_path}/{seed}" for seed in (1, 2)]
    run_sweep(sweep_of(tmp_path, [], *settings))
    threads = [[word for word in command if word.startswith("cpu_threads=")] for command in three_gpus]
    assert threads == [["cpu_threads=1"], ["cpu_threads=2"]]


def test_under_another_launcher_nothing_is_started_here(
    tmp_path: Path, three_gpus: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mardm_batch.launch.engines.check_slurm", lambda: None)  # no job is submitted
    words: list[str] = []
    shards = [f"shard={shard} paths.output={tmp_path}/poses" for shard in range(3)]
    assert run_sweep(sweep_of(tmp_path, words, *shards, launcher="slurm")) == 1
    assert three_gpus == []
    assert [word.partition("=")[0] for word in words] == ["hydra.sweep.dir"]


@pytest.mark.parametrize(
    ("cores", "settings", "at_once"),
    [(1, "", 1), (2, "", 1), (4, "", 1), (8, "", 2), (64, "", 16), (8, "cpu_threads=1", 8), (4, "gpu_ids=[0]", 4)],
)
def test_on_a_cpu_as_many_runs_are_started_as_pay(cores: int, settings: str, at_once: int) -> None:
    assert runs_that_pay(jobs_of(*(f"shard={each} {settings}" for each in range(3))), cores) == at_once


def test_the_last_runs_of_a_sweep_share_all_cores() -> None:
    assert [share_of_cores(number, jobs=5, processes=3, cores=12) for number in range(5)] == [4, 4, 4, 6, 6]
    assert [share_of_cores(number, jobs=3, processes=3, cores=2) for number in range(3)] == [1, 1, 1]
    assert [share_of_cores(number, jobs=3, processes=1, cores=2) for number in range(3)] == [2, 2, 2]


def test_a_sweep_on_a_cpu_says_how_many_runs_there_are_at_once_and_names_the_monitor(
    tmp_path: Path, three_gpus: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    monkeypatch.setattr("mardm_batch.launch.engines.available_cores", lambda: 2)
    run_sweep(sweep_of(tmp_path, [], *(f"shard={shard} paths.output={tmp_path}/poses" for shard in range(3))))
    assert [word for command in three_gpus for word in command if "cpu_threads" in word] == ["cpu_threads=2"] * 3
    words = capsys.readouterr().err
    assert "3 jobs, 1 at once, as more would be slower on this CPU; " in words
    assert f"python -m mardm_batch.monitor {tmp_path}/poses" in words


@pytest.mark.parametrize(
    ("visible", "advice"), [(3, "gpu_ids=[0,1,2] or gpu_ids=null uses all of them"), (0, "gpu_ids=null uses the CPU")]
)
def test_a_sweep_on_gpus_that_are_not_there_is_refused_once_before_anything_is_started(
    tmp_path: Path, three_gpus: list[list[str]], monkeypatch: pytest.MonkeyPatch, visible: int, advice: str
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: visible)
    shards = (f"shard={shard} gpu_ids=[1,2,3] paths.output={tmp_path}/poses" for shard in range(3))
    with pytest.raises(ConfigurationError, match="no GPU") as refused:
        run_sweep(sweep_of(tmp_path, [], *shards))
    assert str(refused.value).endswith(advice)
    assert three_gpus == []
    assert not (tmp_path / "sweep").exists()
