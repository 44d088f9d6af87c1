"""Train the embedded model: one file of float16 weights, by the recipe in `conf/train.yaml`.

Checkpoints, metrics.jsonl and the files of Weights & Biases stay in the folder of the run.
"""

import logging
import os
import sys
from pathlib import Path

import hydra
from hydra._internal.utils import get_args_parser
from omegaconf import DictConfig

from mardm_batch.config.compose import compose_config
from mardm_batch.config.help import help_table
from mardm_batch.config.overrides import parse_flags, quote_override
from mardm_batch.config.schema import conf_dir
from mardm_batch.errors import ConfigurationError, ExitCode, MardmBatchError
from mardm_batch.system.commands import report_user_errors
from mardm_batch.system.early_signals import exit_on_signals
from mardm_batch.system.folders import check_working_folder
from mardm_batch.system.help_text import help_width, wrap_help
from mardm_batch.system.signals import Interrupted, raise_on_signals
from mardm_batch.system.terminal import print_output, printable_lines
from mardm_batch.train.recipe import check_recordings, train
from mardm_batch.train.record import check_folders, how_to_continue
from mardm_batch.train.settings import register_train_schema, to_train_config

USAGE = """\
Train the embedded model by the recipe in conf/train.yaml; writes one file of weights.

  python -m mardm_batch.train data.bvh=FOLDER                 with CMU's motions in BVH; without: composed poses alone
  python -m mardm_batch.train data.bvh=FOLDER resume=true     resumes after an interruption
  python -m mardm_batch.train start=embedded network.steps=2000
                                                              continues from the packaged weights, for example after
                                                              the pose library has grown
  python -m mardm_batch model.weights=embedded.safetensors    generates with the trained weights

Metrics go to metrics.jsonl in the folder of the run and to Weights & Biases. An earlier training is never overwritten:
name another folder= and output=, or continue it with resume=true.
Exit codes: 0; 2 for bad settings or input; 129, 130 or 143 if interrupted.

Settings (KEY=VALUE)
"""


def main() -> None:
    """Check the settings, then train in a run of Hydra."""
    register_train_schema()
    sys.argv[1:] = arguments = [quote_override(word) for word in sys.argv[1:]]
    with report_user_errors():
        if "--help" in arguments or "-h" in arguments:
            table = help_table("train", [word for word in arguments if "=" in word])
            print_output(printable_lines(f"{wrap_help(USAGE, help_width())}\n{table}"))
            return
        check_working_folder()
        parsed, sys.argv[1:] = parse_flags(get_args_parser(), arguments)
        if parsed.multirun:
            raise ConfigurationError("--multirun: not supported for training; start one command for each run")
        config = to_train_config(compose_config(parsed.overrides, parsed, name="train"))
        check_folders(config)
        check_recordings(config.data)
        os.environ["HYDRA_FULL_ERROR"] = "1"  # otherwise Hydra prints a traceback
        train_with_hydra()


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")
def train_with_hydra(cfg: DictConfig) -> None:
    log = logging.getLogger("mardm_batch.train")
    config = to_train_config(cfg)
    try:
        with raise_on_signals():
            train(config)
    except MardmBatchError as error:
        log.error("%s", error)
        sys.exit(ExitCode.BAD_INPUT)
    except Interrupted as interruption:
        for handler in logging.getLogger().handlers:
            if type(handler) is logging.StreamHandler:  # the terminal, where every command says so in plain words
                handler.setFormatter(None)
        log.warning("interrupted: %s", how_to_continue(Path(config.folder).expanduser()))
        sys.exit(interruption.exit_code)


if __name__ == "__main__":
    exit_on_signals()  # until the training begins
    main()
