"""SiT's linear path between noise (time 0) and data (time 1). Axes: n rows (tokens), d channels.

x_t = t * data + (1 - t) * noise; a network predicts the velocity data - noise (Ma et al., SiT, arXiv 2401.08740): the
diffusion head that of single tokens, other networks that of whole clips. Sampling integrates it from noise to data.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final, Literal, Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from mardm_batch.errors import ConfigurationError
from mardm_batch.model.head import Denoiser, DiffusionHead

OdeMethod = Literal["dopri5", "adams", "midpoint", "euler"]
ODE_METHODS: Final = ("dopri5", "adams", "midpoint", "euler")
_TIME_EXPONENT: Final = 1.5
"""Adams' times are 1 - (1 - i / steps) ** 1.5, as the velocity of a guided head changes most near the data. Of the
exponents tried, 1 to 2.5, those of 1.25 and 1.5 came nearest to the exact path (guidance scales of 1.5 to 4.5)."""


def dopri5_is_installed() -> bool:
    """Whether torchdiffeq, which dopri5 needs, is installed (the extra `dopri5`)."""
    return find_spec("torchdiffeq") is not None


def velocity_loss(head: DiffusionHead, data: Tensor, z: Tensor, generator: torch.Generator) -> Tensor:
    """Mean squared error of the predicted velocity; each row of data (n, d) gets its own time and noise."""
    time = torch.rand(len(data), generator=generator, device=data.device, dtype=data.dtype)
    noise = torch.randn(data.shape, generator=generator, device=data.device, dtype=data.dtype)
    x = time[:, None] * data + (1 - time[:, None]) * noise
    return F.mse_loss(head(x, time, z), data - noise)


class VelocityField(Protocol):
    """The velocity of noisy data of any shape at given times: the head's for tokens, or a network's for clips."""

    def at_timesteps(self, times: Tensor) -> Iterator[Callable[[Tensor], Tensor]]:
        """The velocity at each of the times (e, 1) in turn."""
        ...


@dataclass(frozen=True)
class OdeSampler:
    """Integrates the velocity.

    adams (Adams-Bashforth of second order; one evaluation per step, steps that shorten towards the data), midpoint (two
    evaluations a step) and euler (one) take `steps` steps that are the same for every row.
    dopri5 chooses its steps itself, over a grid of `steps` times (published: 50), and the same ones for all rows, so
    that a row depends slightly on the others.
    """

    method: OdeMethod
    steps: int

    @classmethod
    def of(cls, method: str, steps: int) -> "OdeSampler":
        """Of a method by its name."""
        return cls(cast(OdeMethod, method), steps)

    def __post_init__(self) -> None:
        if self.method not in ODE_METHODS:
            raise ConfigurationError(f"ODE method {self.method!r}: allowed are {', '.join(ODE_METHODS)}")
        least = 2 if self.method == "dopri5" else 1
        if self.steps < least:
            raise ConfigurationError(f"{self.steps} steps for the ODE method {self.method}: at least {least}")

    @property
    def draws(self) -> int:
        """Standard normal draws per row: the start of the path."""
        return 1

    def sample(self, denoiser: Denoiser, noise: Tensor) -> Tensor:
        """Clean tokens (n, d) by the head for n rows, from noise (n, 1, d)."""
        return self.integrate(denoiser, noise[:, 0])

    def integrate(self, field: VelocityField, noise: Tensor) -> Tensor:
        """Clean data from noise of the same shape."""
        if self.method == "dopri5":
            return _integrate_adaptively(field, noise, self.steps)
        return _integrate_in_steps(field, noise, self.method, self.steps)


def _integrate_adaptively(field: VelocityField, x: Tensor, grid: int) -> Tensor:
    from torchdiffeq import odeint  # which imports scipy: too slow for every start of a run that does not need it

    def velocity(time: Tensor, x: Tensor) -> Tensor:
        return next(field.at_timesteps(time.reshape(1, 1)))(x)

    # The published tolerances are one-element lists: that too decides the steps that torchdiffeq takes.
    times = torch.linspace(0, 1, grid, device=x.device, dtype=x.dtype)
    path: Tensor = odeint(velocity, x, times, method="dopri5", rtol=[1e-3], atol=[1e-6])
    return path[-1]


def _integrate_in_steps(field: VelocityField, x: Tensor, method: OdeMethod, steps: int) -> Tensor:
    times = torch.linspace(0, 1, steps + 1, device=x.device, dtype=x.dtype)
    if method == "adams":
        times = 1 - (1 - times) ** _TIME_EXPONENT
    lengths = times.diff()
    if method == "midpoint":
        middles = times[:-1] + lengths / 2
        velocities = field.at_timesteps(torch.stack([times[:-1], middles], dim=1).reshape(-1, 1))
        for length, start_velocity, middle_velocity in zip(lengths, velocities, velocities, strict=True):
            x = x + length * middle_velocity(x + length / 2 * start_velocity(x))
        return x
    previous: Tensor | None = None
    for number, velocity in enumerate(field.at_timesteps(times[:-1, None])):
        slope = velocity(x)
        change = slope
        if method == "adams" and previous is not None:  # the velocity goes on changing as it did in the step before
            change = slope + lengths[number] / (2 * lengths[number - 1]) * (slope - previous)
        x, previous = x + lengths[number] * change, slope
    return x
