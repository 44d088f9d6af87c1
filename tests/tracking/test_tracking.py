"""Weights & Biases offline: what a run leaves on disk, read back. Tracking that fails is a warning and no more."""

import json
import logging
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.support import Run
from wandb.proto.wandb_internal_pb2 import Record

from mardm_batch.dataset.summary import RunSummary
from mardm_batch.tracking.tracker import (
    DeferredTracker,
    NullTracker,
    SafeTracker,
    TrackedRun,
)
from mardm_batch.tracking.wandb_tracker import WandbSettings

BLOCK = 32768
ENDED = RunSummary(shard="all", sweep=None, state="finished", exit_code=0, output=Path())


def records(path: Path) -> Iterator[Record]:
    """The records of an offline run: LevelDB's log format behind a header of seven bytes."""
    content, record, place = path.read_bytes(), b"", 7
    while place + 7 <= len(content):
        left = BLOCK - place % BLOCK
        if left < 7:
            place += left
            continue
        length, kind = struct.unpack("<HB", content[place + 4 : place + 7])
        record += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last piece
            parsed = Record()
            parsed.ParseFromString(record)
            record = b""
            yield parsed


@pytest.mark.e2e
def test_an_offline_run_holds_settings_metrics_and_pictures(tmp_path: Path, run: Run) -> None:
    (tmp_path / "captions.txt").write_text("A person waving\nA person <b>sitting</b>\n", encoding="utf-8")
    result = run("paths.prompts=captions.txt", "tracking.mode=offline", "tracking.samples=1")
    assert result.returncode == 0, result.stderr
    assert "wandb" not in result.stderr
    (file,) = tmp_path.glob("outputs/*/*/wandb/offline-run-*/*.wandb")
    kinds: dict[str, list[Record]] = {}
    for each in records(file):
        kinds.setdefault(each.WhichOneof("record_type"), []).append(each)
    assert kinds["run"][0].run.project == "mardm-batch"
    config = {item.key: json.loads(item.value_json) for item in kinds["run"][0].run.config.update}
    assert config["sampling"]["sequence_length"] == 16
    logged = {item.key or item.nested_key[0] for each in kinds["history"] for item in each.history.item}
    assert {"poses_done", "poses_per_second", "bone_length_error_cm", "seconds/sample", "pictures", "samples"} <= logged
    summary = {
        item.key or item.nested_key[0]: item.value_json for each in kinds["summary"] for item in each.summary.update
    }
    assert summary["poses_done"] == "2"
    assert "diversity_cm" in summary
    assert kinds["exit"][0].exit.exit_code == 0
    assert len(list(file.parent.glob("files/media/images/*.png"))) == 1


@pytest.mark.e2e
def test_auto_asks_for_no_login_and_is_offline_without_a_key(tmp_path: Path, run: Run) -> None:
    (tmp_path / "captions.txt").write_text("A person waving\n")
    result = run(
        "paths.prompts=captions.txt",
        "tracking.mode=auto",
        "render.enabled=false",
        HOME=str(tmp_path),
        NETRC=str(tmp_path / "none"),
        WANDB_API_KEY="",
    )
    assert result.returncode == 0, result.stderr
    assert len(list(tmp_path.glob("outputs/*/*/wandb/offline-run-*/*.wandb"))) == 1


def test_disabled_costs_nothing() -> None:
    code = """
import sys
import threading
from pathlib import Path
from mardm_batch.tracking.tracker import TrackedRun
from mardm_batch.tracking.wandb_tracker import WandbSettings
WandbSettings(mode="disabled", project="p", entity=None).open(TrackedRun(Path("."), {}, "all", None))
print("wandb" in sys.modules)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


class Failing(NullTracker):
    def log(self, metrics: object) -> None:
        raise ConnectionError("no network")


def test_tracking_that_fails_warns_once_and_stops(caplog: pytest.LogCaptureFixture) -> None:
    tracker = SafeTracker(Failing())
    with caplog.at_level(logging.WARNING):
        tracker.log({"poses_done": 1})
        tracker.log({"poses_done": 2})
        tracker.finish(ENDED)
    assert [record.getMessage() for record in caplog.records] == ["tracking stopped: ConnectionError: no network"]


def test_a_tracker_that_cannot_start_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    settings = WandbSettings(mode="offline", project="not/a project", entity=None)
    with caplog.at_level(logging.WARNING):
        tracker = settings.open(TrackedRun(tmp_path / "file", {}, "all", None))
    tracker.log({"poses_done": 1})
    assert "no tracking" in caplog.text


def test_what_is_logged_while_a_tracker_opens_is_tracked() -> None:
    told: list[object] = []

    class Remembering:
        def log(self, metrics: Mapping[str, float]) -> None:
            told.append(dict(metrics))

        def finish(self, summary: RunSummary) -> None:
            told.append("end")

    opened = threading.Event()

    def open_slowly() -> Remembering:
        opened.wait(10)
        return Remembering()

    tracker = DeferredTracker(open_slowly)
    tracker.log({"a": 1})
    assert told == []
    opened.set()
    tracker.finish(ENDED)
    assert told == [{"a": 1}, "end"]


@pytest.mark.parametrize("settings", [("online", ""), ("auto", "online"), ("auto", "dryrun")])
def test_nothing_ever_asks_for_a_login(
    tmp_path: Path, settings: tuple[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mode, variable = settings
    for name, value in {"HOME": str(tmp_path), "NETRC": str(tmp_path / "none"), "WANDB_API_KEY": ""}.items():
        monkeypatch.setenv(name, value)
    if variable:
        monkeypatch.setenv("WANDB_MODE", variable)
    tracker = WandbSettings(mode=mode, project="p", entity=None).open(TrackedRun(tmp_path, {}, "all", None))
    tracker.finish({"output": str(tmp_path), "samples": [], "errors": {}, "metrics": {}, "exit_code": 0})
    assert len(list(tmp_path.glob("wandb/offline-run-*/*.wandb"))) == 1
    assert ("no Weights & Biases API key" in caplog.text) == (variable != "dryrun")
