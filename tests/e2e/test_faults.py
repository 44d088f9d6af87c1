"""Faults injected into the command: what is lost is counted, what is finished is kept, the exit code says which."""

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.support import Run, write_captions

from mardm_batch.dataset.progress import read_progress
from mardm_batch.dataset.store import PoseStore
from mardm_batch.model.words import WordEncoder
from mardm_batch.run.writers import PoseWriters
from mardm_batch.tracking.tracker import DeferredTracker

CAPTIONS = [f"A person in pose number {number}" for number in range(1000)]

FaultyRun = Callable[..., "subprocess.CompletedProcess[str]"]
Fault = Callable[[pytest.MonkeyPatch], object]


@pytest.fixture
def faulty_run(run: Run) -> FaultyRun:
    """The command with the tiny model, with a fault in the code."""

    def with_fault(fault: Fault, *arguments: str) -> "subprocess.CompletedProcess[str]":
        with pytest.MonkeyPatch.context() as patch:
            fault(patch)
            return run("hydra.run.dir=log", "render.enabled=false", *arguments)

    return with_fault


def no_fault(patch: pytest.MonkeyPatch) -> None:
    """Nothing is patched."""


def fail_at_call(owner: type, name: str, number: int) -> Fault:
    """The method raises an error at one of its calls."""

    def fault(patch: pytest.MonkeyPatch) -> None:
        method, calls = getattr(owner, name), []

        def failing(self: object, *arguments: object) -> object:
            calls.append(arguments)
            if len(calls) == number:
                raise RuntimeError("injected")
            return method(self, *arguments)

        patch.setattr(owner, name, failing)

    return fault


def broken_encoder(is_broken: Callable[[Sequence[str]], bool], calls: list[Sequence[str]]) -> Fault:
    """The text encoder raises an error for some captions; `calls` collects those that it was called with."""

    def fault(patch: pytest.MonkeyPatch) -> None:
        read = WordEncoder.read

        def failing(self: WordEncoder, captions: Sequence[str]) -> object:
            calls.append(captions)
            if is_broken(captions):
                raise RuntimeError("the encoder is broken")
            return read(self, captions)

        patch.setattr(WordEncoder, "read", failing)

    return fault


def assert_lists_agree(folder: Path, finished: int) -> None:
    assert len(list((folder / "SinglePose").glob("*.json"))) == finished
    assert len((folder / "SinglePose" / "metadata.jsonl").read_text().splitlines()) == finished
    assert not (folder / "SinglePose_temp").exists()


def test_a_model_that_fails_for_every_caption_ends_the_run_soon(tmp_path: Path, faulty_run: FaultyRun) -> None:
    calls: list[Sequence[str]] = []
    result = faulty_run(broken_encoder(lambda captions: True, calls), write_captions(tmp_path, CAPTIONS))
    assert result.returncode == 1, result.stderr
    assert len(calls) <= 36
    (stopped,) = [line for line in result.stderr.splitlines() if "sampling stopped" in line]
    assert "(RuntimeError: the encoder is broken)" in stopped
    assert "the log file has the traceback" in stopped
    assert "0 of 1000 poses are finished" in result.stderr
    assert "1000 are missing" in result.stderr
    assert "Traceback" not in result.stderr
    assert (tmp_path / "log" / "mardm_batch.log").read_text().count("Traceback") == 1
    failures = (tmp_path / "SinglePose" / "failures.jsonl").read_text().splitlines()
    assert 1 <= len(failures) <= 36
    summary = json.loads((tmp_path / "log" / "summary.json").read_text())
    assert summary["errors"] == {"sample: RuntimeError: the encoder is broken": len(failures)}
    assert_lists_agree(tmp_path, finished=0)


