"""Score a model on captions with conditions: do its poses meet them, and are they human poses?

python -m mardm_batch.evaluate [KEY=VALUE ...] [--library N] [--conditions FILE] [--seeds N] [--json FILE]
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.errors import InputError
from mardm_batch.evaluate.captions import load_captions
from mardm_batch.evaluate.scores import Scores, evaluate
from mardm_batch.registries import register_schemas
from mardm_batch.system.commands import command_parser, report_user_errors
from mardm_batch.system.files import writable_file, write_atomically
from mardm_batch.system.stages import reporting_stages
from mardm_batch.system.terminal import counted, printable, replace_unencodable_output

USAGE = """\
  python -m mardm_batch.evaluate                          the embedded model on the bundled captions
  python -m mardm_batch.evaluate +preset=fast             with the settings of a preset
  python -m mardm_batch.evaluate --library 500            on 500 captions that are held out of training
  python -m mardm_batch.evaluate model.weights=my.safetensors sampling.cfg=3 --json scores.json

The file of --conditions is YAML, `caption: {conditions: [left_hand above head, ...]}`; the module
mardm_batch.pose.conditions documents the conditions. A condition is discriminative if at most half of the held-out
poses of the library meet it. Held-out captions combine library entries, or use phrases, that training never sees.
"Nearest training pose" shows whether a model copies its training poses: its poses should not be nearer to them than
held-out poses of the library are. The captions that failed are listed with the number of their poses that fail, and by
condition: the worst on the terminal, all in the JSON. The judge, which gives every pose of a run its agreement, does
not see the conditions: here it is scored by them. Exit codes: 0; 2 for bad settings or input.
"""
MEASURES: Final = {
    "discriminative_conditions_met": "discriminative conditions met",
    "control_discriminative_conditions_met": "  control: conditions of other captions",
    "conditions_met": "all conditions met",
    "control_conditions_met": "  control: conditions of other captions",
    "chance_conditions_met": "  chance: arbitrary library poses",
    "captions_met": "poses that meet every condition of their caption",
    "control_captions_met": "  control: conditions of other captions",
    "bone_length_error_cm": "bone-length error",
    "on_floor": "poses on the floor",
    "within_joint_limits": "poses within joint limits",
    "balanced": "poses on their feet or hands that are balanced",
    "limb_in_trunk": "poses with a limb through the trunk",
    "difference_of_seeds_cm": "joint distance between seeds",
    "diversity_cm": "joint distance between captions",
    "nearest_training_pose_cm": "joint distance to the nearest training pose",
    "nearest_training_pose_of_new_ones_cm": "  reference: held-out library poses",
}
"""Rows of the table: the keys of the scores and their labels."""
JUDGE_MEASURES: Final = {
    "agreement": "agreement with the caption, by the judge",
    "agreement_measured": "  poses whose caption states what it can judge",
    "agreement_auc": "  poses that meet every condition against others (AUC)",
    "best_agreement_captions_met": "captions met by the pose of all seeds that agrees best",
    "any_seed_captions_met": "  by the pose of any seed",
}
"""The same for the scores of the judge."""
WORST_LISTED: Final = 10
"""Failed captions on the terminal."""


def show(scores: Scores, console: Console) -> None:
    kinds = " and ".join(f"{count} by {kind}" for kind, count in scores.held_out.items())
    held_out = f" (held out: {kinds})" if kinds else ""
    title = f"{counted(scores.captions, 'caption')}{held_out}, {counted(scores.seeds, 'seed')}"
    table = Table("measure", "score", title=title, title_justify="left")
    values = vars(scores)
    for key, label in MEASURES.items():
        table.add_row(label, f"{values[key]:.2f} cm" if key.endswith("_cm") else f"{100 * values[key]:.1f} %")
    for key, label in JUDGE_MEASURES.items():
        table.add_row(label, f"{100 * vars(scores.judge)[key]:.1f} %")
    console.print(table)
    if scores.groups:
        groups = Table(
            "captions", "number", "met entirely", "control", title="by group and demands", title_justify="left"
        )
        for label, group in scores.groups.items():
            shown = (f"{100 * share:.1f} %" for share in (group.captions_met, group.control_captions_met))
            groups.add_row(printable(label), str(group.captions), *shown)
        console.print(groups)
    if scores.failed:
        console.print(f"{len(scores.failed)} of {scores.captions} captions failed; the worst:")
    for each in scores.failed[:WORST_LISTED]:
        conditions = ", ".join(f"{text} ({count})" for text, count in each.conditions.items())
        console.print(f"  {each.poses} of {scores.seeds}  {printable(each.caption)}: {printable(conditions)}")
    if len(scores.failed) > WORST_LISTED:
        console.print(f"  and {len(scores.failed) - WORST_LISTED} more; --json FILE lists all")


def build_parser() -> argparse.ArgumentParser:
    parser = command_parser("evaluate", __doc__, USAGE)
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="settings as of python -m mardm_batch")
    captions = parser.add_mutually_exclusive_group()
    captions.add_argument("--library", type=int, metavar="N", help="score on N held-out captions of the pose library")
    captions.add_argument("--conditions", type=Path, metavar="FILE", help="score on the captions of a YAML file")
    parser.add_argument("--seeds", type=int, default=4, metavar="N", help="poses per caption (default: 4)")
    parser.add_argument(
        "--training-poses",
        type=int,
        default=5_000,
        metavar="N",
        help="compare with the first N training poses (default: 5000; 5 ms each)",
    )
    parser.add_argument("--json", type=writable_file, metavar="FILE", help="also write the scores to this file")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the scores. Bad settings or input end the process with one line and exit code 2."""
    parser = build_parser()
    options = parser.parse_intermixed_args(arguments)
    if options.seeds < 1 or options.training_poses < 1 or (options.library is not None and options.library < 2):
        parser.error("--seeds and --training-poses must be at least 1 and --library at least 2")
    register_schemas()
    with report_user_errors():
        config = to_config(compose_config(options.settings))
        if config.paths.prompts is not None:
            raise InputError("paths.prompts: captions are scored by their conditions; use --conditions FILE instead")
        captions = load_captions(options.conditions, options.library).first(config.limit)
        with reporting_stages() as report:
            scores = evaluate(config, captions, options.seeds, options.training_poses, report)
        replace_unencodable_output()
        show(scores, Console(highlight=False, markup=False, emoji=False, soft_wrap=True))
        if options.json is not None:
            write_atomically(options.json, json.dumps(scores.to_json(), indent=1).encode() + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
