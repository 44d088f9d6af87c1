"""Weights & Biases, or a silent stand-in with the same three methods. Tracking never ends a run."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from mardm_batch.config import TrackingSettings

log = logging.getLogger(__name__)


class Tracker(Protocol):
    """Where the metrics and sample pictures of a run go."""

    def log(self, metrics: Mapping[str, float]) -> None:
        """Metrics at this moment of the run."""

    def samples(self, pictures: Sequence[tuple[Path, str]]) -> None:
        """Sample pictures with their captions."""

    def finish(self, summary: Mapping[str, float], exit_code: int) -> None:
        """The end of the run."""


class NoTracker:
    """Tracks nothing."""

    def log(self, metrics: Mapping[str, float]) -> None:
        pass

    def samples(self, pictures: Sequence[tuple[Path, str]]) -> None:
        pass

    def finish(self, summary: Mapping[str, float], exit_code: int) -> None:
        pass


class WandbTracker:
    """One Weights & Biases run. Its files are in the run's own folder; offline needs no account."""

    def __init__(
        self, settings: TrackingSettings, mode: str, run_folder: Path, config: Mapping[str, Any], name: str
    ) -> None:
        import wandb

        self.wandb = wandb
        self.run = wandb.init(
            project=settings.project,
            entity=settings.entity,
            name=name,
            mode="online" if mode == "online" else "offline",
            dir=run_folder,
            config=dict(config),
            reinit="finish_previous",
            settings=wandb.Settings(silent=True, console="off"),
        )

    def log(self, metrics: Mapping[str, float]) -> None:
        self.run.log(dict(metrics))

    def samples(self, pictures: Sequence[tuple[Path, str]]) -> None:
        self.run.log({"samples": [self.wandb.Image(str(path), caption=caption) for path, caption in pictures]})

    def finish(self, summary: Mapping[str, float], exit_code: int) -> None:
        self.run.summary.update(dict(summary))
        self.run.finish(exit_code=exit_code)


class CarefulTracker:
    """A tracker whose failure is a warning, said once, after which nothing is tracked."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker

    def attempt(self, action: str, *arguments: Any) -> None:
        try:
            getattr(self.tracker, action)(*arguments)
        except Exception as error:
            log.warning("tracking stopped: %s: %s", type(error).__name__, error)
            self.tracker = NoTracker()

    def log(self, metrics: Mapping[str, float]) -> None:
        self.attempt("log", metrics)

    def samples(self, pictures: Sequence[tuple[Path, str]]) -> None:
        self.attempt("samples", pictures)

    def finish(self, summary: Mapping[str, float], exit_code: int) -> None:
        self.attempt("finish", summary, exit_code)


def open_tracker(settings: TrackingSettings, run_folder: Path, config: Mapping[str, Any], name: str) -> Tracker:
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
        return CarefulTracker(WandbTracker(settings, mode, run_folder, config, name))
    except Exception as error:
        log.warning("no tracking: %s: %s", type(error).__name__, error)
        return NoTracker()
