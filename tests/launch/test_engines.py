"""A Hydra launcher from outside the package: its jobs generate in place, and nothing is started beside it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support import assert_whole, wait_until, write_captions

from mardm_batch.dataset.progress import read_progress

CAPTIONS = [f"A person in pose number {number}" for number in range(6)]

PLUGIN = """
import logging
from pathlib import Path

from hydra.core.utils import configure_log, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from omegaconf import open_dict


class ToyLauncher(Launcher):
    def __init__(self, error):
        self.error = error

    def setup(self, *, hydra_context, task_function, config):
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(self, job_overrides, initial_job_idx):
        setup_globals()
        Path(self.config.hydra.sweep.dir).mkdir(parents=True, exist_ok=True)
        if self.error:
            raise RuntimeError(self.error)
        results = []
        for number, overrides in enumerate(job_overrides, initial_job_idx):
            config = self.hydra_context.config_loader.load_sweep_config(self.config, list(overrides))
            with open_dict(config):
                config.hydra.job.id = config.hydra.job.num = number
            results.append(
                run_job(
                    hydra_context=self.hydra_context,
                    task_function=self.task_function,
                    config=config,
                    job_dir_key="hydra.sweep.dir",
                    job_subdir_key="hydra.sweep.subdir",
                )
            )
            configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        return results
"""


@pytest.fixture
def command(tmp_path: Path, tiny_weights: Path) -> list[str]:
    """A sweep of two shards with the toy launcher."""
    (tmp_path / "site" / "hydra_plugins").mkdir(parents=True)
    (tmp_path / "site" / "hydra_plugins" / "toy_launcher.py").write_text(PLUGIN)
    (tmp_path / "mine" / "hydra" / "launcher").mkdir(parents=True)
    config = "_target_: hydra_plugins.toy_launcher.ToyLauncher\nerror: ''\n"
    (tmp_path / "mine" / "hydra" / "launcher" / "toy.yaml").write_text(config)
    sweep = ["--config-dir", "mine", "--multirun", "hydra/launcher=toy", "hydra.sweep.dir=sweep"]
    shards = ["shard=0,1", "num_shards=2", write_captions(tmp_path, CAPTIONS), "+preset=fast"]
    settings = [f"model.weights={tiny_weights}", "tracking.mode=disabled"]
    return [sys.executable, "-m", "mardm_batch", *sweep, *shards, *settings]


@pytest.fixture
def toy_environment(tmp_path: Path) -> dict[str, str]:
    paths = [str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


@pytest.mark.e2e
def test_the_jobs_of_a_launcher_from_outside_generate_in_place(
    tmp_path: Path, command: list[str], toy_environment: dict[str, str]
) -> None:
    process = subprocess.Popen(command, cwd=tmp_path, env=toy_environment, stderr=subprocess.PIPE, text=True)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert "2 jobs, launched by hydra/launcher=toy" in errors
    assert "the sweep is finished: 2 jobs, 6 poses, nothing is missing" in errors
    assert_whole(tmp_path / "SinglePose", CAPTIONS)
    shards = read_progress(tmp_path / "SinglePose")
    assert [each.state for each in shards] == ["finished"] * 2
    assert {each.pid for each in shards} == {process.pid}  # no process of its own
    assert not list((tmp_path / "sweep" / ".sweep").glob("*.pid"))
    for number in range(2):
        summary = json.loads((tmp_path / "sweep" / str(number) / "summary.json").read_text())
        assert (summary["sweep"], summary["exit_code"]) == (f"{tmp_path.name}-sweep", 0)
        assert "3 of 3 poses are finished" in (tmp_path / "sweep" / str(number) / "mardm_batch.log").read_text()


def test_a_launcher_that_fails_says_why_and_nothing_runs_in_its_place(
    tmp_path: Path, command: list[str], toy_environment: dict[str, str]
) -> None:
    failing = [*command, "hydra.launcher.error='no such partition'"]
    result = subprocess.run(failing, cwd=tmp_path, env=toy_environment, capture_output=True, text=True)
    assert result.returncode == 1, result.stderr
    assert "hydra/launcher=toy failed: RuntimeError: no such partition" in result.stderr
    assert "6 of 6 poses are missing" in result.stderr
    assert "Traceback" not in result.stderr
    assert not list((tmp_path / "SinglePose").glob("*.npy"))


@pytest.mark.e2e
def test_an_interrupted_job_ends_its_launcher_with_its_exit_code(
    tmp_path: Path, command: list[str], toy_environment: dict[str, str]
) -> None:
    many = [*command, write_captions(tmp_path, [f"A person number {each}" for each in range(400)])]
    process = subprocess.Popen(
        [*many, "sampling.batch_size=1"], cwd=tmp_path, env=toy_environment, stderr=subprocess.PIPE, text=True
    )
    wait_until(lambda: len(list((tmp_path / "SinglePose").glob("*.json"))) >= 3)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 143, errors
    assert "shard 0 of 2 was stopped" in errors
    assert [each.state for each in read_progress(tmp_path / "SinglePose")] == ["interrupted"]
    assert "Traceback" not in errors
