"""The recipe of the embedded model: clips, autoencoder, then text to latents, into one file of weights."""

import copy
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from mardm_batch.dataset.summary import RunSummary
from mardm_batch.errors import InputError, naming
from mardm_batch.tracking.tracker import TrackedRun, Tracker
from mardm_batch.train.settings import TrainConfig

if TYPE_CHECKING:
    from mardm_batch.model.autoencoder import Autoencoder
    from mardm_batch.model.checkpoint import LoadedModel
    from mardm_batch.train.data import Motions


class TrainingLog:
    """Prints each report as a line, appends it to metrics.jsonl and sends it to Weights & Biases."""

    def __init__(self, folder: Path, tracker: Tracker) -> None:
        self.path = folder / "metrics.jsonl"
        self.tracker = tracker
        self.log = logging.getLogger("mardm_batch.train")
        self.last: dict[str, float] = {}
        """The last value of each metric."""

    def __enter__(self) -> "TrainingLog":
        return self

    def __call__(self, metrics: Mapping[str, float], step: int) -> None:
        self.log.info("step %d  %s", step, "  ".join(f"{key} {value:.4g}" for key, value in metrics.items()))
        row = {"step": step, **metrics}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        self.tracker.log(row)
        self.last.update(metrics)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        state, exit_code = ("finished", 0) if error is None else ("crashed", 1)
        self.tracker.finish(RunSummary("train", None, state, exit_code, self.path.parent, metrics=self.last))


def train(config: TrainConfig) -> None:
    """Train by the recipe in `conf/train.yaml`, with tracking.

    Raises:
        InputError: recorded motion or a checkpoint cannot be read, or the weights cannot be written.
        MardmBatchError: the loss is not finite.
    """
    folder, output = Path(config.folder).expanduser(), Path(config.output).expanduser()
    for setting, place in (("folder", folder), ("output", output.parent)):
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{setting}: {place} cannot be created: {error.strerror}") from None
    if not os.access(output.parent, os.W_OK):
        raise InputError(f"output={output}: cannot be written to")
    tracker = config.tracking.open(TrackedRun(folder, asdict(config), "train", None, "train"))
    with TrainingLog(folder, tracker) as report:
        follow_recipe(config, folder, output, report)


def follow_recipe(config: TrainConfig, folder: Path, output: Path, report: TrainingLog) -> None:
    """Train the autoencoder, then text to latents; the weights are written with each checkpoint."""
    import torch
    from torch import nn

    from mardm_batch.model.checkpoint import save_embedded
    from mardm_batch.train import autoencoder_loop, network_loop
    from mardm_batch.train.data import read_held_out_motions, read_motions
    from mardm_batch.train.stage import average, run_stage

    torch.set_num_threads(config.threads)
    log, sizes = report.log, config.sizes

    start_model = None if config.start is None else load_start(config.start)
    scales = None if start_model is None else (start_model.mean, start_model.std)
    motions = read_motions(config.data, config.seed, folder, config.resume, scales)
    log.info("%d clips, %d captions", len(motions), sum(map(len, motions.captions)))

    torch.manual_seed(config.seed)
    autoencoder = train_autoencoder(config, motions, folder, report) if start_model is None else start_model.autoencoder
    trained = config.autoencoder.steps if start_model is None else 0
    report(autoencoder_loop.reconstruction(autoencoder, motions), trained)
    held_out = read_held_out_motions(config.data, config.seed, motions)
    if held_out is not None:
        measured = autoencoder_loop.reconstruction(autoencoder, held_out)
        report({f"{key}_held_out": value for key, value in measured.items()}, trained)

    model = network_loop.build_model(sizes, motions, start_model)
    initial = copy.deepcopy(model)
    network_losses = network_loop.NetworkLosses(model, autoencoder, motions, config.network.batch_size)

    def save(averaged: nn.Module) -> None:
        saved = copy.deepcopy(averaged)
        average(saved, initial, 1 - config.start_share)
        assert isinstance(saved, network_loop.TextToLatents)
        save_embedded(output, autoencoder, saved.network, saved.words, motions.mean, motions.std)

    save(run_stage(config.network, model, network_losses, folder, config.resume, config.seed + 1, report, save))
    log.info("weights: %s (%.1f MB)", output, output.stat().st_size / 1e6)


def train_autoencoder(config: TrainConfig, motions: "Motions", folder: Path, report: TrainingLog) -> "Autoencoder":
    """The first stage: an autoencoder whose latents have unit variance."""
    from mardm_batch.model.autoencoder import Autoencoder
    from mardm_batch.train import autoencoder_loop
    from mardm_batch.train.stage import run_stage

    autoencoder = Autoencoder(width=config.sizes.autoencoder_width, latent_size=config.sizes.latent)
    autoencoder_loop.init_as_principal_components(autoencoder, motions)
    losses = autoencoder_loop.AutoencoderLosses(autoencoder, motions, config.autoencoder.batch_size)
    averaged = run_stage(config.autoencoder, autoencoder, losses, folder, config.resume, config.seed, report)
    assert isinstance(averaged, Autoencoder)
    autoencoder_loop.scale_latents(averaged, motions)
    return averaged


def load_start(start: str) -> "LoadedModel":
    """The weights of the setting `start`: `embedded` for the packaged ones, or a file."""
    from mardm_batch.model.checkpoint import load_embedded
    from mardm_batch.sampling.models.embedded import find_embedded

    with naming("start="):
        return load_embedded(find_embedded(None if start == "embedded" else start))
