"""Weights & Biases. Tracking never ends a run, and a machine without an API key is never asked for one.

W&B's own variables and settings files (`wandb offline`, `wandb disabled`) are honoured where the settings leave
something open.
"""

import atexit
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from mardm_batch.config.schema import setting
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.store import PoseStore
from mardm_batch.dataset.summary import RunSummary
from mardm_batch.errors import first_line
from mardm_batch.pages.figure import render_figure
from mardm_batch.system.signals import blocked_signals
from mardm_batch.system.terminal import printable
from mardm_batch.tracking.identity import run_name, run_tags
from mardm_batch.tracking.offline import leave_place, log_place
from mardm_batch.tracking.tracker import (
    NullTracker,
    PoseTrackingSettings,
    SafeTracker,
    TrackedRun,
    Tracker,
    TrackingSettings,
)

log = logging.getLogger(__name__)

SECONDS_TO_START: Final = 20
SECONDS_TO_FLUSH: Final = 1.0
"""A run that is killed loses the metrics of this time at most."""
PROJECT: Final = "mardm-batch"
Mode = Literal["online", "offline", "shared"]
OLDER_MODES: Final = {"dryrun": "offline", "run": "online"}


@dataclass
class WandbSettings(TrackingSettings):
    """Weights & Biases: `auto` is online where an API key is configured, else offline."""

    project: str | None = setting("Weights & Biases project; null: that of WANDB_PROJECT, else mardm-batch")
    entity: str | None = setting("Weights & Biases team or user; null: that of WANDB_ENTITY, else your default")

    def start(self, run: TrackedRun) -> Tracker:
        """A tracker in the requested mode; without a network the run is tracked offline.

        A scheduler sends its signals to every process of a job. wandb's own is shielded from those that announce the
        end; SIGTERM it heeds whatever the mask, and ends before the run does, which then loses the last lines alone.
        """
        with blocked_signals():
            try:
                return self.open_run(run)
            finally:
                close_service_at_exit()

    def open_run(self, run: TrackedRun) -> Tracker:
        """A tracker; see `start`."""
        try:
            configured = read_wandb_settings(run)
        except Exception as error:
            log.warning("no tracking: %s", explain(error))
            return NullTracker()
        mode = self.mode
        if mode == "auto" and "mode" in configured.model_fields_set:  # by WANDB_MODE or `wandb offline`, not by default
            mode = OLDER_MODES.get(configured.mode, configured.mode)
        if mode == "disabled":
            return NullTracker()
        modes: dict[str, list[Mode]] = {"offline": ["offline"], "shared": ["shared", "offline"]}
        for each in modes.get(mode, ["online", "offline"]):
            try:
                if each != "offline" and not api_key_configured():  # it would ask for one and wait
                    if mode != "auto":
                        log.warning("tracked offline: no Weights & Biases API key is configured (`wandb login`)")
                    continue
                return SafeTracker(WandbTracker(self, each, run, configured))
            except Exception as error:
                log.warning("no tracking %s: %s", each, explain(error))
        return NullTracker()


@dataclass
class PoseWandbSettings(WandbSettings, PoseTrackingSettings):
    """The same for a run that makes poses."""


