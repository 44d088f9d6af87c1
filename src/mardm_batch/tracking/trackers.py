"""Weights & Biases, or a silent stand-in with the same methods. Tracking never ends a run."""

import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from mardm_batch.config.schema import TrackingSettings
from mardm_batch.errors import first_line

log = logging.getLogger(__name__)

SECONDS_TO_START = 20
SECONDS_TO_FINISH = 60
"""So long a run waits for the last upload; what is not uploaded then is on disk."""


class Tracker(Protocol):
    """Where the metrics and sample pictures of a run go."""

    def log(self, metrics: Mapping[str, float]) -> None:
        """The numbers at this moment of the run."""

    def finish(self, summary: Mapping[str, Any]) -> None:
        """The end of the run, with the content of its summary.json."""


class NullTracker:
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
        mode: Literal["online", "offline"],
        run_folder: Path,
        config: Mapping[str, Any],
        shard: str,
        sweep: str | None,
        job_type: str,
    ) -> None:
        import wandb

        self.wandb = wandb
        self.run = wandb.init(
            project=settings.project,
            entity=settings.entity,
            group=sweep,
            job_type=job_type,
            name=shard if sweep is None else f"{sweep}-{shard}",
            mode=mode,
            dir=run_folder,
            config=dict(config),
            reinit="finish_previous",
            settings=wandb.Settings(silent=True, console="off", init_timeout=SECONDS_TO_START),
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


class SafeTracker:
    """A tracker whose failure is a warning, said once, after which nothing is tracked, and whose end cannot hang."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker

    def log(self, metrics: Mapping[str, float]) -> None:
        self.attempt(lambda: self.tracker.log(metrics))

    def finish(self, summary: Mapping[str, Any]) -> None:
        ending = threading.Thread(target=self.attempt, args=(lambda: self.tracker.finish(summary),), daemon=True)
        ending.start()
        ending.join(SECONDS_TO_FINISH)
        if ending.is_alive():
            log.warning("Weights & Biases takes too long to upload; `wandb sync` can do it later")

    def attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            log.warning("tracking stopped: %s: %s", type(error).__name__, first_line(error))
            self.tracker = NullTracker()


class DeferredTracker:
    """A tracker that is opened, which takes seconds, while the work goes on; what is logged meanwhile waits."""

    def __init__(self, open_it: Callable[[], Tracker]) -> None:
        self.tracker: Tracker | None = None
        self.waiting: list[Mapping[str, float]] = []
        self.passing_on = threading.Lock()
        self.opening = threading.Thread(target=self.open_with, args=(open_it,), daemon=True)
        self.opening.start()

    def open_with(self, open_it: Callable[[], Tracker]) -> None:
        tracker = open_it()
        with self.passing_on:
            self.tracker = tracker
            for metrics in self.waiting:
                tracker.log(metrics)

    def log(self, metrics: Mapping[str, float]) -> None:
        with self.passing_on:
            if self.tracker is None:
                self.waiting.append(metrics)
            else:
                self.tracker.log(metrics)

    def finish(self, summary: Mapping[str, Any]) -> None:
        self.opening.join(SECONDS_TO_FINISH)
        if self.tracker is not None:
            self.tracker.finish(summary)


def open_tracker(
    settings: TrackingSettings,
    run_folder: Path,
    config: Mapping[str, Any],
    shard: str,
    sweep: str | None,
    job_type: str = "generate",
) -> Tracker:
    """The tracker that the settings ask for. `auto` is online where an API key is configured, else offline.

    Where the network is not there the run is tracked offline.
    """
    mode = settings.mode
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
            return SafeTracker(WandbTracker(settings, each, run_folder, config, shard, sweep, job_type))
        except Exception as error:
            log.warning("no tracking %s: %s: %s", each, type(error).__name__, first_line(error))
    return NullTracker()


def api_key_configured() -> bool:
    import wandb

    return bool(wandb.login(prompt=False))
