"""Score a model on captions with conditions: does a pose do what its caption says, and is it a person's?

python -m mardm_batch.evaluate [KEY=VALUE ...] [--library N] [--conditions FILE] [--seeds N] [--json FILE]
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import yaml
from rich.console import Console
from rich.table import Table

from mardm_batch.cli import compose_config, to_config
from mardm_batch.conditions import Condition, bundled_conditions, parse
from mardm_batch.config import Config, register_schema
from mardm_batch.console import CONSOLE
from mardm_batch.errors import InputError, MardmBatchError
from mardm_batch.pose import Joints, bone_length_error, canonical_position, diversity, lowest_joint_height
from mardm_batch.processes import available_cores

ON_FLOOR = 0.03
"""Metres: within so much of the floor the lowest joint stands on it."""
LIBRARY_SEED = 20_000_003
"""Of the captions composed for an evaluation: not one that a training's clips are drawn with."""

USAGE = """\
  python -m mardm_batch.evaluate                          the embedded model on the bundled captions
  python -m mardm_batch.evaluate +preset=fast             with the settings of a preset
  python -m mardm_batch.evaluate --library 500            on 500 new captions composed from the pose library
  python -m mardm_batch.evaluate model.weights=my.safetensors sampling.cfg=3 --json scores.json

A file for --conditions is YAML, `caption: {conditions: [left_hand above head, ...]}`; mardm_batch/conditions.py says
what a condition may be. Exit codes: 0, or 2 for bad settings or input.
"""


@dataclass(frozen=True)
class Scores:
    """Shares are from 0 to 1, lengths in centimetres. The control takes each caption's conditions to another's pose."""

    captions: int
    seeds: int
    conditions_met: float
    captions_met: float
    """Share of the poses that meet all conditions of their caption."""
    control_conditions_met: float
    control_captions_met: float
    bone_length_error_cm: float
    on_floor: float
    within_joint_limits: float
    difference_of_seeds_cm: float
    """Mean distance of a joint between the poses of one caption with different seeds."""
    diversity_cm: float
    """Mean distance of a joint between the poses of different captions."""


def evaluate(config: Config, conditions: Mapping[str, Sequence[Condition]], seeds: int) -> Scores:
    """Make a pose of every caption with `seeds` seeds, from the configuration's on, and score them."""
    from mardm_batch.training.limits import within_limits

    captions = list(conditions)
    poses = np.stack([make_poses(config, captions, config.seed + offset) for offset in range(seeds)])  # (s, n, 22, 3)
    met = [score([conditions[caption] for caption in captions], each) for each in poses]
    others = np.roll(captions, max(1, len(captions) // 2))  # captions of one kind stand together
    control = [score([conditions[caption] for caption in others], each) for each in poses]
    together = poses.reshape(-1, *poses.shape[2:])
    return Scores(
        captions=len(captions),
        seeds=seeds,
        conditions_met=float(np.mean([share for share, _ in met])),
        captions_met=float(np.mean([whole for _, whole in met])),
        control_conditions_met=float(np.mean([share for share, _ in control])),
        control_captions_met=float(np.mean([whole for _, whole in control])),
        bone_length_error_cm=100 * float(bone_length_error(together).mean()),
        on_floor=float((np.abs(lowest_joint_height(together)) <= ON_FLOOR).mean()),
        within_joint_limits=float(within_limits(together).mean()),
        difference_of_seeds_cm=100 * float(np.mean([diversity(each) for each in poses.swapaxes(0, 1)])),
        diversity_cm=100 * diversity(poses[0]),
    )


def make_poses(config: Config, captions: Sequence[str], seed: int) -> Joints:
    """The poses (n, 22, 3) that a run with this seed would write, but for a second try at what is not finite."""
    from mardm_batch.sampler import load_sampler

    config.seed = seed
    sampler = load_sampler(config, config.cpu_threads or available_cores())
    size = sampler.batch_size
    clips = [sampler.sample(captions[start : start + size], attempt=0) for start in range(0, len(captions), size)]
    return canonical_position(np.concatenate(clips)[:, sampler.frame_index])


def score(conditions: Sequence[Sequence[Condition]], poses: Joints) -> tuple[float, float]:
    """Share of all conditions met, and share of the poses that meet all of theirs."""
    met = [
        np.array([each.met(pose[None])[0] for each in listed]) for listed, pose in zip(conditions, poses, strict=True)
    ]
    return float(np.concatenate(met).mean()), float(np.mean([each.all() for each in met]))


def composed_captions(count: int) -> dict[str, tuple[Condition, ...]]:
    """New captions from the pose library, with what must hold of their poses."""
    from mardm_batch.training.library import load_library

    rng, library = np.random.default_rng(LIBRARY_SEED), load_library()
    captions: dict[str, tuple[Condition, ...]] = {}
    while len(captions) < count:
        sample = library.sample(rng, 1)
        if sample.conditions:
            captions[sample.caption] = tuple(map(parse, sample.conditions))
    return captions


def read_conditions(path: Path) -> dict[str, tuple[Condition, ...]]:
    """The captions of a YAML file with their conditions.

    Raises:
        InputError: it cannot be read, or a condition is not understood.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        captions = {str(caption): tuple(map(parse, entry["conditions"])) for caption, entry in entries.items()}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{path}: no captions with conditions ({reason}); see --help for the format") from None
    if not captions or not all(captions.values()):
        raise InputError(f"{path}: a caption without conditions cannot be scored")
    return captions


def show(scores: Scores) -> None:
    table = Table("measure", "", title=f"{scores.captions} captions, {scores.seeds} seeds", title_justify="left")
    for name, value in asdict(scores).items():
        if name not in ("captions", "seeds"):
            shown = f"{value:.2f} cm" if name.endswith("_cm") else f"{100 * value:.1f} %"
            table.add_row(name.removesuffix("_cm").replace("_", " "), shown)
    Console().print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m mardm_batch.evaluate",
        description="Score a model on captions with conditions, against a control with the captions exchanged.",
        epilog=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="settings as of python -m mardm_batch")
    parser.add_argument("--library", type=int, metavar="N", help="score on N new captions from the pose library")
    parser.add_argument("--conditions", type=Path, metavar="FILE", help="score on the captions of a YAML file")
    parser.add_argument("--seeds", type=int, default=4, metavar="N", help="poses a caption (default: 4)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the scores here too")
    options = parser.parse_intermixed_args(arguments)
    if options.seeds < 1 or (options.library is not None and options.library < 2):
        parser.error("--seeds must be at least 1 and --library at least 2")
    register_schema()
    try:
        config = to_config(compose_config(options.settings))
        conditions: Mapping[str, Sequence[Condition]] = bundled_conditions()
        if options.conditions is not None:
            conditions = read_conditions(options.conditions)
        elif options.library is not None:
            conditions = composed_captions(options.library)
        with CONSOLE.status(f"{len(conditions)} captions, {options.seeds} seeds"):
            scores = evaluate(config, conditions, options.seeds)
    except MardmBatchError as error:
        parser.exit(2, f"error: {error}\n")
    show(scores)
    if options.json is not None:
        options.json.write_text(json.dumps(asdict(scores), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
