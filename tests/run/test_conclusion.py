"""The end of a run: exit code 1 and one line where a list is wrong, mended by the next run though nothing is to do."""

import errno
import json
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from tests.support import write_captions

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.config.schema import Config
from mardm_batch.dataset import leftovers, locks
from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.layout import FAILURES, METADATA, RECORDS
from mardm_batch.dataset.layouts import layout as layout_module
from mardm_batch.dataset.progress import Progress, read_progress
from mardm_batch.dataset.records import Failure, Pose
from mardm_batch.dataset.staging import output_id
from mardm_batch.dataset.store import PoseStore
from mardm_batch.gallery.index import OutputFolder, PoseIndex
from mardm_batch.generate import generate
from mardm_batch.library.caption_conditions import caption_conditions
from mardm_batch.prompts.names import Prompt
from mardm_batch.registries import register_schemas
from mardm_batch.run.conclusion import report_end
from mardm_batch.run.reading import open_store, read_run_prompts
from mardm_batch.run.statistics import RunStatistics
from mardm_batch.sampling.provenance import pose_provenance
from mardm_batch.sampling.vocabulary import NO_KNOWN_WORD, STAGE, ReadCaptions
from mardm_batch.system.signals import Interrupted

register_schemas()
CAPTIONS = ["A person waving", "A person sitting"]


@pytest.fixture
def config(tmp_path: Path, tiny_weights: Path) -> Config:
    """A run that has nothing to do: its poses are finished."""
    write_captions(tmp_path, CAPTIONS)
    words = [f"paths.prompts={tmp_path}/captions.txt", f"paths.output={tmp_path}/poses", f"paths.temp={tmp_path}/temp"]
    config = to_config(compose_config([*words, f"model.weights={tiny_weights}", "render.enabled=false"]))
    store = open_store(config)
    store.prepare()
    (tmp_path / "run").mkdir()
    for prompt in read_run_prompts(config).prompts:
        pose = Pose(prompt, np.zeros((22, 3), np.float32), 8, 0, unknown_words=("waving",))
        store.write(pose, None, pose_provenance(config), tmp_path)
    return config


def run(config: Config, sweep: str | None = None) -> int:
    return generate(config, Path(config.paths.output).parent / "run", sweep)


@contextmanager
def folder_in_place(output: Path, name: str) -> Iterator[None]:
    (output / name).mkdir()
    yield
    (output / name).rmdir()


@contextmanager
def unreadable(name: str, number: int) -> Iterator[None]:
    read: Callable[[str], bytes] = layout_module.read_regular

    def failing(path: str) -> bytes:
        if Path(path).name == name:
            raise OSError(number, os.strerror(number), path)
        return read(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout_module, "read_regular", failing)
        yield


@contextmanager
def unwritable(function: str, number: int) -> Iterator[None]:
    def failing(path: Path, content: bytes = b"") -> None:
        raise OSError(number, os.strerror(number), str(path))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"mardm_batch.dataset.{function}", failing)
        yield


@contextmanager
def held_lock(output: Path, name: str) -> Iterator[None]:
    """By a process that was stopped while it changed the list."""
    (output / FAILURES).touch()
    with pytest.MonkeyPatch.context() as patch, FileLock(output / RECORDS / f"{name}.lock"):
        patch.setattr(locks, "SECONDS_TO_WAIT_FOR_LIST", 0.1)
        patch.setattr(leftovers, "SECONDS_TO_WAIT", 0.1)
        yield


