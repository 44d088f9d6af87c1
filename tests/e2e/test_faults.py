"""Faults injected into the command: what is lost is counted, what is finished is kept, the exit code says which."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support import write_captions

from mardm_batch.dataset.progress import read_progress

CAPTIONS = [f"A person in pose number {number}" for number in range(1000)]

FaultyRun = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def faulty_run(tmp_path: Path, tiny_weights: Path) -> FaultyRun:
    """The command with the tiny model in a process in which a piece of code was run before."""

    def run(code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        settings = (f"model.weights={tiny_weights}", "tracking.mode=disabled", "render.enabled=false")
        code += "\nfrom mardm_batch.cli import main\nmain()"
        command = [sys.executable, "-c", code, "hydra.run.dir=log", *settings, *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)

    return run


ENCODER = """
import mardm_batch.model.words as words
encode, calls = words.WordEncoder.encode, []
def faulty(self, captions):
    calls.append(captions)
    open("calls", "w").write(str(len(calls)))
    if CONDITION:
        raise RuntimeError("the encoder is broken")
    return encode(self, captions)
words.WordEncoder.encode = faulty
"""


def assert_lists_agree(folder: Path, finished: int) -> None:
    assert len(list((folder / "SinglePose").glob("*.json"))) == finished
    assert len((folder / "SinglePose" / "metadata.jsonl").read_text().splitlines()) == finished
    assert not (folder / "SinglePose_temp").exists()


def test_a_model_that_fails_for_every_caption_ends_the_run_soon(tmp_path: Path, faulty_run: FaultyRun) -> None:
    result = faulty_run(ENCODER.replace("CONDITION", "True"), write_captions(tmp_path, CAPTIONS))
    assert result.returncode == 1, result.stderr
    assert int((tmp_path / "calls").read_text()) <= 36
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
    result = faulty_run(ENCODER.replace("CONDITION", f"{CAPTIONS[50]!r} in captions"), prompts)
    assert result.returncode == 1, result.stderr
    assert "99 of 100 poses are finished" in result.stderr
    assert "sampling stopped" not in result.stderr
    assert "failed: in_pose_number_50 (sample): RuntimeError: the encoder is broken" in result.stderr
    assert "Traceback" not in result.stderr
    assert_lists_agree(tmp_path, finished=99)
    again = faulty_run("", prompts)
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


WRITERS = """
import mardm_batch.run.writers as writers
write, poses = writers.PoseWriters.write, []
def faulty(self, pose, provenance):
    poses.append(pose)
    if len(poses) > 20:
        list(self.finish())
        raise RuntimeError("injected")
    return write(self, pose, provenance)
writers.PoseWriters.write = faulty
import mardm_batch.tracking.tracker as trackers
finish = trackers.DeferredTracker.finish
def finish_and_tell(self, summary):
    open("tracker_finished", "w").write(str(summary.exit_code))
    finish(self, summary)
trackers.DeferredTracker.finish = finish_and_tell
"""


def test_a_crash_among_the_poses_keeps_and_lists_what_is_finished(tmp_path: Path, faulty_run: FaultyRun) -> None:
    prompts = write_captions(tmp_path, CAPTIONS[:60])
    result = faulty_run(WRITERS, prompts)
    assert_crashed(tmp_path, result, finished=20, total=60)
    assert (tmp_path / "tracker_finished").read_text() == "3"
    again = faulty_run("", prompts)
    assert again.returncode == 0, again.stderr


SURVEY = """
import mardm_batch.dataset.store as store
survey, calls = store.PoseStore.survey, []
def faulty(self, *arguments):
    calls.append(arguments)
    if len(calls) == 1:
        raise RuntimeError("injected")
    return survey(self, *arguments)
store.PoseStore.survey = faulty
"""


def test_a_crash_before_the_first_pose_is_recorded_too(tmp_path: Path, faulty_run: FaultyRun) -> None:
    prompts = write_captions(tmp_path, CAPTIONS[:5])
    assert faulty_run("", prompts, "limit=2").returncode == 0
    (tmp_path / "SinglePose" / "metadata.jsonl").unlink()
    assert_crashed(tmp_path, faulty_run(SURVEY, prompts), finished=2, total=5)


def test_a_crash_at_the_end_is_recorded_too(tmp_path: Path, faulty_run: FaultyRun) -> None:
    code = SURVEY.replace("== 1", "== 2")
    result = faulty_run(code, write_captions(tmp_path, CAPTIONS[:5]))
    assert result.returncode == 3, result.stderr
    (progress,) = read_progress(tmp_path / "SinglePose")
    assert (progress.state, progress.done) == ("crashed", 5)
    assert_lists_agree(tmp_path, finished=5)


def test_a_crash_outside_the_shard_s_lock_has_its_exit_code(tmp_path: Path, faulty_run: FaultyRun) -> None:
    code = "import mardm_batch.prompts.prompt_list as module\n"
    code += "def faulty(*arguments):\n    raise RuntimeError('injected')\nmodule.name_prompts = faulty"
    result = faulty_run(code, write_captions(tmp_path, CAPTIONS[:5]))
    assert result.returncode == 3, result.stderr
    assert result.stderr == CRASH.format(tmp_path / "log") + "\n"
    assert "Traceback" in (tmp_path / "log" / "mardm_batch.log").read_text()