class WandbTracker:
    """One Weights & Biases run, in the group of its sweep. All runs are in one folder, where `wandb sync` finds them.

    Args:
        settings: what the user set; where it is null, `configured` counts.
        configured: the settings that wandb reads from its variables and files.
    """

    def __init__(self, settings: "WandbSettings", mode: Mode, run: TrackedRun, configured: Any) -> None:
        import wandb

        name = run_name(run.overrides, run.settings, fallback=run.label)
        if configured.run_name:
            name = f"{configured.run_name} {name}" if run.sweep else configured.run_name
        run_id = configured.run_id or run.run_id
        if run_id and run.sweep:  # the variable is that of all of its runs
            run_id = f"{run_id}-{run.folder.name}"
        options: dict[str, Any] = {"silent": True, "console": "off", "init_timeout": SECONDS_TO_START}
        if "x_transaction_log_flush_interval" in wandb.Settings.model_fields:
            options["x_transaction_log_flush_interval"] = SECONDS_TO_FLUSH
        self.wandb, self.tracked = wandb, run
        self.offline = mode == "offline"
        self.run = wandb.init(
            project=settings.project or configured.project or PROJECT,
            entity=settings.entity or configured.entity,
            group=configured.run_group or run.sweep,
            job_type=configured.run_job_type or run.job_type,
            name=name,
            tags=list(dict.fromkeys([*(configured.run_tags or ()), *run_tags(run.choices)])),
            id=run_id,
            resume=configured.resume or ("allow" if run.run_id else None),
            mode=mode,
            dir=wandb_folder(run),
            config=dict(run.settings),
            reinit="finish_previous",
            settings=wandb.Settings(**options),
        )
        self.run.define_metric(run.step_metric)
        self.run.define_metric("*", step_metric=run.step_metric)
        self.place = Path(self.run.dir).parent
        if self.offline and run.sweep is not None:  # at once: a run that is killed leaves its curves
            leave_place(run.folder, self.place)

    def log(self, metrics: Mapping[str, float]) -> None:
        self.run.log(dict(metrics))

    def finish(self, summary: RunSummary) -> None:
        self.log_samples(summary)
        if summary.errors:
            errors = self.wandb.Table(columns=["error", "poses"], data=[list(row) for row in summary.errors.items()])
            self.run.log({"errors": self.wandb.plot.bar(errors, "error", "poses", title="Failures by error")})
        self.run.summary.update(dict(summary.metrics))
        url = self.run.url
        self.run.finish(exit_code=summary.exit_code)
        if not self.offline:
            log.info("tracked at %s", url)
        elif self.tracked.sweep is None:
            log_place(self.place)

    def log_samples(self, summary: RunSummary) -> None:
        """A table of sample poses: picture, a figure that can be turned, caption, agreement and measures."""
        rows: list[dict[str, Any]] = []
        pictures = []
        for each in summary.samples:
            store = PoseStore(summary.output, ())
            document = store.read(each.name)
            if document is None or document.caption != each.caption:  # another run replaced it
                continue
            row: dict[str, Any] = {"caption": each.caption}
            with store.layout.at_hand([each.name]) as near:
                path = near.path(each.name, PNG.suffix)
                if path.exists():
                    row["picture"] = self.wandb.Image(str(path), each.caption)
                    pictures.append(self.wandb.Image(str(path), each.caption))
            row["figure"] = self.wandb.Html(render_figure(document.joints, each.caption), inject=False)
            if (agreement := document.agreement) is not None:
                row["agreement"] = agreement
            rows.append({**row, **each.measures})
        if not rows:
            return
        first = ("picture", "figure", "caption", "agreement")
        keys = dict.fromkeys(key for row in rows for key in row)
        columns: list[str | int] = [*(key for key in first if key in keys), *(key for key in keys if key not in first)]
        table = self.wandb.Table(columns=columns, data=[[row.get(str(key)) for key in columns] for row in rows])
        self.run.log({"samples": table, **({"pictures": pictures} if pictures else {})})


def read_wandb_settings(run: TrackedRun) -> Any:
    """The settings that wandb reads from its environment variables and files.

    An unknown mode is a warning, and the run is tracked offline.
    """
    import wandb

    mode = os.environ.get("WANDB_MODE", "")
    allowed = ("online", "offline", "disabled", "shared", *OLDER_MODES)
    if mode and mode not in allowed:
        log.warning("WANDB_MODE=%s: must be one of %s; tracked offline", printable(mode)[:40], ", ".join(allowed[:3]))
        os.environ["WANDB_MODE"] = "offline"  # wandb reads it again
    provide_cache_folder(wandb_folder(run))
    os.environ.setdefault("WANDB_SILENT", "true")  # what it says before it knows its settings
    return wandb.setup(wandb.Settings(silent=True)).settings


@cache
def close_service_at_exit() -> None:
    """Close the connection to wandb's process before wandb does so, which prints a traceback where that has ended.

    What is registered last runs first, so this comes after wandb has registered its own.
    """

    def close() -> None:
        with suppress(Exception, SystemExit):
            import wandb

            wandb.teardown()

    atexit.register(close)


def provide_cache_folder(folder: Path) -> None:
    """Where the home folder cannot be written to, have wandb's logs beside its runs; it prints them otherwise."""
    home = os.environ.get("HOME", "")
    if "XDG_CACHE_HOME" not in os.environ and not (os.path.isdir(home) and os.access(home, os.W_OK)):
        os.environ["XDG_CACHE_HOME"] = str(folder / "wandb" / "cache")


def wandb_folder(run: TrackedRun) -> Path:
    """The folder in which `wandb/` is or will be: WANDB_DIR, else the working folder, else the run's own."""
    named = os.environ.get("WANDB_DIR")
    for place in filter(None, (named, ".")):
        try:
            folder = Path(place).expanduser().absolute()
            folder.mkdir(parents=True, exist_ok=True)
            wandb = folder / "wandb"
            if os.access(wandb if wandb.exists() else folder, os.W_OK):
                return folder
        except OSError:
            continue
    return run.folder


def explain(error: Exception) -> str:
    """An error in one line; for a value that wandb refuses, the setting and the reason."""
    errors = getattr(error, "errors", None)
    if callable(errors) and (listed := errors()):
        place = ".".join(map(str, listed[0]["loc"]))
        return f"WANDB_{place.upper()}: {first_line(ValueError(listed[0]['msg']))}"
    return f"{type(error).__name__}: {first_line(error)}"


def api_key_configured() -> bool:
    import wandb

    return bool(wandb.login(prompt=False))