def test_a_model_that_fails_for_one_caption_makes_all_others(tmp_path: Path, faulty_run: FaultyRun) -> None:
    prompts = write_captions(tmp_path, CAPTIONS[:100])
    result = faulty_run(broken_encoder(lambda captions: CAPTIONS[50] in captions, []), prompts)
    assert result.returncode == 1, result.stderr
    assert "99 of 100 poses are finished" in result.stderr
    assert "sampling stopped" not in result.stderr
    assert "failed: in_pose_number_50 (sample): RuntimeError: the encoder is broken" in result.stderr
    assert "Traceback" not in result.stderr
    assert_lists_agree(tmp_path, finished=99)
    again = faulty_run(no_fault, prompts)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "SinglePose" / "failures.jsonl").read_text() == ""


CRASH = "error: the run crashed: RuntimeError: injected; the log file in {} has the traceback"


def assert_crashed(folder: Path, result: "subprocess.CompletedProcess[str]", finished: int, total: int) -> None:
    assert result.returncode == 3, result.stderr
    (crash,) = [line for line in result.stderr.splitlines() if "crashed" in line]
    assert crash == CRASH.format(folder / "log")
    assert f"{finished} of {total} poses are finished" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Traceback" in (folder / "log" / "mardm_batch.log").read_text()
    summary = json.loads((folder / "log" / "summary.json").read_text())
    assert (summary["state"], summary["exit_code"]) == ("crashed", 3)
    (progress,) = read_progress(folder / "SinglePose")
    assert (progress.state, progress.exit_code) == ("crashed", 3)
    assert_lists_agree(folder, finished)


def crash_after_20_poses(patch: pytest.MonkeyPatch) -> None:
    """The poses before it are written."""
    write = PoseWriters.write

    def failing(self: PoseWriters, poses: Any, provenance: Any) -> Iterator[Any]:
        yield from write(self, poses[:20], provenance)
        yield from self.finish()
        raise RuntimeError("injected")

    patch.setattr(PoseWriters, "write", failing)


def test_a_crash_among_the_poses_keeps_and_lists_what_is_finished(
    tmp_path: Path, faulty_run: FaultyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = write_captions(tmp_path, CAPTIONS[:60])
    summaries = []
    monkeypatch.setattr(DeferredTracker, "finish", lambda self, summary: summaries.append(summary))
    result = faulty_run(crash_after_20_poses, prompts, "sampling.min_agreement=null")
    assert_crashed(tmp_path, result, finished=20, total=60)
    assert [summary.exit_code for summary in summaries] == [3]
    monkeypatch.undo()
    again = faulty_run(no_fault, prompts, "sampling.min_agreement=null")
    assert again.returncode == 0, again.stderr


def test_a_crash_before_the_first_pose_is_recorded_too(tmp_path: Path, faulty_run: FaultyRun) -> None:
    prompts = write_captions(tmp_path, CAPTIONS[:5])
    assert faulty_run(no_fault, prompts, "limit=2").returncode == 0
    (tmp_path / "SinglePose" / "metadata.jsonl").unlink()
    assert_crashed(tmp_path, faulty_run(fail_at_call(PoseStore, "survey", 1), prompts), finished=2, total=5)


def test_a_crash_at_the_end_is_recorded_too(tmp_path: Path, faulty_run: FaultyRun) -> None:
    result = faulty_run(fail_at_call(PoseStore, "survey", 2), write_captions(tmp_path, CAPTIONS[:5]))
    assert result.returncode == 3, result.stderr
    (progress,) = read_progress(tmp_path / "SinglePose")
    assert (progress.state, progress.done) == ("crashed", 5)
    assert_lists_agree(tmp_path, finished=5)


def test_a_crash_outside_the_shard_s_lock_has_its_exit_code(tmp_path: Path, faulty_run: FaultyRun) -> None:
    def fault(patch: pytest.MonkeyPatch) -> None:
        def failing(*arguments: object) -> None:
            raise RuntimeError("injected")

        patch.setattr("mardm_batch.prompts.prompt_list.name_prompts", failing)

    result = faulty_run(fault, write_captions(tmp_path, CAPTIONS[:5]))
    assert result.returncode == 3, result.stderr
    assert result.stderr == CRASH.format(tmp_path / "log") + "\n"
    assert "Traceback" in (tmp_path / "log" / "mardm_batch.log").read_text()
