"""Train the judge of agreement between captions and poses, by the recipe in `conf/judge.yaml`.

python -m mardm_batch.train.judge [KEY=VALUE ...]
"""

import argparse
import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from mardm_batch.config.compose import compose_config, to_settings
from mardm_batch.config.help import help_table
from mardm_batch.errors import InputError
from mardm_batch.judge.network import Tokenizer
from mardm_batch.pose.sides import swap_sides
from mardm_batch.system.commands import command_parser, report_user_errors
from mardm_batch.system.files import writable_file, write_atomically
from mardm_batch.system.stages import reporting_stages
from mardm_batch.system.terminal import print_output
from mardm_batch.train.judge_data import JudgedConditions, choose_conditions, compose_captions, compose_poses
from mardm_batch.train.judge_settings import JudgeConfig, register_judge_schema

USAGE: Final = """\
  python -m mardm_batch.train.judge                        a file judge.safetensors, in about ten minutes on one core
  python -m mardm_batch.train.judge output=my.safetensors seed=1

The judge reads out of a caption what must hold of its pose; train it again when the pose library has grown. Exit codes:
0; 2 for bad settings; 130 if interrupted.
"""
REPORT_STEPS: Final = 100


def train_judge(config: JudgeConfig, report: Callable[[str], None] = lambda stage: None) -> bytes:
    """The content of the file of a judge; the same for the same settings on the same machine."""
    import torch

    from mardm_batch.model.words import build_vocabulary
    from mardm_batch.train.judge_network import TrainedCaptionNetwork

    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    report(f"composing {config.poses:,} poses")
    judged = choose_conditions(compose_poses(config.poses, rng))
    report(f"composing {config.captions:,} captions")
    captions = compose_captions(config.captions, rng)
    vocabulary = build_vocabulary([caption for caption, _ in captions], config.vocabulary)
    tokenizer, outputs = Tokenizer(vocabulary), len(judged.outputs)
    tokens = [[tokenizer.tokenize(text) for text in (caption, swap_sides(caption))] for caption, _ in captions]
    targets = np.stack([judged.targets(conditions).astype(np.float16) for _, conditions in captions])
    images = judged.mirrored[:outputs]
    network = TrainedCaptionNetwork(len(vocabulary), outputs, config.word_width, config.width, config.features)
    optimizer = torch.optim.AdamW(network.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    order = np.zeros(0, np.intp)
    losses = []
    for step in range(config.steps):
        if len(order) < config.batch_size:
            order = np.concatenate([order, rng.permutation(len(captions))])
        batch, order = order[: config.batch_size], order[config.batch_size :]
        swapped = rng.random(len(batch)) < 0.5
        rows = np.where(swapped[:, None], targets[batch][:, images], targets[batch][:, :outputs])
        logits = network(
            [tokens[each][int(swap)] for each, swap in zip(batch, swapped, strict=True)], config.word_dropout
        )
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, torch.from_numpy(rows.astype(np.float32)), reduction="none"
        )
        loss = loss.sum(dim=1).mean()
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * schedule(step, config)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        losses.append(loss.item())
        if (step + 1) % REPORT_STEPS == 0:
            report(f"step {step + 1:,} of {config.steps:,}, loss {np.mean(losses[-REPORT_STEPS:]):.3f}")
    return judge_file(network.weights(), vocabulary, judged)


def schedule(step: int, config: JudgeConfig) -> float:
    """Share of the highest learning rate: linear warm-up, then a cosine to zero."""
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * progress))


def judge_file(weights: dict[str, Any], vocabulary: Sequence[str], judged: JudgedConditions) -> bytes:
    """A safetensors file that `judge.load_judge` reads."""
    from safetensors.numpy import save

    tensors = {name: value.astype(np.float16) for name, value in weights.items()}
    tensors["shares"] = np.array(judged.shares, np.float32)
    tensors["implied"] = np.array(judged.implied, np.uint16).reshape(-1, 2)
    about = {"vocabulary": list(vocabulary), "outputs": list(judged.outputs)}
    return save(tensors, {"judge": json.dumps(about, ensure_ascii=False)})


def output_file(name: str) -> Path:
    """The file to write. Raises InputError where its folder is not there, or cannot be written to."""
    try:
        return writable_file(name)
    except argparse.ArgumentTypeError as error:
        raise InputError(f"output: {error}") from None


def build_parser() -> argparse.ArgumentParser:
    parser = command_parser("train.judge", __doc__, f"{USAGE}\nSettings (KEY=VALUE)\n{help_table('judge', [])}")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="settings, listed below")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and write the file. Bad settings end the process with one line and exit code 2."""
    register_judge_schema()
    options = build_parser().parse_args(arguments)
    with report_user_errors():
        config = to_settings(compose_config(options.settings, name="judge"), JudgeConfig, "judge")
        output = output_file(config.output)
        with reporting_stages() as report:
            content = train_judge(config, report)
        write_atomically(output, content)
        print_output(f"{output}: {len(content) / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
