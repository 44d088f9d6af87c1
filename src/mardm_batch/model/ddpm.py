"""Denoising diffusion in 50 steps of a cosine schedule. Axes: n rows (tokens), d channels.

The head predicts the noise; sampling is ancestral, with the fixed small posterior variance (Ho et al.,
arXiv 2006.11239; the schedule is that of Nichol and Dhariwal, arXiv 2102.09672).
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from mardm_batch.errors import ConfigurationError
from mardm_batch.model.head import Denoiser, DiffusionHead

DIFFUSION_STEPS: Final = 50


@cache
def _alpha_bars() -> npt.NDArray[np.float64]:
    """Share of the data's variance left after each of the 50 steps, (50,), in float64 until it is used."""

    def alpha_bar(part: float) -> float:
        return math.cos((part + 0.008) / 1.008 * math.pi / 2) ** 2

    edges = [alpha_bar(step / DIFFUSION_STEPS) for step in range(DIFFUSION_STEPS + 1)]
    betas = [min(1 - after / before, 0.999) for before, after in zip(edges[:-1], edges[1:], strict=True)]
    return np.cumprod(1 - np.array(betas))


def noise_prediction_loss(head: DiffusionHead, data: Tensor, z: Tensor, generator: torch.Generator) -> Tensor:
    """Mean squared error of the predicted noise; each row of data (n, d) gets its own step and noise."""
    steps = torch.randint(DIFFUSION_STEPS, (len(data),), generator=generator, device=data.device)
    noise = torch.randn(data.shape, generator=generator, device=data.device, dtype=data.dtype)
    kept = torch.from_numpy(_alpha_bars()).to(data.device, data.dtype)[steps, None]
    x = kept.sqrt() * data + (1 - kept).sqrt() * noise
    return F.mse_loss(head(x, steps, z), noise)


@dataclass(frozen=True)
class AncestralSampler:
    """All 50 steps backwards; the temperature scales the noise that each step adds."""

    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not self.temperature >= 0:
            raise ConfigurationError(f"temperature {self.temperature}: it must not be negative")

    @property
    def draws(self) -> int:
        """Standard normal draws per row: the start, then one for each step but the last."""
        return DIFFUSION_STEPS

    def sample(self, denoiser: Denoiser, noise: Tensor) -> Tensor:
        """Clean tokens (n, d) by the head for n rows, from noise (n, 50, d)."""
        alpha_bars = _alpha_bars()
        before = np.append(1.0, alpha_bars[:-1])
        alphas = alpha_bars / before
        variances = (1 - alphas) * (1 - before) / (1 - alpha_bars)
        from_data = (1 - alphas) * np.sqrt(before) / (1 - alpha_bars)
        from_x = (1 - before) * np.sqrt(alphas) / (1 - alpha_bars)

        x = noise[:, 0]
        steps = range(DIFFUSION_STEPS)[::-1]
        times = torch.tensor(steps, dtype=x.dtype, device=x.device)[:, None]
        predictions = denoiser.at_timesteps(times)
        for draw, (step, predict) in enumerate(zip(steps, predictions, strict=True), start=1):
            predicted = predict(x)
            kept = float(alpha_bars[step])
            data = math.sqrt(1 / kept) * x - math.sqrt(1 / kept - 1) * predicted
            x = float(from_data[step]) * data + float(from_x[step]) * x
            if step > 0:
                x = x + math.sqrt(variances[step]) * self.temperature * noise[:, draw]
        return x
