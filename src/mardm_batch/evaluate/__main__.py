"""Score a model on captions with conditions: do its poses meet them, and are they human poses?

python -m mardm_batch.evaluate [KEY=VALUE ...] [--library N] [--conditions FILE] [--seeds N] [--json FILE]
python -m mardm_batch.evaluate [KEY=VALUE ...] --protocol humanml3d --dataset DIR --evaluator DIR --glove DIR
"""

import argparse
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.config.schema import Config
from mardm_batch.errors import InputError
from mardm_batch.evaluate.captions import load_captions
from mardm_batch.evaluate.humanml3d.protocol import ProtocolFiles, ProtocolScores, evaluate_by_protocol
from mardm_batch.evaluate.retrieval import RANKS
from mardm_batch.evaluate.scores import Scores, evaluate
from mardm_batch.registries import register_schemas
from mardm_batch.system.commands import command_parser, report_user_errors, run_main
from mardm_batch.system.files import writable_file, write_atomically
from mardm_batch.system.stages import reporting_stages
from mardm_batch.system.terminal import Output, counted, printable, replace_unencodable_output

USAGE = """\
  python -m mardm_batch.evaluate                          the embedded model on the bundled captions
  python -m mardm_batch.evaluate +preset=fast             with the settings of a preset
  python -m mardm_batch.evaluate --library 500            on 500 captions that are held out of training
  python -m mardm_batch.evaluate model.weights=my.safetensors sampling.cfg=3 --json scores.json

  python -m mardm_batch.evaluate model=mardm_sit_xl --protocol humanml3d --dataset datasets/HumanML3D \
--evaluator checkpoints/t2m --glove glove    by FID and R-precision, as papers have them

The file of --conditions is YAML, `caption: {conditions: [left_hand above head, ...]}`; the module
mardm_batch.pose.conditions documents the conditions. A condition is discriminative if at most half of the held-out
poses of the library meet it. Held-out captions combine library entries, or use phrases, that training never sees.
"Nearest training pose" shows whether a model copies its training poses: its poses should not be nearer to them than
held-out poses of the library are. The captions that failed are listed with the number of their poses that fail, and by
condition: the worst on the terminal, all in the JSON. The judge, which gives every pose of a run its agreement, does
not see the conditions: here it is scored by them. It also finds, in pools of 32, the pose of a caption and the
caption of a pose: recall at rank 1, 5 and 10.

The protocol of HumanML3D (Guo et al., CVPR 2022) scores whole clips, of the length of the recordings of its test split,
by FID, R-precision in pools of 32, multimodal distance, diversity and multimodality, with 95 % intervals over the
repetitions. Data set, evaluator and word vectors are not part of the package: docs/published-model.md says where they
are. An evaluator for 67 features, as MARDM's, is recognised. Exit codes: 0; 2 for bad settings or input.
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
    "agreement_auc": "  poses that meet every condition (AUC)",
    "best_agreement_captions_met": "captions met by the best-agreeing pose",
    "any_seed_captions_met": "  by the pose of any seed",
}
"""The same for the scores of the judge."""
RETRIEVAL_MEASURES: Final = {
    "pose_recall": "pose found by its caption, among {pool}",
    "caption_recall": "caption found by its pose, among {pool}",
}
"""The same for recall, at `RANKS` each."""
PROTOCOL_MEASURES: Final = {
    "fid": "FID",
    "r_precision_1": "R-precision, top 1",
    "r_precision_2": "R-precision, top 2",
    "r_precision_3": "R-precision, top 3",
    "multimodal_distance": "multimodal distance",
    "diversity": "diversity",
    "multimodality": "multimodality",
}
"""The same for the scores of the protocol of HumanML3D."""
WORST_LISTED: Final = 10
"""Failed captions on the terminal."""


def show(scores: Scores, console: Console) -> None:
    held_out = " that training never saw" if scores.held_out else ""
    title = f"{counted(scores.captions, 'caption')}{held_out}, {counted(scores.seeds, 'seed')}"
    table = Table("measure", "score", title=title, title_justify="left")
    values = vars(scores)
    for key, label in MEASURES.items():
        value = values[key]
        table.add_row(
            label, "–" if value is None else f"{value:.2f} cm" if key.endswith("_cm") else f"{100 * value:.1f} %"
        )
    for key, label in JUDGE_MEASURES.items():
        table.add_row(label, f"{100 * vars(scores.judge)[key]:.1f} %")
    for key, label in RETRIEVAL_MEASURES.items():
        found = (f"{100 * vars(scores.retrieval)[f'{key}_{rank}']:.1f}" for rank in RANKS)
        table.add_row(f"{label.format(pool=scores.retrieval.pool)}: top 1, 5, 10", f"{', '.join(found)} %")
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
        number = f"{len(scores.failed)} of {scores.captions}"
        console.print(f"captions with a pose that misses a condition: {number}; the worst, with how many poses do:")
    for each in scores.failed[:WORST_LISTED]:
        conditions = ", ".join(f"{text} ({count})" for text, count in each.conditions.items())
        console.print(f"  {each.poses} of {scores.seeds}  {printable(each.caption)}: {printable(conditions)}")
    if len(scores.failed) > WORST_LISTED:
        console.print(f"  and {len(scores.failed) - WORST_LISTED} more; --json FILE lists all")
    if scores.without_known_words:
        count, first = len(scores.without_known_words), scores.without_known_words[0]
        unread = f"captions without any word that the model knows: {count} of {scores.captions}"
        console.print(f"{unread}, such as {printable(first)!r}; scored all the same, but no run makes poses of them")


def show_protocol(scores: ProtocolScores, console: Console) -> None:
    title = (
        f"HumanML3D's protocol: {counted(scores.clips, 'clip')}, {counted(scores.repetitions, 'repetition')}, "
        f"{scores.features} features"
    )
    table = Table("measure", "generated", "recorded", title=title, title_justify="left")
    for key, label in PROTOCOL_MEASURES.items():
        values = [each.get(key) for each in (scores.generated, scores.recorded)]
        if any(values):
            table.add_row(label, *(f"{each.mean:.3f} ± {each.half_width:.3f}" if each else "" for each in values))
    console.print(table)
    if scores.unusable:
        console.print(f"{counted(scores.unusable, 'recording')} of the test split cannot be read and are left out")


def build_parser() -> argparse.ArgumentParser:
    parser = command_parser("evaluate", __doc__, USAGE)
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="settings as of python -m mardm_batch")
    captions = parser.add_mutually_exclusive_group()
    captions.add_argument("--library", type=int, metavar="N", help="score on N held-out captions of the pose library")
    captions.add_argument("--conditions", type=Path, metavar="FILE", help="score on the captions of a YAML file")
    parser.add_argument("--seeds", type=int, metavar="N", help="poses per caption (default: 4)")
    parser.add_argument(
        "--training-poses",
        type=int,
        metavar="N",
        help="compare with the first N training poses (default: 5000; 5 ms each)",
    )
    parser.add_argument(
        "--protocol",
        choices=("conditions", "humanml3d"),
        default="conditions",
        help="what is scored: poses by conditions (default), or clips by HumanML3D's evaluator",
    )
    protocol = parser.add_argument_group("with --protocol humanml3d")
    protocol.add_argument("--dataset", type=Path, metavar="DIR", help="HumanML3D: test.txt, new_joint_vecs and texts")
    protocol.add_argument(
        "--evaluator", type=Path, metavar="DIR", help="the published evaluator: text_mot_match/model/finest.tar"
    )
    protocol.add_argument("--glove", type=Path, metavar="DIR", help="its word vectors: our_vab_data.npy and two lists")
    protocol.add_argument(
        "--evaluator-stats",
        type=Path,
        metavar="DIR",
        help="its mean.npy and std.npy (default: Comp_v6_KLD01/meta or Comp_v6_KLD005/meta of --evaluator)",
    )
    protocol.add_argument("--repetitions", type=int, metavar="N", help="with other seeds each (default: 20)")
    protocol.add_argument(
        "--multimodal-captions",
        type=int,
        metavar="N",
        help="captions of a repetition of which 30 clips more are made, for multimodality (default: 100; 0: none)",
    )
    parser.add_argument("--json", type=writable_file, metavar="FILE", help="also write the scores to this file")
    return parser


def check_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Refuse numbers that are too small, and options of the other protocol; set what is not given."""
    numbers = {
        "seeds": (1, 4),
        "training_poses": (1, 5_000),
        "library": (2, None),
        "repetitions": (1, 20),
        "multimodal_captions": (0, 100),
    }
    of_humanml3d: tuple[str, ...] = ("dataset", "evaluator", "glove")
    others: tuple[str, ...] = ("library", "conditions", "seeds", "training_poses")
    if options.protocol == "conditions":
        others = (*of_humanml3d, "evaluator_stats", "repetitions", "multimodal_captions")
    elif missing := [flag(name) for name in of_humanml3d if getattr(options, name) is None]:
        parser.error(f"--protocol humanml3d needs {', '.join(missing)}")
    if given := [flag(name) for name in others if getattr(options, name) is not None]:
        parser.error(f"{', '.join(given)}: not with --protocol {options.protocol}")
    for name, (least, default) in numbers.items():
        if getattr(options, name) is None:
            setattr(options, name, default)
        elif getattr(options, name) < least:
            parser.error(f"{flag(name)} must be at least {least}")


def flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the scores. Bad settings or input end the process with one line and exit code 2."""
    parser = build_parser()
    options = parser.parse_intermixed_args(arguments)
    check_options(parser, options)
    register_schemas()
    with report_user_errors():
        config = to_config(compose_config(options.settings))
        if config.paths.prompts is not None:
            raise InputError("paths.prompts: captions are scored by their conditions; use --conditions FILE instead")
        scores, table = run_protocol(config, options)
        replace_unencodable_output()
        try:
            table(Output(highlight=False, markup=False, emoji=False, soft_wrap=True))
        finally:  # also where the table cannot be printed
            if options.json is not None:
                write_atomically(options.json, json.dumps(scores, indent=1).encode() + b"\n")
    return 0


def run_protocol(config: Config, options: argparse.Namespace) -> tuple[dict[str, Any], Callable[[Console], None]]:
    """The scores as JSON has them, and what prints them."""
    if options.protocol == "humanml3d":
        files = ProtocolFiles(options.dataset, options.evaluator, options.glove, options.evaluator_stats)
        with reporting_stages() as report:
            by_protocol = evaluate_by_protocol(config, files, options.repetitions, options.multimodal_captions, report)
        return by_protocol.to_json(), partial(show_protocol, by_protocol)
    captions = load_captions(options.conditions, options.library).first(config.limit)
    with reporting_stages() as report:
        scores = evaluate(config, captions, options.seeds, options.training_poses, report)
    return scores.to_json(), partial(show, scores)


if __name__ == "__main__":
    run_main(main)
