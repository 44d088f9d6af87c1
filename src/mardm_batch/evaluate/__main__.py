"""Score a model on captions with conditions: does a pose do what its caption says, and is it a person's?

python -m mardm_batch.evaluate [KEY=VALUE ...] [--library N] [--conditions FILE] [--seeds N] [--json FILE]
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.config.schema import Config
from mardm_batch.dataset.records import Failure
from mardm_batch.errors import InputError, MardmBatchError, first_line
from mardm_batch.pose.conditions import Condition, bundled_conditions, parse
from mardm_batch.pose.geometry import Joints, bone_length_error, canonical_position, diversity, lowest_joint_height
from mardm_batch.pose.joint_limits import within_limits
from mardm_batch.pose.skeleton import NUM_JOINTS
from mardm_batch.prompts.names import Prompt
from mardm_batch.registries import register_schemas
from mardm_batch.sampling.batching import sample_poses
from mardm_batch.system.files import writable_file, write_atomically
from mardm_batch.system.processes import available_cores
from mardm_batch.system.terminal import CONSOLE

if TYPE_CHECKING:
    from mardm_batch.library.library import Sample

ON_FLOOR = 0.03
"""Metres: within so much of the floor the lowest joint stands on it."""
LIBRARY_SEED = 20_000_003
"""Of the captions composed for an evaluation: not one that a training's clips are drawn with."""
TRAINING_SEED = 3407
"""Of `conf/train.yaml`: the poses that the embedded model was trained on are composed again by it."""
NEW_POSES = 300
"""Composed poses that were never trained on, whose distance to the training's is what not copying looks like."""

USAGE = """\
  python -m mardm_batch.evaluate                          the embedded model on the bundled captions
  python -m mardm_batch.evaluate +preset=fast             with the settings of a preset
  python -m mardm_batch.evaluate --library 500            on 500 captions that were held out of the training
  python -m mardm_batch.evaluate model.weights=my.safetensors sampling.cfg=3 --json scores.json

A file for --conditions is YAML, `caption: {conditions: [left_hand above head, ...]}`; mardm_batch/conditions.py says
what a condition may be. The held-out captions join entries of the pose library that the training never sees together,
or say an entry in a way that it never reads. "Nearest training pose" tells whether poses are copies: the model's should
not be nearer to those of the training than new composed ones are. Exit codes: 0, or 2 for bad settings or input.
"""


@dataclass(frozen=True)
class Scores:
    """Shares are from 0 to 1, lengths in centimetres. The control takes a caption's conditions to the others' poses."""

    captions: int
    seeds: int
    telling_conditions_met: float
    """Of the conditions that at most half of all new composed poses meet by themselves."""
    control_telling_conditions_met: float
    conditions_met: float
    captions_met: float
    """Share of the poses that meet all conditions of their caption."""
    control_conditions_met: float
    control_captions_met: float
    chance_conditions_met: float
    """Of the conditions those that new composed poses meet, whatever they show: a control of any model is near it."""
    bone_length_error_cm: float
    on_floor: float
    within_joint_limits: float
    difference_of_seeds_cm: float
    """Mean distance of a joint between the poses of one caption with different seeds."""
    diversity_cm: float
    """Mean distance of a joint between the poses of different captions."""
    nearest_training_pose_cm: float
    """Mean distance of a joint to the nearest of the poses that were composed for the training."""
    nearest_training_pose_of_new_ones_cm: float
    """The same for composed poses that training never sees."""
    held_out: Mapping[str, int] = field(default_factory=dict)
    """How many captions were held out for their combination of entries, how many for the way they are said."""


