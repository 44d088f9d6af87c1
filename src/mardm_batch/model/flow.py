"""SiT's linear path between noise (time 0) and data (time 1). Axes: n rows (tokens), d channels.

x_t = t * data + (1 - t) * noise; the head predicts the velocity data - noise (Ma et al., SiT,
arXiv 2401.08740). Sampling integrates it from noise to data.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from mardm_batch.errors import ConfigurationError
from mardm_batch.model.head import DiffusionHead

OdeMethod = Literal["dopri5", "midpoint", "heun", "euler"]
ODE_METHODS: Final = ("dopri5", "midpoint", "heun", "euler")

Velocity = Callable[[Tensor, Tensor], Tensor]
"""(time (), x (n, d)) to dx/dt (n, d)."""


def velocity_loss(head: DiffusionHead, data: Tensor, z: Tensor, generator: torch.Generator) -> Tensor:
    """Mean squared error of the predicted velocity; each row of data (n, d) gets its own time and noise."""
    time = torch.rand(len(data), generator=generator, device=data.device, dtype=data.dtype)
    noise = torch.randn(data.shape, generator=generator, device=data.device, dtype=data.dtype)
    x = time[:, None] * data + (1 - time[:, None]) * noise
    return F.mse_loss(head(x, time, z), data - noise)


@dataclass(frozen=True)
class OdeSampler:
    """Integrates the velocity.

    midpoint, heun and euler take `steps` equal steps. dopri5 chooses its steps itself, over a grid of
    `steps` times (published: 50), and the same ones for all rows, so that a row depends slightly on the
    others.
    """

    method: OdeMethod
    steps: int

    def __post_init__(self) -> None:
        if self.method not in ODE_METHODS:
            raise ConfigurationError(f"ODE method {self.method!r}: allowed are {', '.join(ODE_METHODS)}")
        least = 2 if self.method == "dopri5" else 1
        if self.steps < least:
            raise ConfigurationError(f"{self.steps} steps for the ODE method {self.method}: at least {least}")

    @property
    def draws(self) -> int:
        """Standard normal draws that a row needs: where the path starts."""
        return 1

    def sample(
        self,
        head: DiffusionHead,
        z: Tensor,
        unconditional_z: Tensor | None,
        guidance_scale: float,
        noise: Tensor,
    ) -> Tensor:
        """Clean tokens (n, d) for z (n, width), from noise (n, 1, d)."""

        def velocity(time: Tensor, x: Tensor) -> Tensor:
            return head.guided(x, time.reshape(1), z, unconditional_z, guidance_scale)

        start = noise[:, 0]
        if self.method == "dopri5":
            return _integrate_adaptively(velocity, start, self.steps)
        return _integrate_in_steps(velocity, start, self.method, self.steps)


def _integrate_adaptively(velocity: Velocity, x: Tensor, grid: int) -> Tensor:
    from torchdiffeq import odeint  # which imports scipy: too slow for every start of a run that does not need it

    # The published tolerances are one-element lists: that too decides the steps that torchdiffeq takes.
    times = torch.linspace(0, 1, grid, device=x.device, dtype=x.dtype)
    path: Tensor = odeint(velocity, x, times, method="dopri5", rtol=[1e-3], atol=[1e-6])
    return path[-1]


def _integrate_in_steps(velocity: Velocity, x: Tensor, method: OdeMethod, steps: int) -> Tensor:
    times = torch.linspace(0, 1, steps + 1, device=x.device, dtype=x.dtype)
    for start, end in zip(times[:-1], times[1:], strict=True):
        length = end - start
        slope = velocity(start, x)
        if method == "midpoint":
            slope = velocity(start + length / 2, x + length / 2 * slope)
        elif method == "heun":
            slope = (slope + velocity(end, x + length * slope)) / 2
        x = x + length * slope
    return x
