"""The diffusion head: a network on single tokens, told time and z. Axes: n rows (tokens), d channels.

Tokens do not mix here. The head predicts the velocity (SiT) or the noise (DDPM). Module attributes carry the
names of the published checkpoint (`DiffMLPs.net.…`).
"""

import math
from typing import Final

import torch
from torch import Tensor, nn

LAYER_NORM_EPS: Final = 1e-6
_FREQUENCIES: Final = 128


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Adaptive layer norm's x * (1 + scale) + shift (Peebles and Xie, DiT, arXiv 2212.09748)."""
    return x * (1 + scale) + shift


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
            nn.init.zeros_(layer.bias)


class TimeEmbedding(nn.Module):
    """128 cosines and 128 sines of the time, then a small network."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(2 * _FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, time: Tensor) -> Tensor:
        exponents = torch.arange(_FREQUENCIES, dtype=time.dtype, device=time.device) / _FREQUENCIES
        angles = time[:, None] * torch.exp(-math.log(10000.0) * exponents)
        embedded: Tensor = self.mlp(torch.cat([angles.cos(), angles.sin()], dim=-1))
        return embedded  # (n, width)


class HeadBlock(nn.Module):
    """x + gate * network(modulated layer norm of x); shift, scale and gate from the row's condition."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.in_ln = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 3 * width))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        shift, scale, gate = self.adaLN_modulation(condition).chunk(3, dim=-1)
        added: Tensor = gate * self.mlp(modulate(self.in_ln(x), shift, scale))
        return x + added  # (n, width)


class FinalLayer(nn.Module):
    """Modulated layer norm without weights of its own, then a linear layer to the latent."""

    def __init__(self, width: int, latent_size: int) -> None:
        super().__init__()
        self.norm_final = nn.LayerNorm(width, elementwise_affine=False, eps=LAYER_NORM_EPS)
        self.linear = nn.Linear(width, latent_size)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        shift, scale = self.adaLN_modulation(condition).chunk(2, dim=-1)
        out: Tensor = self.linear(modulate(self.norm_final(x), shift, scale))
        return out  # (n, d)


class DiffusionHead(nn.Module):
    """What a noisy token says about the clean one. `z_size` is the transformer's width."""

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
        hidden = self.input_proj(x)
        for block in self.res_blocks:
            hidden = block(hidden, condition)
        out: Tensor = self.final_layer(hidden, condition)
        return out  # (n, d)

    def guided(
        self, x: Tensor, time: Tensor, z: Tensor, unconditional_z: Tensor | None, guidance_scale: float
    ) -> Tensor:
        """Classifier-free guidance: unconditional + scale * (conditional - unconditional), (n, d).

        Time (1,), or (2 n,) with that of the unconditional rows last. Without `unconditional_z` the
        conditional output alone, which is what scale 1 means.
        """
        if unconditional_z is None:
            return self(x, time, z)  # type: ignore[no-any-return]
        both = self(torch.cat([x, x]), time, torch.cat([z, unconditional_z]))
        conditional, unconditional = both.chunk(2)
        guided: Tensor = unconditional + guidance_scale * (conditional - unconditional)
        return guided

    def initialise(self) -> None:
        """Weights to start training from; the first answers are zeros."""
        initialise_linears(self)
        for layer in self.time_embed.mlp:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.02)
        nn.init.zeros_(self.final_layer.linear.weight)
