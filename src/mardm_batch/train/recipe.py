"""The recipe of the embedded model: clips, autoencoder, then text to latents, into one file of weights."""

import copy
import json
import logging
import math
import os
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from mardm_batch.dataset.locks import acquired
from mardm_batch.dataset.summary import RunSummary
from mardm_batch.errors import InputError, naming
from mardm_batch.system.processes import available_cores
from mardm_batch.system.terminal import SECONDS_BETWEEN_LINES, clock
from mardm_batch.tracking.tracker import TrackedRun, Tracker
from mardm_batch.train.files import CLIPS_FILE, LOCK_FILE, checkpoint_path
from mardm_batch.train.record import begin_record, check_folders, finish_record, holds_training, is_finished
from mardm_batch.train.settings import AutoencoderStage, DataSettings, NetworkStage, TrainConfig

if TYPE_CHECKING:
    from mardm_batch.library.clips import Clip
    from mardm_batch.model.autoencoder import Autoencoder
    from mardm_batch.model.checkpoint import LoadedModel
    from mardm_batch.train.data import Motions


SECONDS_PER_CLIP: Final = 0.009
"""On one core, to compose one."""


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


def check_recordings(data: DataSettings) -> None:
    """Check that there are the recordings that the settings name. Raises InputError. Light: nothing is read."""
    if data.mocap is not None and not Path(data.mocap).expanduser().is_file():
        raise InputError(f"data.mocap={data.mocap}: no such file")
    if data.bvh is not None:
        folder, advice = Path(data.bvh).expanduser(), "download CMU's motions in BVH and name their folder"
        if not folder.is_dir():
            raise InputError(f"data.bvh={data.bvh}: no such folder; {advice}")
        if next(folder.rglob("*.bvh"), None) is None:
            raise InputError(f"data.bvh={data.bvh}: no .bvh file in this folder; {advice}")


def train(config: TrainConfig) -> None:
    """Train by the recipe in `conf/train.yaml`, with tracking.

    Raises:
        InputError: an earlier training would be overwritten, recorded motion or a checkpoint cannot be read, or the
            weights cannot be written.
        MardmBatchError: the loss is not finite.
    """
    check_folders(config)
    folder, output = Path(config.folder).expanduser(), Path(config.output).expanduser()
    log = logging.getLogger("mardm_batch.train")
    if config.resume and is_finished(config):
        log.info("nothing is left to do: the training in %s is finished, its weights are %s", folder, output)
        return
    if config.resume and not holds_training(folder):
        log.warning("resume=true: there is nothing to resume in %s; the training starts anew", folder)
    for setting, place in (("folder", folder), ("output", output.parent)):
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{setting}: {place} cannot be created: {error.strerror}") from None
    if not os.access(output.parent, os.W_OK):
        raise InputError(f"output={output}: cannot be written to")
    with acquired(folder / LOCK_FILE, folder):
        run_id = begin_record(folder, output, config)
        run = TrackedRun(folder, asdict(config), "train", None, "train", "step", run_id)
        log.info("%s", plan_of(config, folder))
        with TrainingLog(folder, config.tracking.open(run)) as report:
            follow_recipe(config, folder, output, report)
        finish_record(folder, config)


def plan_of(config: TrainConfig, folder: Path) -> str:
    """What a training is about to do, in one line."""
    data, clips = config.data, folder / CLIPS_FILE
    if config.resume and clips.exists():
        first = f"continues with the clips in {clips}"
    else:
        minutes = data.composed_clips * SECONDS_PER_CLIP / min(data.processes, available_cores()) / 60
        first = f"composes {data.composed_clips:,} clips first, about {math.ceil(minutes)} min"
    autoencoder = f"{config.autoencoder.steps:,} steps of the autoencoder, " if config.start is None else ""
    return f"training in {folder}: {first}; then {autoencoder}{config.network.steps:,} steps of the network"


