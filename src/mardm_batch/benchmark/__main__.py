"""Measure sampling, pictures, text encoding, start-up and whole runs, against baselines.

python -m mardm_batch.benchmark [--json FILE] [--suite quick|full|scale]
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from mardm_batch.benchmark.suites import SUITES
from mardm_batch.benchmark.table import show
from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.errors import ExitCode, MardmBatchError
from mardm_batch.registries import register_schemas
from mardm_batch.system.commands import command_parser, report_user_errors, run_main
from mardm_batch.system.files import writable_file, write_atomically
from mardm_batch.system.stages import reporting_stages
from mardm_batch.system.terminal import Output, printable

SCALE = "scale"
"""The suite that measures folders of finished poses, and nothing else."""

USAGE = """\
  python -m mardm_batch.benchmark                       quick: under three minutes on two idle cores
  python -m mardm_batch.benchmark --suite full          under twenty minutes: every batch size, the whole published
                                                        loop, a run of 10,000 captions
  python -m mardm_batch.benchmark --suite scale         under half an hour and 9 GB of disk: what 10,000 to a million
                                                        finished poses cost runs, launcher and verify
  python -m mardm_batch.benchmark --json figures.json   also writes the figures as JSON with dotted keys

Sampler: the decoding loop of model=mardm_sit_xl with random weights; nothing is downloaded or saved. The published loop
samples every masked token in every step, with dopri5, 8 poses at once; it needs the package torchdiffeq (pip install
'mardm-batch[dopri5]') and is skipped without. Of long loops only some steps are run and extrapolated; the table says
which. The peak of the machine is the speed of a matrix product of 2048 x 1792 x 1792. Pictures are drawn and written on
one core; the baseline is a new matplotlib figure and savefig for each. A run from start to end is the command with the
embedded model and default settings, start-up included. Leave the machine idle otherwise.
Exit codes: 0; 1 if a run failed; 2 for bad arguments; 130 if interrupted.
"""


def build_parser() -> argparse.ArgumentParser:
    parser = command_parser("benchmark", __doc__, USAGE)
    parser.add_argument("--json", type=writable_file, metavar="FILE", help="also write the figures to this file")
    parser.add_argument("--suite", choices=[*SUITES, SCALE], default="quick", help="default: quick")
    return parser


def measure_finished(file: Path | None) -> int:
    """Measure what finished poses cost, and print the table."""
    from mardm_batch.benchmark.scale import SIZES, measure_scale, scale_json, show_scale

    with report_user_errors(), reporting_stages() as report:
        register_schemas()
        figures = list(measure_scale(SIZES, report))
        if file is not None:
            write_atomically(file, json.dumps(scale_json(figures), indent=1).encode() + b"\n")
    show_scale(figures, Output())
    return ExitCode.ALL_FINISHED


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure a suite and print its tables."""
    options = build_parser().parse_args(arguments)
    if options.suite == SCALE:
        return measure_finished(options.json)
    from mardm_batch.benchmark.measure import measure  # imports torch, too slow for --help

    with report_user_errors():
        register_schemas()
        embedded, published = (to_config(compose_config([f"model={name}"])) for name in ("embedded", "mardm_sit_xl"))
    try:
        with reporting_stages() as report:
            figures = measure(SUITES[options.suite], embedded, published, report=report)
        if options.json is not None:
            write_atomically(options.json, json.dumps(figures.to_json(), indent=1).encode() + b"\n")
    except (MardmBatchError, OSError) as error:
        print(printable(f"error: {error}"), file=sys.stderr)
        return ExitCode.SOME_FAILED
    show(figures, Output())
    return 0


if __name__ == "__main__":
    run_main(main)
