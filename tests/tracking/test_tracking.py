"""Weights & Biases offline: what a run leaves on disk, read back. Tracking that fails is a warning and no more."""

import json
import logging
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import wandb
from tests.support import Run
from wandb.proto.wandb_internal_pb2 import Record

from mardm_batch.dataset.summary import RunSummary
from mardm_batch.tracking.identity import run_name
from mardm_batch.tracking.offline import log_offline_runs
from mardm_batch.tracking.tracker import (
    DeferredTracker,
    NullTracker,
    SafeTracker,
    TrackedRun,
)
from mardm_batch.tracking.wandb_tracker import WandbSettings, wandb_folder

BLOCK = 32768
VARIABLES = ("PROJECT", "NAME", "ENTITY", "TAGS", "RUN_ID", "RUN_GROUP", "DIR", "MODE", "SILENT")
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


@pytest.fixture(autouse=True)
def fresh_wandb(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """wandb reads its variables once a process; here it reads them anew for each test, and finds none of others."""
    for name in VARIABLES:
        monkeypatch.setenv(f"WANDB_{name}", "")
        monkeypatch.delenv(f"WANDB_{name}")
    yield
    wandb.teardown()


def tracked_run(folder: Path, sweep: str | None = None, shard: int | None = None) -> TrackedRun:
    """A run that a user started with a preset and a guidance scale, into a folder of its own."""
    return TrackedRun(
        folder,
        {"shard": shard, "num_shards": 3, "paths": {"output": "poses"}},
        "all",
        sweep,
        overrides=["+preset=fast", "sampling.cfg=3.0", "paths.output=poses", "hydra.job.num=2", "cpu_threads=1"],
        choices={"preset": "fast", "model": "embedded", "hydra/launcher": "joblib", "experiment": "guidance"},
    )


def first_record(folder: Path) -> Any:
    """The record of the only run in a folder with `wandb/`."""
    wandb.teardown()  # writes what is left
    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    return next(each.run for each in records(file) if each.WhichOneof("record_type") == "run")


def test_a_run_is_named_by_what_tells_it_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.INFO)
    settings = WandbSettings(mode="offline", project=None, entity=None)
    (tmp_path / "run" / "1").mkdir(parents=True)
    settings.open(tracked_run(tmp_path / "run" / "1", "today", shard=1)).finish(ENDED)
    run = first_record(tmp_path)
    assert "tracked offline" not in caplog.text  # the launcher of the sweep says it, once
    log_offline_runs([tmp_path / "run" / "1"])
    (place,) = (tmp_path / "wandb").glob("offline-run-*")
    assert f"tracked offline: `wandb leet wandb/{place.name}` shows the curves" in caplog.text
    assert (run.display_name, run.run_group, run.project) == ("fast cfg=3.0 shard 1/3", "today", "mardm-batch")
    assert list(run.tags) == ["fast", "embedded", "guidance"]


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        (["shard=0"], "shard 0/3"),
        (["+experiment=guidance", "sampling.cfg=1.5"], "cfg=1.5 shard 0/3"),
        (["model=mardm_sit_xl", "model.checkpoints='/a folder'"], "mardm_sit_xl checkpoints=/a folder shard 0/3"),
        (["paths.prompts=" + "x" * 300, "~tracking", "hydra/launcher=basic"], "shard 0/3"),
        (["model.weights=" + "x" * 300], f"weights=…{'x' * 39} shard 0/3"),
    ],
)
def test_names_hold_the_settings_that_change_poses(overrides: list[str], name: str) -> None:
    assert run_name(overrides, {"shard": 0, "num_shards": 3}, "poses") == name
    assert run_name([], {"shard": None}, "poses") == "poses"


@pytest.mark.parametrize("sweep", [None, "today"])
def test_the_variables_of_wandb_are_honoured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sweep: str | None
) -> None:
    values = {
        "PROJECT": "theirs",
        "NAME": "name",
        "ENTITY": "team",
        "TAGS": "a,b",
        "RUN_ID": "id",
        "RUN_GROUP": "group",
    }
    for name, value in {**values, "DIR": str(tmp_path / "there"), "MODE": "dryrun"}.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    WandbSettings(mode="auto", project=None, entity=None).open(tracked_run(tmp_path / "2", sweep)).finish(ENDED)
    run = first_record(tmp_path / "there")
    assert (run.project, run.entity, run.run_group) == ("theirs", "team", "group")
    assert (run.display_name, run.run_id) == (("name fast cfg=3.0", "id-2") if sweep else ("name", "id"))
    assert list(run.tags) == ["a", "b", "fast", "embedded", "guidance"]


def test_a_setting_wins_over_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PROJECT", "ENTITY"):
        monkeypatch.setenv(f"WANDB_{name}", "theirs")
    monkeypatch.setenv("WANDB_MODE", "disabled")
    WandbSettings(mode="offline", project="mine", entity="me").open(tracked_run(tmp_path)).finish(ENDED)
    assert (first_record(tmp_path).project, first_record(tmp_path).entity) == ("mine", "me")