class CompositionReport:
    """Logs every ten seconds how many clips are composed."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.started = self.reported = time.monotonic()

    def __call__(self, composed: int) -> None:
        now = time.monotonic()
        if now - self.reported >= SECONDS_BETWEEN_LINES:
            self.reported = now
            left = (now - self.started) / composed * (self.count - composed)
            log = logging.getLogger("mardm_batch.train")
            log.info("%d of %d clips composed, %s left", composed, self.count, clock(left))


def follow_recipe(config: TrainConfig, folder: Path, output: Path, report: TrainingLog) -> None:
    """Train the autoencoder, then text to latents; the weights are written with each checkpoint."""
    import torch
    from torch import nn

    from mardm_batch.model.checkpoint import save_embedded
    from mardm_batch.model.weights import weights_hash
    from mardm_batch.train import autoencoder_loop, network_loop
    from mardm_batch.train.data import read_held_out_motions, read_motions
    from mardm_batch.train.stage import average, run_stage
    from mardm_batch.train.written import written_captions, written_clips

    torch.set_num_threads(config.threads)
    log, sizes = report.log, config.sizes

    start_model = None if config.start is None else load_start(config.start)
    scales = None if start_model is None else (start_model.mean, start_model.std)
    composed = CompositionReport(config.data.composed_clips)

    def write() -> "Sequence[Clip]":
        assert start_model is not None
        captions, poses = written_captions(), config.data.written_poses
        sampled = CompositionReport(len(captions) * poses)
        return written_clips(start_model, captions, poses, config.seed, sampled)

    motions = read_motions(config.data, config.seed, folder, config.resume, scales, composed, write)
    log.info("%d clips, %d captions", len(motions), sum(map(len, motions.captions)))

    torch.manual_seed(config.seed)
    if start_model is None:
        autoencoder = train_autoencoder(config, motions, folder, report)
        basis = weights_hash(autoencoder.state_dict())
        autoencoder_loop.scale_latents(autoencoder, motions)
    else:
        autoencoder, basis = start_model.autoencoder, start_model.weights_hash
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

    save(run_stage(config.network, model, network_losses, folder, config.resume, config.seed + 1, report, save, basis))
    log.info("weights: %s (%.1f MB)", output, output.stat().st_size / 1e6)
    word = shlex.quote(f"model.weights={output}")
    log.info(
        "to use them: python -m mardm_batch %s +preset=fast; to score them: python -m mardm_batch.evaluate %s",
        word,
        word,
    )


def train_autoencoder(config: TrainConfig, motions: "Motions", folder: Path, report: TrainingLog) -> "Autoencoder":
    """The first stage: an autoencoder, whose latents are to be scaled.

    Raises:
        InputError: it would be trained further, though a network was trained with it as it is.
    """
    from mardm_batch.model.autoencoder import Autoencoder
    from mardm_batch.train import autoencoder_loop
    from mardm_batch.train.stage import require_finished, run_stage

    autoencoder = Autoencoder(width=config.sizes.autoencoder_width, latent_size=config.sizes.latent)
    autoencoder_loop.init_as_principal_components(autoencoder, motions)
    losses = autoencoder_loop.AutoencoderLosses(autoencoder, motions, config.autoencoder.batch_size)
    if config.resume and checkpoint_path(folder, NetworkStage).exists():
        require_finished(checkpoint_path(folder, AutoencoderStage), config.autoencoder.steps)
    averaged = run_stage(config.autoencoder, autoencoder, losses, folder, config.resume, config.seed, report)
    assert isinstance(averaged, Autoencoder)
    return averaged


def load_start(start: str) -> "LoadedModel":
    """The weights of the setting `start`: `embedded` for the packaged ones, or a file."""
    from mardm_batch.model.checkpoint import load_embedded
    from mardm_batch.sampling.models.embedded import find_embedded

    with naming("start="):
        return load_embedded(find_embedded(None if start == "embedded" else start))
