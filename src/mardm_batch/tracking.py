"""Weights & Biases, or a silent stand-in with the same methods. Tracking never ends a run."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from mardm_batch.config import TrackingSettings

log = logging.getLogger(__name__)


class Tracker(Protocol):
    """Where the metrics and sample pictures of a run go."""

    def log(self, metrics: Mapping[str, float]) -> None:
        """The numbers at this moment of the run."""

    def finish(self, summary: Mapping[str, Any]) -> None:
        """The end of the run, with the content of its summary.json."""


class NoTracker:
    """Tracks nothing."""

    def log(self, metrics: Mapping[str, float]) -> None:
        pass

    def finish(self, summary: Mapping[str, Any]) -> None:
        pass


class WandbTracker:
    """One Weights & Biases run, in the group of its sweep. Its files are in the run's own folder."""

    def __init__(
        self,
        settings: TrackingSettings,
        mode: str,
        run_folder: Path,
        config: Mapping[str, Any],
        shard: str,
        sweep: str | None,
    ) -> None:
        import wandb

        self.wandb = wandb
        self.run = wandb.init(
            project=settings.project,
            entity=settings.entity,
            group=sweep,
            job_type="generate",
            name=shard if sweep is None else f"{sweep}-{shard}",
            mode="online" if mode == "online" else "offline",
            dir=run_folder,
            config=dict(config),
            reinit="finish_previous",
            settings=wandb.Settings(silent=True, console="off"),
        )

    def log(self, metrics: Mapping[str, float]) -> None:
        self.run.log(dict(metrics))

    def finish(self, summary: Mapping[str, Any]) -> None:
        output = Path(summary["output"])
        samples = [each for each in summary["samples"] if (output / f"{each['name']}.png").exists()]
        if samples:
            pictures = [self.wandb.Image(str(output / f"{each['name']}.png"), each["caption"]) for each in samples]
            measures = list(dict.fromkeys(name for each in samples for name in each["measures"]))
            table = self.wandb.Table(columns=["picture", "caption", *measures])
            for each, picture in zip(samples, pictures, strict=True):
                table.add_data(picture, each["caption"], *(each["measures"].get(name) for name in measures))
            self.run.log({"pictures": pictures, "samples": table})
        if summary["errors"]:
            errors = self.wandb.Table(columns=["error", "poses"], data=[list(row) for row in summary["errors"].items()])
            self.run.log({"errors": self.wandb.plot.bar(errors, "error", "poses", title="Failures by error")})
        self.run.summary.update(summary["metrics"])
        self.run.finish(exit_code=summary["exit_code"])


class CarefulTracker:
    """A tracker whose failure is a warning, said once, after which nothing is tracked."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker

    def log(self, metrics: Mapping[str, float]) -> None:
        try:
            self.tracker.log(metrics)
        except Exception as error:
            self.give_up(error)

    def finish(self, summary: Mapping[str, Any]) -> None:
        try:
            self.tracker.finish(summary)
        except Exception as error:
            self.give_up(error)

    def give_up(self, error: Exception) -> None:
        log.warning("tracking stopped: %s: %s", type(error).__name__, error)
        self.tracker = NoTracker()


def open_tracker(
    settings: TrackingSettings, run_folder: Path, config: Mapping[str, Any], shard: str, sweep: str | None
) -> Tracker:
    """The tracker that the settings ask for. `auto` is online where an API key is configured, else offline."""
    mode = settings.mode
    if mode == "auto":
        mode = os.environ.get("WANDB_MODE", "auto")
    if mode == "disabled":
        return NoTracker()
    try:
        if mode == "auto":
            import wandb

            mode = "online" if wandb.login(prompt=False) else "offline"
        return CarefulTracker(WandbTracker(settings, mode, run_folder, config, shard, sweep))
    except Exception as error:
        log.warning("no tracking: %s: %s", type(error).__name__, error)
        return NoTracker()
