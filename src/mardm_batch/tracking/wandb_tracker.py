"""Weights & Biases. Tracking never ends a run, and a machine without an API key is never asked for one."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mardm_batch.config.schema import setting
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.summary import RunSummary
from mardm_batch.errors import first_line
from mardm_batch.tracking.tracker import (
    NullTracker,
    PoseTrackingSettings,
    SafeTracker,
    TrackedRun,
    Tracker,
    TrackingSettings,
)

log = logging.getLogger(__name__)

SECONDS_TO_START = 20


@dataclass
class WandbSettings(TrackingSettings):
    """Weights & Biases: `auto` is online where an API key is configured, else offline."""

    project: str = setting("Weights & Biases project")
    entity: str | None = setting("Weights & Biases team or user; null: your default")

    def start(self, run: TrackedRun) -> Tracker:
        """A tracker in the mode that is asked for; where the network is not there the run is tracked offline."""
        mode = self.mode
        if mode == "auto":
            mode = os.environ.get("WANDB_MODE", "auto")
            mode = {"dryrun": "offline", "run": "online"}.get(mode, mode)  # W&B's older words
        if mode == "disabled":
            return NullTracker()
        modes: list[Literal["online", "offline"]] = ["offline"] if mode == "offline" else ["online", "offline"]
        for each in modes:
            try:
                if each == "online" and not api_key_configured():  # it would ask for one and wait
                    if mode != "auto":
                        log.warning("tracked offline: no Weights & Biases API key is configured (`wandb login`)")
                    continue
                return SafeTracker(WandbTracker(self, each, run))
            except Exception as error:
                log.warning("no tracking %s: %s: %s", each, type(error).__name__, first_line(error))
        return NullTracker()


@dataclass
class PoseWandbSettings(WandbSettings, PoseTrackingSettings):
    """The same for a run that makes poses."""


class WandbTracker:
    """One Weights & Biases run, in the group of its sweep. Its files are in the run's own folder."""

    def __init__(self, settings: "WandbSettings", mode: Literal["online", "offline"], run: TrackedRun) -> None:
        import wandb

        self.wandb = wandb
        self.run = wandb.init(
            project=settings.project,
            entity=settings.entity,
            group=run.sweep,
            job_type=run.job_type,
            name=run.shard if run.sweep is None else f"{run.sweep}-{run.shard}",
            mode=mode,
            dir=run.folder,
            config=dict(run.settings),
            reinit="finish_previous",
            settings=wandb.Settings(silent=True, console="off", init_timeout=SECONDS_TO_START),
        )

    def log(self, metrics: Mapping[str, float]) -> None:
        self.run.log(dict(metrics))

    def finish(self, summary: RunSummary) -> None:
        samples = [each for each in summary.samples if PNG.path(summary.output, each.name).exists()]
        if samples:
            pictures = [self.wandb.Image(str(PNG.path(summary.output, each.name)), each.caption) for each in samples]
            measures = list(dict.fromkeys(name for each in samples for name in each.measures))
            table = self.wandb.Table(columns=["picture", "caption", *measures])
            for each, picture in zip(samples, pictures, strict=True):
                table.add_data(picture, each.caption, *(each.measures.get(name) for name in measures))
            self.run.log({"pictures": pictures, "samples": table})
        if summary.errors:
            errors = self.wandb.Table(columns=["error", "poses"], data=[list(row) for row in summary.errors.items()])
            self.run.log({"errors": self.wandb.plot.bar(errors, "error", "poses", title="Failures by error")})
        self.run.summary.update(dict(summary.metrics))
        self.run.finish(exit_code=summary.exit_code)


def api_key_configured() -> bool:
    import wandb

    return bool(wandb.login(prompt=False))