def evaluate(
    config: Config,
    conditions: Mapping[str, Sequence[Condition]],
    seeds: int,
    training_poses: int,
    held_out: Mapping[str, int],
) -> Scores:
    """Make a pose of every caption with `seeds` seeds, from the configuration's on, and score them.

    They are compared with so many poses of the training.
    """
    from mardm_batch.library.clips import composed_poses

    captions = list(conditions)
    poses = np.stack([make_poses(config, captions, config.seed + offset) for offset in range(seeds)])  # (s, n, 22, 3)
    new = canonical_position(np.concatenate([sample.clip for sample in held_out_samples(NEW_POSES)]))
    asked = [tuple(conditions[caption]) for caption in captions]
    shares, telling = ([score(each, made) for made in poses] for each in (asked, discriminative(asked, new)))
    together = poses.reshape(-1, *poses.shape[2:])
    trained = canonical_position(composed_poses(training_poses, TRAINING_SEED, available_cores()))
    return Scores(
        captions=len(captions),
        seeds=seeds,
        telling_conditions_met=float(np.mean([each.met for each in telling])),
        control_telling_conditions_met=float(np.mean([each.control_met for each in telling])),
        conditions_met=float(np.mean([each.met for each in shares])),
        captions_met=float(np.mean([each.whole for each in shares])),
        control_conditions_met=float(np.mean([each.control_met for each in shares])),
        control_captions_met=float(np.mean([each.control_whole for each in shares])),
        chance_conditions_met=float(np.mean([each.met(new).mean() for listed in asked for each in listed])),
        bone_length_error_cm=100 * float(bone_length_error(together).mean()),
        on_floor=float((np.abs(lowest_joint_height(together)) <= ON_FLOOR).mean()),
        within_joint_limits=float(within_limits(together).mean()),
        difference_of_seeds_cm=100 * float(np.mean([diversity(each) for each in poses.swapaxes(0, 1)])),
        diversity_cm=100 * diversity(poses[0]),
        nearest_training_pose_cm=100 * float(nearest_distances(together, trained).mean()),
        nearest_training_pose_of_new_ones_cm=100 * float(nearest_distances(new, trained).mean()),
        held_out=held_out,
    )


def make_poses(config: Config, captions: Sequence[str], seed: int) -> Joints:
    """The poses (n, 22, 3) that a run with this seed would write.

    Raises:
        InputError: one cannot be sampled, or the model's files are not as they must be.
    """
    from mardm_batch.sampling.sampler import load_sampler

    sampler = load_sampler(replace(config, seed=seed), config.cpu_threads or available_cores())
    prompts = [Prompt(str(number), caption) for number, caption in enumerate(captions)]
    poses = np.zeros((len(captions), NUM_JOINTS, 3), np.float32)
    for result in sample_poses(prompts, sampler, lambda seconds, device, memory: None):
        if isinstance(result, Failure):
            raise InputError(f"no pose of {result.caption!r}: {result.error}")
        poses[int(result.prompt.name)] = result.joints
    return poses


def discriminative(conditions: Sequence[Sequence[Condition]], poses: Joints) -> list[tuple[Condition, ...]]:
    """The conditions of each caption that at most half of these poses meet, whatever they show."""
    rare = {each: each.met(poses).mean() <= 0.5 for listed in conditions for each in listed}
    return [tuple(each for each in listed if rare[each]) for listed in conditions]


@dataclass(frozen=True)
class Shares:
    """Of all conditions those that are met, of the poses those that meet all of their caption's; so for the control."""

    met: float
    whole: float
    control_met: float
    control_whole: float


def score(conditions: Sequence[Sequence[Condition]], poses: Joints) -> Shares:
    """Pose i by the conditions of caption i; in the control by those of every other caption, which is what exchanging
    the captions by chance comes to on average."""
    met = {each: each.met(poses) for listed in conditions for each in listed}  # of each condition (n,)
    others = max(len(poses) - 1, 1)
    own, control, whole, control_whole = [], [], [], []
    for number, listed in enumerate(conditions):
        rows = np.array([met[each] for each in listed], dtype=bool).reshape(len(listed), len(poses))
        every: NDArray[np.bool_] = np.asarray(rows.all(axis=0))  # (n,)
        own += [*rows[:, number]]
        control += [*(rows.sum(axis=1) - rows[:, number]) / others]
        whole.append(every[number])
        control_whole.append((every.sum() - every[number]) / others)
    shares = (np.mean(each) if each else 1.0 for each in (own, whole, control, control_whole))
    return Shares(*(float(share) for share in shares))


