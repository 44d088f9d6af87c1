"""The diffusion head: a network on single tokens, conditioned on time and z.

Axes: n rows (tokens), d channels, w width, e times.

Tokens do not mix here. The head predicts the velocity (SiT) or the noise (DDPM). Module attributes carry the
names of the published checkpoint (`DiffMLPs.net.…`).

Three fifths of the work are the layers' modulations, which depend on time and z alone. `DiffusionHead.denoiser`
computes them for several times at once where the same rows are denoised at many times.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LAYER_NORM_EPS: Final = 1e-6
_FREQUENCIES: Final = 128
_ROWS_AT_ONCE: Final = 1024
"""Rows of modulations that are computed at once: enough for fast matrix products, few enough for memory (XL, float32:
0.36 MB a row)."""

Predict = Callable[[Tensor], Tensor]
"""The head's prediction at one time: noisy tokens (n, d) to (n, d)."""


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Adaptive layer norm's x * (1 + scale) + shift (Peebles and Xie, DiT, arXiv 2212.09748)."""
    return torch.addcmul(shift, x, 1 + scale)


def initialise_linears(module: nn.Module) -> None:
    """Xavier weights and zero biases for linear layers, but zeros for those that give adaLN's modulation.

    A block whose gate is zero starts as the identity (DiT, section 3.2, "adaLN-Zero").
    """
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear):
            if "adaLN_modulation" in name:
                nn.init.zeros_(layer.weight)
            else:
                nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class TimeEmbedding(nn.Module):
    """128 cosines and 128 sines of the time, in its precision, then a small network in that of its weights."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(2 * _FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, time: Tensor) -> Tensor:
        exponents = torch.arange(_FREQUENCIES, dtype=time.dtype, device=time.device) / _FREQUENCIES
        angles = time[..., None] * torch.exp(-math.log(10000.0) * exponents)
        waves = torch.cat([angles.cos(), angles.sin()], dim=-1)
        embedded: Tensor = self.mlp(waves.to(next(self.mlp.parameters()).dtype))
        return embedded  # (..., w)


class HeadBlock(nn.Module):
    """x + gate * network(modulated layer norm of x); shift, scale and gate are the row's modulation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.in_ln = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 3 * width))

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        shift, scale, gate = modulation.chunk(3, dim=-1)
        return torch.addcmul(x, gate, self.mlp(modulate(self.in_ln(x), shift, scale)))  # (n, w)


class FinalLayer(nn.Module):
    """Modulated layer norm without weights of its own, then a linear layer to the latent."""

    def __init__(self, width: int, latent_size: int) -> None:
        super().__init__()
        self.norm_final = nn.LayerNorm(width, elementwise_affine=False, eps=LAYER_NORM_EPS)
        self.linear = nn.Linear(width, latent_size)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        shift, scale = modulation.chunk(2, dim=-1)
        out: Tensor = self.linear(modulate(self.norm_final(x), shift, scale))
        return out  # (n, d)


class DiffusionHead(nn.Module):
    """Predicts velocity or noise from noisy tokens. `z_size` is the transformer's width."""

    def __init__(self, latent_size: int, z_size: int, width: int, blocks: int) -> None:
        super().__init__()
        self.time_embed = TimeEmbedding(width)
        self.cond_embed = nn.Linear(z_size, width)
        self.input_proj = nn.Linear(latent_size, width)
        self.res_blocks = nn.ModuleList(HeadBlock(width) for _ in range(blocks))
        self.final_layer = FinalLayer(width, latent_size)

    def forward(self, x: Tensor, time: Tensor, z: Tensor) -> Tensor:
        """Noisy tokens x (n, d), time (n,) or (1,) and z (n, width of the transformer) to (n, d).

        The time is not scaled: in [0, 1] for SiT, 0 … 49 for DDPM.
        """
        condition = self.time_embed(time.to(x.dtype)) + self.cond_embed(z)
        return self.apply_layers(self.input_proj(x), self.modulations(condition))

    def denoiser(
        self, z: Tensor, unconditional_z: Tensor | None, guidance_scale: float, places: Tensor | None = None
    ) -> "Denoiser":
        """The head with guidance for the rows of z (n, width of the transformer), to be evaluated at many times.

        `unconditional_z` has the same shape, or fewer rows of which `places` (n,) gives the one of each row of z.
        """
        return Denoiser(self, z, unconditional_z, guidance_scale, places)

    def modulations(self, condition: Tensor) -> list[Tensor]:
        """Modulations of each block (..., 3 w) and of the final layer (..., 2 w) for the sum of time and z (..., w)."""
        activated = F.silu(condition)  # the same for all layers, so not each layer's own SiLU
        return [layer.adaLN_modulation[1](activated) for layer in (*self.res_blocks, self.final_layer)]

    def apply_layers(self, hidden: Tensor, modulations: Sequence[Tensor]) -> Tensor:
        for block, modulation in zip(self.res_blocks, modulations[:-1], strict=True):
            hidden = block(hidden, modulation)
        out: Tensor = self.final_layer(hidden, modulations[-1])
        return out  # (n, d)

    def initialise(self) -> None:
        """Set the weights that training starts from; the first predictions are zeros."""
        initialise_linears(self)
        for layer in self.time_embed.mlp:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.02)
        nn.init.zeros_(self.final_layer.linear.weight)


class Denoiser:
    """The head with classifier-free guidance: unconditional + scale * (conditional - unconditional), in one batch.

    Without `unconditional_z` it is the conditional prediction alone, as at scale 1. The head computes in the precision
    of its weights, guidance in that of the tokens.
    """

    def __init__(
        self,
        head: DiffusionHead,
        z: Tensor,
        unconditional_z: Tensor | None,
        guidance_scale: float,
        places: Tensor | None,
    ) -> None:
        self._head, self._scale, self._is_guided = head, guidance_scale, unconditional_z is not None
        self._dtype = head.input_proj.weight.dtype
        rows = z if unconditional_z is None else torch.cat([z, unconditional_z])
        self._embedded_z = head.cond_embed(rows.to(self._dtype))  # (n, n + fewer, or 2 n, w)
        self._rows: Tensor | None = None
        """Indices of the 2 n rows among those of z and the fewer unconditional ones; None where there are 2 n."""
        if self._is_guided and places is not None:
            self._rows = torch.cat([torch.arange(len(z), device=z.device), len(z) + places])

    def at_timesteps(self, times: Tensor) -> Iterator[Predict]:
        """The head's prediction at each of the times (e, 1) in turn."""
        for chunk in torch.split(times, max(1, _ROWS_AT_ONCE // len(self._embedded_z))):
            modulations = self._head.modulations(self._head.time_embed(chunk) + self._embedded_z)  # (e, 2 n, 3 w) each
            for number in range(len(chunk)):
                current = [each[number] for each in modulations]
                yield partial(self.predict, current if self._rows is None else [each[self._rows] for each in current])

    def predict(self, modulations: Sequence[Tensor], x: Tensor) -> Tensor:
        hidden = self._head.input_proj(x.to(self._dtype))
        if not self._is_guided:
            return self._head.apply_layers(hidden, modulations).to(x.dtype)
        both = self._head.apply_layers(hidden.repeat(2, 1), modulations).to(x.dtype)
        conditional, unconditional = both.chunk(2)
        return unconditional + self._scale * (conditional - unconditional)
