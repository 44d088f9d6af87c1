"""`python -m mardm_batch.train`: clips, the autoencoder, then text to latents, and one file of weights.

The weights are float16 in the embedded model's file format; checkpoints, metrics.jsonl and the files of Weights &
Biases stay in the run's folder.
"""

import copy
import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import hydra
from hydra._internal.utils import get_args_parser
from omegaconf import DictConfig

from mardm_batch.config.compose import compose_config, to_settings
from mardm_batch.config.help import help_table
from mardm_batch.config.overrides import parse_flags, quote_override
from mardm_batch.config.schema import conf_dir
from mardm_batch.errors import ConfigurationError, ExitCode, InputError, MardmBatchError, naming
from mardm_batch.system.commands import report_user_errors
from mardm_batch.system.terminal import print_long_text
from mardm_batch.tracking.tracker import TrackedRun, Tracker
from mardm_batch.train.settings import TrainConfig, register_train_schema

if TYPE_CHECKING:
    from mardm_batch.model.autoencoder import Autoencoder
    from mardm_batch.model.checkpoint import LoadedModel
    from mardm_batch.train.data import Motions


USAGE = """\
Train the embedded model, by the recipe in conf/train.yaml, into one file of weights.

  python -m mardm_batch.train data.bvh=FOLDER                 with CMU's motions in BVH; without: composed poses alone
  python -m mardm_batch.train data.bvh=FOLDER resume=true     goes on after an interruption
  python -m mardm_batch.train start=embedded network.steps=2000
                                                              goes on from the packaged weights: the library has grown
  python -m mardm_batch model.weights=embedded.safetensors    generates with what was trained

Progress goes to metrics.jsonl in the folder and to Weights & Biases.
Exit codes: 0, 2 bad settings or input, 130 interrupted.

Settings (KEY=VALUE)
"""


def main() -> None:
    """Check the settings before anything is started, then train."""
    register_train_schema()
    sys.argv[1:] = arguments = [quote_override(word) for word in sys.argv[1:]]
    with report_user_errors():
        if "--help" in arguments or "-h" in arguments:
            print_long_text(USAGE + help_table("train", [word for word in arguments if "=" in word]))
            return
        parsed, sys.argv[1:] = parse_flags(get_args_parser(), arguments)
        if parsed.multirun:
            raise ConfigurationError("--multirun: a training is one run; start one command for each")
        to_train_config(compose_config(parsed.overrides, parsed, name="train"))
        os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come here, not into a traceback that Hydra prints
        train_with_hydra()


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")
def train_with_hydra(cfg: DictConfig) -> None:
    log = logging.getLogger("mardm_batch.train")
    try:
        train(to_train_config(cfg))
    except MardmBatchError as error:
        log.error("%s", error)
        sys.exit(ExitCode.BAD_INPUT)


def to_train_config(cfg: DictConfig) -> TrainConfig:
    """The settings of a training. Raises ConfigurationError."""
    return to_settings(cfg, TrainConfig, "train")


class TrainingLog:
    """Prints each report as a line, appends it to metrics.jsonl and sends it to Weights & Biases."""

    def __init__(self, folder: Path, tracker: Tracker) -> None:
        self.path = folder / "metrics.jsonl"
        self.tracker = tracker
        self.log = logging.getLogger("mardm_batch.train")
        self.last: dict[str, float] = {}
        """Of each number the last one."""

    def __enter__(self) -> "TrainingLog":
        return self

    def __call__(self, metrics: Mapping[str, float], step: int) -> None:
        self.log.info("step %d  %s", step, "  ".join(f"{key} {value:.4g}" for key, value in metrics.items()))
        numbered = {"step": step, **metrics}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(numbered) + "\n")
        self.tracker.log(numbered)
        self.last.update(metrics)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ending = {"exit_code": int(error is not None), "metrics": self.last}
        self.tracker.finish({**ending, "output": str(self.path.parent), "samples": [], "errors": {}})