def nearest_distances(poses: Joints, others: Joints) -> Joints:
    """Mean distance (n,) of a joint between each of the poses (n, 22, 3) and the nearest of the others (m, 22, 3).

    The nearest is looked for among the few with the smallest squared distance, which a matrix product finds.
    """
    flat = others.reshape(len(others), -1)
    squares = np.square(flat).sum(axis=1)
    few = min(16, len(others))
    nearest = []
    for chunk in np.array_split(poses, 1 + len(poses) // 256):
        squared = squares - 2 * chunk.reshape(len(chunk), -1) @ flat.T  # less what is the same in a row
        near = others[np.argpartition(squared, few - 1, axis=1)[:, :few]]  # (n, few, 22, 3)
        nearest.append(np.linalg.norm(near - chunk[:, None], axis=-1).mean(axis=-1).min(axis=1))
    return np.concatenate(nearest)


def held_out_samples(count: int) -> "list[Sample]":
    """Samples of the pose library that training never sees, with conditions and different captions."""
    from mardm_batch.library.library import load_library

    rng, library = np.random.default_rng(LIBRARY_SEED), load_library()
    samples: dict[str, Sample] = {}
    while len(samples) < count:
        sample = library.sample(rng, 1, held_out=True)
        if sample.conditions:
            samples[sample.caption] = sample
    return list(samples.values())


def read_conditions(path: Path) -> dict[str, tuple[Condition, ...]]:
    """The captions of a YAML file with their conditions.

    Raises:
        InputError: it cannot be read, or a condition is not understood.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read as YAML ({first_line(error)}); see --help for the format") from None
    try:
        captions = {str(caption): tuple(map(parse, entry["conditions"])) for caption, entry in entries.items()}
    except (AttributeError, KeyError, TypeError):
        raise InputError(f"{path}: not captions with a list of conditions each; see --help for the format") from None
    if not captions or not all(captions.values()):
        raise InputError(f"{path}: a caption without conditions cannot be scored")
    return captions


def show(scores: Scores) -> None:
    kinds = " and ".join(f"{count} for their {kind}" for kind, count in scores.held_out.items())
    title = f"{scores.captions} captions{f' (held out: {kinds})' if kinds else ''}, {scores.seeds} seeds"
    table = Table("measure", "", title=title, title_justify="left")
    for name, value in asdict(scores).items():
        if name not in ("captions", "seeds", "held_out"):
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
    captions = parser.add_mutually_exclusive_group()
    captions.add_argument("--library", type=int, metavar="N", help="score on N held-out captions from the pose library")
    captions.add_argument("--conditions", type=Path, metavar="FILE", help="score on the captions of a YAML file")
    parser.add_argument("--seeds", type=int, default=4, metavar="N", help="poses a caption (default: 4)")
    parser.add_argument(
        "--training-poses",
        type=int,
        default=5_000,
        metavar="N",
        help="look for copies among the first N poses of the training (default: 5000; 5 ms each)",
    )
    parser.add_argument("--json", type=writable_file, metavar="FILE", help="write the scores here too")
    options = parser.parse_intermixed_args(arguments)
    if options.seeds < 1 or options.training_poses < 1 or (options.library is not None and options.library < 2):
        parser.error("--seeds and --training-poses must be at least 1 and --library at least 2")
    register_schemas()
    try:
        config = to_config(compose_config(options.settings))
        if config.paths.prompts is not None:
            raise InputError("paths.prompts: captions are scored by conditions; name a file of both by --conditions")
        conditions: Mapping[str, Sequence[Condition]] = bundled_conditions()
        held_out: dict[str, int] = {}
        if options.conditions is not None:
            conditions = read_conditions(options.conditions)
        elif options.library is not None:
            samples = held_out_samples(options.library)
            conditions = {sample.caption: tuple(map(parse, sample.conditions)) for sample in samples}
            held_out = dict(Counter(sorted(kind for sample in samples for kind in sample.held_out)))
        conditions = dict(islice(conditions.items(), config.limit))
        with CONSOLE.status(f"{len(conditions)} captions, {options.seeds} seeds"):
            scores = evaluate(config, conditions, options.seeds, options.training_poses, held_out)
    except MardmBatchError as error:
        parser.exit(2, f"error: {error}\n")
    show(scores)
    if options.json is not None:
        write_atomically(options.json, json.dumps(asdict(scores), indent=1).encode() + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