def test_wandb_disabled_is_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb" / "settings").write_text("[default]\nmode = disabled\n")  # as the command writes it
    monkeypatch.chdir(tmp_path)
    settings = WandbSettings(mode="auto", project=None, entity=None)
    assert isinstance(settings.open(tracked_run(tmp_path)), NullTracker)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert isinstance(settings.open(tracked_run(tmp_path)), NullTracker)


@pytest.mark.parametrize(
    ("variable", "value", "tracked"),
    [("MODE", "onlin", True), ("MODE", "off\x1b[2Jline", True), ("RUN_ID", "a/b", False), ("BASE_URL", "me", False)],
)
def test_a_variable_that_wandb_does_not_take_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    variable: str,
    value: str,
    tracked: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"WANDB_{variable}", value)
    mode = "auto" if variable == "MODE" else "offline"
    WandbSettings(mode=mode, project=None, entity=None).open(tracked_run(tmp_path)).finish(ENDED)
    (warning,) = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert "\n" not in warning
    assert "\x1b" not in warning
    assert variable.split("_")[-1] in warning.upper()
    assert bool(list(tmp_path.glob("wandb/offline-run-*/*.wandb"))) == tracked


KILLED = """
import os, signal, sys, time
from pathlib import Path
from mardm_batch.tracking.tracker import TrackedRun
from mardm_batch.tracking.wandb_tracker import WandbSettings
tracker = WandbSettings(mode="offline", project=None, entity=None).open(TrackedRun(Path("run"), {}, "all", "sweep"))
tracker.log({"poses_done": 7})
time.sleep(2.5)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_leaves_its_history_and_wandb_says_nothing_without_a_home(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("HOME", "XDG_CACHE_HOME")}
    (tmp_path / "run").mkdir()
    process = subprocess.run(
        [sys.executable, "-c", KILLED], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert process.returncode == -signal.SIGKILL
    assert (process.stdout, process.stderr) == ("", "")
    (file,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    history = [item for each in records(file) for item in each.history.item]
    assert [item.value_json for item in history if "poses_done" in (item.key, *item.nested_key)] == ["7"]
    assert Path((tmp_path / "run" / "tracked_offline").read_text()) == file.parent  # the sweep's last lines name it


def test_where_the_working_folder_cannot_hold_it_the_run_s_own_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr("os.access", lambda path, mode: tmp_path / "work" not in (Path(path), *Path(path).parents))
    assert wandb_folder(tracked_run(tmp_path / "run")) == tmp_path / "run"
    monkeypatch.setenv("WANDB_DIR", str(tmp_path / "elsewhere"))
    assert wandb_folder(tracked_run(tmp_path / "run")) == tmp_path / "elsewhere"


@pytest.mark.e2e
def test_an_offline_run_holds_settings_metrics_and_pictures(tmp_path: Path, run_apart: Run) -> None:
    (tmp_path / "captions.txt").write_text("A person waving\nA person <b>sitting</b>\n", encoding="utf-8")
    result = run_apart("paths.prompts=captions.txt", "tracking.mode=offline", "tracking.samples=1")
    assert result.returncode == 0, result.stderr
    (file,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    (told,) = [line for line in result.stderr.splitlines() if "wandb" in line]
    assert f"wandb leet wandb/{file.parent.name}" in told
    assert f"wandb sync wandb/{file.parent.name}" in told
    kinds: dict[str, list[Record]] = {}
    for each in records(file):
        kinds.setdefault(each.WhichOneof("record_type"), []).append(each)
    assert kinds["run"][0].run.project == "mardm-batch"
    assert kinds["metric"][0].metric.name == "poses_done"
    assert [(each.metric.glob_name, each.metric.step_metric) for each in kinds["metric"][1:]] == [("*", "poses_done")]
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
def test_auto_asks_for_no_login_and_is_offline_without_a_key(tmp_path: Path, run_apart: Run) -> None:
    (tmp_path / "captions.txt").write_text("A person waving\n")
    result = run_apart(
        "paths.prompts=captions.txt",
        "tracking.mode=auto",
        "render.enabled=false",
        HOME=str(tmp_path),
        NETRC=str(tmp_path / "none"),
        WANDB_API_KEY="",
    )
    assert result.returncode == 0, result.stderr
    assert len(list(tmp_path.glob("wandb/offline-run-*/*.wandb"))) == 1


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


def test_a_tracker_that_cannot_start_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
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
    monkeypatch.chdir(tmp_path)
    for name, value in {"HOME": str(tmp_path), "NETRC": str(tmp_path / "none"), "WANDB_API_KEY": ""}.items():
        monkeypatch.setenv(name, value)
    if variable:
        monkeypatch.setenv("WANDB_MODE", variable)
    tracker = WandbSettings(mode=mode, project="p", entity=None).open(TrackedRun(tmp_path, {}, "all", None))
    tracker.finish(ENDED)
    assert len(list(tmp_path.glob("wandb/offline-run-*/*.wandb"))) == 1
    assert ("no Weights & Biases API key" in caplog.text) == (variable != "dryrun")