FAULTS = {
    "a folder in the place of the metadata": lambda output: folder_in_place(output, METADATA),
    "a folder in the place of the card": lambda output: folder_in_place(output, "README.md"),
    "a folder in the place of the failures": lambda output: folder_in_place(output, FAILURES),
    "held lock of the metadata": lambda output: held_lock(output, "metadata"),
    "held lock of the failures": lambda output: held_lock(output, "failures"),
    "full disk": lambda output: unwritable("metadata.replacing", errno.ENOSPC),
    "full disk at the card": lambda output: unwritable("card.write_atomically", errno.ENOSPC),
    "quota": lambda output: unwritable("metadata.replacing", errno.EDQUOT),
    "pose not readable": lambda output: unreadable("waving.json", errno.EIO),
    "pose stale": lambda output: unreadable("waving.json", errno.ESTALE),
    "pose of another user": lambda output: unreadable("waving.json", errno.EACCES),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_list_is_exit_code_1_and_one_line_and_the_next_run_mends_it(
    config: Config, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    output = Path(config.paths.output)
    with FAULTS[fault](output), caplog.at_level(logging.WARNING):
        assert run(config) == 1
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert "were not brought up to date" in record.getMessage()
    command = f"python -m mardm_batch.verify {output} --repair sets it aside"
    advice = command if "a folder in" in fault else "run the same command again once "
    assert record.getMessage().count(advice) == 1
    assert "\n" not in record.getMessage()
    summary = json.loads((output.parent / "run" / "summary.json").read_text())
    assert (summary["exit_code"], summary["state"]) == (1, "incomplete")
    caplog.clear()
    with caplog.at_level(logging.INFO):
        assert run(config) == 0
    assert "nothing to do: all 2 poses are finished" in caplog.text
    assert "captions with words that the model does not know: 2" in caplog.text
    assert len((output / METADATA).read_text().splitlines()) == 2


def test_a_pose_that_cannot_be_read_is_neither_finished_nor_made_again(config: Config) -> None:
    output = Path(config.paths.output)
    before = {path: path.stat().st_mtime_ns for path in output.glob("waving.*")}
    with unreadable("waving.json", errno.EIO):
        assert run(config) == 1
        assert run(config, sweep="sweep") == 1  # which leaves the lists to the sweep's end
    assert {path: path.stat().st_mtime_ns for path in output.glob("waving.*")} == before


def test_a_run_of_a_sweep_leaves_the_metadata_to_the_sweeps_end(config: Config) -> None:
    assert run(config, sweep="sweep") == 0
    assert not (Path(config.paths.output) / METADATA).exists()


def test_leftovers_are_cleared_though_nothing_is_to_do(config: Config) -> None:
    temp = Path(config.paths.temp)
    staging = temp / f".mardm_batch-shard-1-of-7-{output_id(Path(config.paths.output))}"
    staging.mkdir(parents=True)
    (staging / "waving.npy").write_bytes(b"half")
    assert run(config) == 0
    assert not temp.exists()
    assert NPY.path(Path(config.paths.output), "waving").exists()


def test_sampling_does_not_wait_for_a_held_list_of_failures_and_its_end_lists_them(
    config: Config, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mardm_batch.run.statistics.SECONDS_TO_LIST_FAILURE", 0.1)
    output, failures = Path(config.paths.output), FailureList(Path(config.paths.output))
    run_folder = str(output.parent / "run")
    statistics = RunStatistics(
        Progress("all", run_folder), read_run_prompts(config).prompts, output, asdict(config), failures
    )
    entries = [Failure(f"A person {each}", each, "sample", "no") for each in "ab"]
    with held_lock(output, "failures"):
        started = time.monotonic()
        for each in entries:
            statistics.record_failure(each)
        assert time.monotonic() - started < 10
        assert report_end(statistics, open_store(config), config, 0, seconds=1) == 1
    assert "failures.lock: another process holds this lock" in caplog.text
    assert failures.read() == []
    report_end(statistics, open_store(config), config, 0, seconds=1)
    assert failures.read() == entries


def test_only_words_of_captions_that_are_made_are_said_to_be_ignored(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    output, prompts = Path(config.paths.output), [Prompt("a", "A zorbing person"), Prompt("b", "Zxqwv blarg")]
    progress = Progress("all", str(output.parent / "run"))
    statistics = RunStatistics(progress, prompts, output, asdict(config), FailureList(output))
    words = {"A zorbing person": ("zorbing",), "Zxqwv blarg": ("Zxqwv", "blarg")}
    failures = [Failure.of(prompts[1], STAGE, NO_KNOWN_WORD)]
    statistics.record_reading(ReadCaptions(prompts[:1], failures, words, {}))
    assert caplog.messages == ["the model does not know these words and ignores them: zorbing"]
    assert set(statistics.unknown_words) == {"zorbing", "zxqwv", "blarg"}
    caplog.clear()
    statistics.record_reading(ReadCaptions([], failures, words, {}))
    assert not any("ignores" in each for each in caplog.messages)


def test_a_run_leaves_what_the_gallery_shows(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mardm_batch.overview.cache.LEAST_KEPT", 1)
    conditions = Path(config.paths.output).with_name("captions.conditions.yaml")
    conditions.write_text(f"{CAPTIONS[0]}: {{conditions: [left_hand above head]}}\n")
    assert run(config) == 0
    folder = OutputFolder(Path(config.paths.output), caption_conditions(Path(str(config.paths.prompts))))
    monkeypatch.setattr(folder.store, "read", lambda name: pytest.fail(f"{name} is read"))
    index = PoseIndex([folder])
    index.refresh()
    assert {each.caption: each.measures.numbers["conditions"] for each in index.entries} == {
        CAPTIONS[0]: 1,
        CAPTIONS[1]: None,
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shard": 2}, "this shard has no captions"),
        (
            {"retry": "failed", "shard": 0},
            "no pose is listed as failed; of the whole shard 1 of 1 pose is finished",
        ),
        ({"retry": "failed"}, "no pose is listed as failed; of the whole list 2 of 2 poses are finished"),
        ({"retry": "rejected"}, "no rejected pose is left to make; of the whole list 2 of 2 poses are finished"),
    ],
)
def test_why_nothing_is_to_be_done_is_said(
    config: Config, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], words: str
) -> None:
    with caplog.at_level(logging.INFO):
        assert run(replace(config, **changes)) == 0
    assert f"nothing to do: {words}" in caplog.messages


def test_poses_whose_writers_ended_with_the_run_are_counted(
    config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A signal to the whole process group ends the writers after the pose that they are writing."""
    output = Path(config.paths.output)
    (output / "waving.json").unlink()

    def interrupted(pending: Sequence[Prompt], store: PoseStore, *others: object) -> None:
        (prompt,) = pending
        pose = Pose(prompt, np.zeros((22, 3), np.float32), 8, 0)
        store.write(pose, None, pose_provenance(config), output.parent)
        raise Interrupted(signal.SIGTERM)

    monkeypatch.setattr("mardm_batch.generate.make_poses", interrupted)
    with caplog.at_level(logging.INFO):
        assert run(config) == 143
    assert "interrupted: finished poses are kept" in caplog.messages
    assert "2 of 2 poses are finished" in caplog.text
    assert "the rest" not in caplog.text
    (record,) = read_progress(output)
    assert (record.state, record.finished_before, record.done, record.newest) == ("interrupted", 1, 1, ["waving"])
    assert json.loads((output.parent / "run" / "summary.json").read_text())["metrics"]["poses_done"] == 1


def test_an_interrupted_run_says_what_makes_the_rest(
    config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (Path(config.paths.output) / "waving.json").unlink()

    def interrupted(*others: object) -> None:
        raise Interrupted(signal.SIGTERM)

    monkeypatch.setattr("mardm_batch.generate.make_poses", interrupted)
    with caplog.at_level(logging.INFO):
        assert run(config) == 143
    assert "; 1 is missing; the same command makes the rest" in caplog.text
