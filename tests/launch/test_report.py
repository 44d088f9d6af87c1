"""The report of a sweep, by the exit codes of its runs and the poses on disk."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support import write_captions

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.progress import Progress
from mardm_batch.dataset.records import Failure, Pose
from mardm_batch.dataset.reviews import Review, ReviewList
from mardm_batch.dataset.sweeps import read_sweep
from mardm_batch.launch.jobs import Job
from mardm_batch.launch.plan import EXIT_CODE, PROCESS_ID, SIGNAL, sweep_name, write_status
from mardm_batch.launch.record import record_sweep
from mardm_batch.launch.report import report
from mardm_batch.registries import register_schemas
from mardm_batch.run.reading import open_store, read_run_prompts
from mardm_batch.sampling.provenance import pose_provenance
from mardm_batch.tracking.offline import leave_place, shell_paths

register_schemas()


@pytest.mark.parametrize(
    ("code", "ending", "exit_code"),
    [(1, "failed in part", 1), (2, "was refused", 2), (3, "crashed", 1), (143, "was stopped", 1), (None, "died", 1)],
)
def test_a_run_that_did_not_finish_is_named_with_how_it_ended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, code: int | None, ending: str, exit_code: int
) -> None:
    write_captions(tmp_path, ["A person waving", "A person sitting"])
    words = [f"paths.prompts={tmp_path}/captions.txt", f"paths.output={tmp_path}/poses", "shard=0", "num_shards=1"]
    if code is not None:
        write_status(str(tmp_path), 0, EXIT_CODE, code)
    with caplog.at_level(logging.INFO):
        assert report([Job(0, words, to_config(compose_config(words)))], str(tmp_path), 0) == exit_code
    assert f"shard 0 of 1 {ending}: 0 of 2 poses are finished" in caplog.text
    assert "2 of 2 poses are missing" in caplog.text


@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL (out of memory?)"), (11, "SIGSEGV")])
def test_a_run_that_a_signal_killed_is_named_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, number: int, name: str
) -> None:
    write_captions(tmp_path, ["A person waving"])
    words = [f"paths.prompts={tmp_path}/captions.txt", f"paths.output={tmp_path}/poses", "shard=0", "num_shards=1"]
    write_status(str(tmp_path), 0, SIGNAL, number)
    assert report([Job(0, words, to_config(compose_config(words)))], str(tmp_path), 0) == 1
    assert caplog.messages[0] == f"shard 0 of 1 was killed by {name}: 0 of 1 pose is finished"


def test_a_run_that_an_interrupted_sweep_did_not_come_to_was_not_started(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_captions(tmp_path, [f"A person number {each}" for each in range(3)])
    words = [f"paths.prompts={tmp_path}/captions.txt", f"paths.output={tmp_path}/poses"]
    shards = [[*words, f"shard={shard}"] for shard in range(3)]
    jobs = [Job(number, each, to_config(compose_config(each))) for number, each in enumerate(shards)]
    write_status(str(tmp_path), 0, PROCESS_ID, 999_999_999)
    Progress("shard-1-of-3", "log", sweep_name(str(tmp_path))).write(tmp_path / "poses")  # by another launcher
    Progress("shard-2-of-3", "log", "an-earlier-sweep").write(tmp_path / "poses")
    assert report(jobs, str(tmp_path), 130) == 130
    assert [each.split(":")[0] for each in caplog.messages if each.startswith("shard")] == [
        "shard 0 of 3 was stopped",
        "shard 1 of 3 was stopped",
        "shard 2 of 3 was not started",
    ]


def test_runs_tracked_offline_are_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_captions(tmp_path, ["A person waving"])
    words = [f"paths.prompts={tmp_path}/captions.txt", f"paths.output={tmp_path}/poses"]
    jobs = [Job(number, words, to_config(compose_config(words))) for number in range(3)]
    for number, name in enumerate(("offline-run-20261128_1146-a", "offline-run-20261128_1147-b")):
        (tmp_path / str(number)).mkdir()
        leave_place(tmp_path / str(number), tmp_path / "wandb" / name)
    with caplog.at_level(logging.INFO):
        report(jobs, str(tmp_path), 0)
    folder = tmp_path / "wandb"
    assert [each for each in caplog.messages if "offline" in each] == [
        f"2 runs tracked offline: `wandb leet {folder}` shows the curves, "
        f"`wandb sync {folder}/offline-run-20261128_114*` uploads them"
    ]


def test_only_the_runs_of_the_sweep_are_to_be_uploaded(tmp_path: Path) -> None:
    names = ["offline-run-20261128_1146-a", "offline-run-20261128_1147-b"]
    for name in (*names, "offline-run-20261128_1148-c"):  # of an earlier sweep
        (tmp_path / name).mkdir()
    assert shell_paths(tmp_path, names) == " ".join(str(tmp_path / name) for name in names)
    (tmp_path / "offline-run-20261128_1148-c").rmdir()
    assert shell_paths(tmp_path, names) == f"{tmp_path}/offline-run-20261128_114*"


def test_the_poses_of_shards_that_are_not_in_the_sweep_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_captions(tmp_path, ["A person waving", "A person sitting", "A person jumping"])
    words = [f"paths.prompts={tmp_path}/captions.txt", f"paths.output={tmp_path}/poses", "shard=2"]
    report([Job(0, words, to_config(compose_config(words)))], str(tmp_path), 0)
    assert (
        "1 of 1 pose is missing; the same command makes the rest; 2 of the list's 3 poses are left out" in caplog.text
    )


@pytest.mark.parametrize(
    ("setting", "name", "counted"),
    [("existing=skip", "", 1), ("existing=overwrite", "", None), ("existing=skip", "later", None)],
)
def test_the_record_of_a_sweep_has_the_poses_at_its_end(
    tmp_path: Path, setting: str, name: str, counted: int | None
) -> None:
    """Not where poses were to be made again, nor in the record of a later sweep of the folder."""
    write_captions(tmp_path, ["A person waving", "A person sitting"])
    paths = [f"paths.prompts={tmp_path}/captions.txt", f"paths.output={tmp_path}/poses", "render.enabled=false"]
    job = Job(0, [], to_config(compose_config([*paths, setting])))
    record_sweep([job], str(tmp_path))
    (tmp_path / "staging").mkdir()
    prompt, _ = read_run_prompts(job.config).prompts
    pose = Pose(prompt, np.zeros((22, 3), np.float32), 8, 0)
    open_store(job.config).write(pose, None, pose_provenance(job.config), tmp_path / "staging")
    begun = read_sweep(tmp_path / "poses")
    assert begun is not None
    assert (begun.jobs[0].finished, begun.jobs[0].finished_at_end) == (0, None)
    replace(begun, name=name or begun.name).write(tmp_path / "poses")
    report([job], str(tmp_path), 130)
    ended = read_sweep(tmp_path / "poses")
    assert ended is not None
    assert ended.jobs[0].finished_at_end == counted


@pytest.mark.parametrize("code", [1, 2, 3, None])
@pytest.mark.parametrize(
    ("existing", "listed", "exit_code"), [("skip", False, 0), ("skip", True, 0), ("overwrite", False, 1)]
)
def test_a_sweep_whose_poses_another_made_meanwhile_is_finished(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, code: int | None, existing: str, listed: bool, exit_code: int
) -> None:
    write_captions(tmp_path, ["A person waving"])
    paths = [f"paths.prompts={tmp_path}/captions.txt", f"paths.output={tmp_path}/poses", "render.enabled=false"]
    words = [*paths, "shard=0", "num_shards=1", f"existing={existing}"]
    job = Job(0, words, to_config(compose_config(words)))
    (prompt,) = read_run_prompts(job.config).prompts
    (tmp_path / "staging").mkdir()
    (tmp_path / "poses" / ".mardm_batch").mkdir(parents=True)
    pose = Pose(prompt, np.zeros((22, 3), np.float32), 8, 0)
    open_store(job.config).write(pose, None, pose_provenance(job.config), tmp_path / "staging")
    if listed:
        FailureList(tmp_path / "poses").append([Failure(prompt.caption, prompt.name, "sample", "broken")])
    if code is not None:
        write_status(str(tmp_path), 0, EXIT_CODE, code)
    if code == 1 and listed:  # it could not bring the list up to date
        exit_code = 1
    if code == 2 and existing == "overwrite":
        exit_code = 2
    with caplog.at_level(logging.INFO):
        assert report([job], str(tmp_path), 0) == exit_code
    assert ("the sweep is finished: 1 job, 1 pose, nothing is missing" in caplog.text) == (exit_code == 0)
    assert ("but all of its poses are finished" in caplog.text) == (exit_code == 0)


def test_poses_made_again_by_several_shards_are_told_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_captions(tmp_path, ["A person waving", "A person sitting"])
    paths = [f"paths.prompts={tmp_path}/captions.txt", f"paths.output={tmp_path}/poses", "render.enabled=false"]
    jobs = []
    for shard in (0, 1):
        words = [*paths, f"shard={shard}", "num_shards=2", "retry=rejected"]
        jobs.append(Job(shard, words, to_config(compose_config(words))))
        write_status(str(tmp_path), shard, EXIT_CODE, 0)
    (tmp_path / "staging").mkdir()
    for job in jobs:
        store = open_store(job.config)
        store.prepare()
        (prompt,) = read_run_prompts(job.config).prompts
        ReviewList(store.output).append([Review(prompt.name, "reject")])
        pose = Pose(prompt, np.zeros((22, 3), np.float32), 8, 0, rejections=1, agreement=job.number / 2)
        store.write(pose, None, pose_provenance(job.config), tmp_path / "staging")
    with caplog.at_level(logging.INFO):
        assert report(jobs, str(tmp_path), 0) == 0
    (line,) = [each for each in caplog.messages if "made again" in each]
    assert line.startswith("2 poses made again and not reviewed yet; 2 still agree less than 0.8: waving (0.00), ")
