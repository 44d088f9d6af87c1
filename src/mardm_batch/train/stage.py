"""One stage of a training, of any model: optimiser, schedule, averaged weights, checkpoints."""

import copy
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

import torch
from torch import Tensor, nn

from mardm_batch.errors import InputError, MardmBatchError, first_line
from mardm_batch.train.files import checkpoint_path, save_atomically
from mardm_batch.train.settings import StageSettings

_REPORT_STEPS: Final = 50
"""Steps between two reports."""


class Log(Protocol):
    """Receives the metrics of a report, whose keys start with the stage's name; `step` counts within the stage."""

    def __call__(self, metrics: Mapping[str, float], step: int) -> None: ...


def learning_rate_at(settings: StageSettings, step: int) -> float:
    """The learning rate of a step: linear warm-up, then a cosine to zero."""
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    progress = (step - settings.warmup_steps) / max(1, settings.steps - settings.warmup_steps)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def run_stage(
    settings: StageSettings,
    module: nn.Module,
    losses: Callable[[torch.Generator], dict[str, Tensor]],
    folder: Path,
    resume: bool,
    seed: int,
    log: Log,
    on_checkpoint: Callable[[nn.Module], None] = lambda averaged: None,
    basis: str = "",
) -> nn.Module:
    """Train a module; returns a copy with the averaged weights, in eval mode.

    Args:
        settings: of the stage.
        module: trained in place.
        losses: draws a batch and returns the loss to minimise as "loss", and other metrics.
        folder: of the checkpoint, which is written every `settings.checkpoint_minutes` and at the end.
        resume: continue from the checkpoint, with the batches that would have been drawn without the interruption.
        seed: of batches and noise.
        log: receives metrics.
        on_checkpoint: receives the averaged weights at each checkpoint.
        basis: the hash of the weights that the module is trained on top of; a checkpoint on others is refused.

    Raises:
        InputError: the checkpoint is not one of this module, or was trained on top of other weights.
        MardmBatchError: the loss is not finite.
    """
    name = settings.SECTION
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    averaged = copy.deepcopy(module).eval().requires_grad_(False)
    optimiser = torch.optim.AdamW(
        module.parameters(),
        lr=settings.learning_rate,
        betas=(0.9, 0.99),
        weight_decay=settings.weight_decay,
        fused=True,
    )
    parts = {"module": module, "averaged": averaged, "optimiser": optimiser}
    checkpoint = checkpoint_path(folder, type(settings))
    first = _restore(checkpoint, parts, generator, basis) if resume and checkpoint.exists() else 0
    module.train()
    sums: dict[str, float] = {}
    count = 0
    started = reported = saved = time.monotonic()
    for step in range(first, settings.steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate_at(settings, step)
        values = losses(generator)
        optimiser.zero_grad(set_to_none=True)
        values["loss"].backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(module.parameters(), settings.clip_gradient)
        optimiser.step()
        average(averaged, module, min(settings.ema_decay, (1 + step) / (10 + step)))
        count += 1
        for key, value in values.items():
            sums[key] = sums.get(key, 0.0) + float(value.detach())
        if not math.isfinite(sums["loss"]):
            raise MardmBatchError(
                f"{name}: the loss is not finite at step {step}; lower {name}.learning_rate "
                f"({settings.learning_rate:g}) and start again with resume=true"
            )
        now = time.monotonic()
        if (step + 1) % _REPORT_STEPS == 0 or step + 1 == settings.steps:
            seconds_left = (now - started) / (step + 1 - first) * (settings.steps - step - 1)
            metrics = {f"{name}/{key}": value / count for key, value in sums.items()}
            metrics[f"{name}/learning_rate"] = learning_rate_at(settings, step)
            metrics[f"{name}/steps_per_second"] = count / max(now - reported, 1e-9)
            metrics[f"{name}/minutes_left"] = seconds_left / 60
            log(metrics, step + 1)
            sums, count, reported = {}, 0, now
        if now - saved > 60 * settings.checkpoint_minutes or step + 1 == settings.steps:
            _save(checkpoint, parts, generator, step + 1, basis)
            on_checkpoint(averaged)
            saved = time.monotonic()
    return averaged


@torch.no_grad()
def average(averaged: nn.Module, module: nn.Module, decay: float) -> None:
    """Set the weights of `averaged` to `decay` times themselves plus 1 - `decay` times those of `module`."""
    for mean, current in zip(averaged.parameters(), module.parameters(), strict=True):
        mean.lerp_(current, 1 - decay)


def _save(path: Path, parts: Mapping[str, Any], generator: torch.Generator, step: int, basis: str) -> None:
    state = {name: part.state_dict() for name, part in parts.items()}
    randomness = {"generator": generator.get_state(), "global": torch.get_rng_state()}
    save_atomically({**state, "randomness": randomness, "step": step, "basis": basis}, path)


def _restore(path: Path, parts: Mapping[str, Any], generator: torch.Generator, basis: str) -> int:
    """Load a checkpoint; returns the step to continue with."""
    try:
        state = torch.load(path, weights_only=True)
        if state["basis"] != basis:
            raise InputError(
                f"{path}: belongs to another autoencoder; use the settings of that training, or another folder="
            )
        check_shapes(path, state["module"], parts["module"].state_dict())
        for name, part in parts.items():
            part.load_state_dict(state[name])
        generator.set_state(state["randomness"]["generator"])
        torch.set_rng_state(state["randomness"]["global"])
        return int(state["step"])
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        reason = first_line(error)
        raise InputError(
            f"{path}: not a checkpoint of this training, or damaged ({reason}); use the settings of that training, or "
            "another folder="
        ) from error


def check_shapes(path: Path, saved: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Raises InputError where a checkpoint's weights are of other shapes, with the first that is."""
    for name, weights in expected.items():
        if name in saved and saved[name].shape != weights.shape:
            shapes = (" x ".join(map(str, each.shape)) for each in (saved[name], weights))
            raise InputError(
                f"{path}: a checkpoint of other sizes ({name}: {', not '.join(shapes)}); use the settings of that "
                "training, or another folder="
            )


def require_finished(path: Path, steps: int) -> None:
    """Check that a stage, on whose result the next one has been trained, would not be trained further.

    Raises:
        InputError: its checkpoint is of another number of steps.
    """
    with suppress(OSError, KeyError, RuntimeError, ValueError):  # what `_restore` reports
        trained = int(torch.load(path, weights_only=True)["step"])
        if trained != steps:
            name = path.name.removesuffix(".checkpoint")
            raise InputError(
                f"{path}: was trained for {trained} steps, not {name}.steps={steps}, and the network depends on it; "
                "use the settings of that training, or another folder="
            )