def train(config: TrainConfig) -> None:
    """Train by the whole recipe, tracked from the start to the end.

    Raises:
        InputError: recorded motion or a checkpoint cannot be read, the weights cannot be written.
        MardmBatchError: the loss is not finite.
    """
    folder, output = Path(config.folder).expanduser(), Path(config.output).expanduser()
    for setting, place in (("folder", folder), ("output", output.parent)):
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{setting}: {place} cannot be made: {error.strerror}") from None
    if not os.access(output.parent, os.W_OK):
        raise InputError(f"output={output}: cannot be written to")
    tracker = config.tracking.open(TrackedRun(folder, asdict(config), "train", None, "train"))
    with TrainingLog(folder, tracker) as report:
        follow_recipe(config, folder, output, report)


def follow_recipe(config: TrainConfig, folder: Path, output: Path, report: TrainingLog) -> None:
    """Clips, autoencoder, text to latents; the weights so far are written with each checkpoint."""
    import torch
    from torch import nn

    from mardm_batch.model.checkpoint import save_embedded
    from mardm_batch.train import autoencoder_loop, network_loop
    from mardm_batch.train.data import read_motions, read_unseen_motions
    from mardm_batch.train.stage import average, run_stage

    torch.set_num_threads(config.threads)
    log, sizes = report.log, config.sizes

    started = None if config.start is None else load_start(config.start)
    scales = None if started is None else (started.mean, started.std)
    motions = read_motions(config.data, config.seed, folder, config.resume, scales)
    log.info("%d clips, %d captions", len(motions), sum(map(len, motions.captions)))

    torch.manual_seed(config.seed)
    autoencoder = train_autoencoder(config, motions, folder, report) if started is None else started.autoencoder
    trained = config.autoencoder.steps if started is None else 0
    report(autoencoder_loop.reconstruction(autoencoder, motions), trained)
    unseen = read_unseen_motions(config.data, config.seed, motions)
    if unseen is not None:
        measured = autoencoder_loop.reconstruction(autoencoder, unseen)
        report({f"{key}_held_out": value for key, value in measured.items()}, trained)

    model = network_loop.build_model(sizes, motions, started)
    beginning = copy.deepcopy(model)
    network_losses = network_loop.NetworkLosses(model, autoencoder, motions, config.network.batch_size)

    def keep(averaged: nn.Module) -> None:
        kept = copy.deepcopy(averaged)
        average(kept, beginning, 1 - config.start_share)
        assert isinstance(kept, network_loop.TextToLatents)
        save_embedded(output, autoencoder, kept.network, kept.words, motions.mean, motions.std)

    keep(run_stage(config.network, model, network_losses, folder, config.resume, config.seed + 1, report, keep))
    log.info("weights: %s (%.1f MB)", output, output.stat().st_size / 1e6)


def train_autoencoder(config: TrainConfig, motions: "Motions", folder: Path, report: TrainingLog) -> "Autoencoder":
    """The first stage; its latents have unit size."""
    from mardm_batch.model.autoencoder import Autoencoder
    from mardm_batch.train import autoencoder_loop
    from mardm_batch.train.stage import run_stage

    autoencoder = Autoencoder(width=config.sizes.autoencoder_width, latent_size=config.sizes.latent)
    autoencoder_loop.start_as_principal_components(autoencoder, motions)
    losses = autoencoder_loop.AutoencoderLosses(autoencoder, motions, config.autoencoder.batch_size)
    averaged = run_stage(config.autoencoder, autoencoder, losses, folder, config.resume, config.seed, report)
    assert isinstance(averaged, Autoencoder)
    autoencoder_loop.scale_latents(averaged, motions)
    return averaged


def load_start(start: str) -> "LoadedModel":
    """The weights that the settings' `start` names."""
    from mardm_batch.model.checkpoint import load_embedded
    from mardm_batch.sampling.models.embedded import find_embedded

    with naming("start="):
        return load_embedded(find_embedded(None if start == "embedded" else start))


if __name__ == "__main__":
    main()
