"""Unmask latent tokens in random order, sampling each with the diffusion head.

Axes: b poses, t tokens, d latent channels, n rows (tokens to sample), s decoding steps.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from mardm_batch.model.head import DiffusionHead
from mardm_batch.model.noise import Noise
from mardm_batch.model.transformer import MaskedTransformer


class Sampler(Protocol):
    """Makes tokens of noise with the head: `flow.OdeSampler` for SiT, `ddpm.AncestralSampler` for DDPM."""

    @property
    def draws(self) -> int:
        """Standard normal draws that a row needs."""
        ...

    def sample(
        self,
        head: DiffusionHead,
        z: Tensor,
        unconditional_z: Tensor | None,
        guidance_scale: float,
        noise: Tensor,
    ) -> Tensor:
        """Clean tokens (n, d) for z (n, w), from noise (n, draws, d)."""
        ...


@dataclass(frozen=True)
class DecodingSettings:
    """How a pose is decoded.

    A token's value comes from the last step that masks it; with `every_masked_token` the earlier samples,
    which are thrown away, are made too, as the published program does. Keyed noise and a fixed-step
    sampler give the same result either way.
    """

    time_steps: int
    guidance_scale: float  # 1 is none
    sampler: Sampler
    every_masked_token: bool = False


def mask_counts(time_steps: int, token_counts: Tensor) -> Tensor:
    """How many tokens are masked in each step, (s, b) long, for poses of token_counts (b,) tokens.

    max(1, round(cos(k / (s - 1) * pi / 2) * tokens)), rounded at each stage to the float32 numbers that the
    published program has. `torch.linspace` and `torch.cos` in float32 would depend on the processor's
    instruction set, and a count with them: cos 60° times 3 tokens is 1.5, give or take the last bit.
    """
    steps = torch.arange(time_steps, dtype=torch.float64)
    spacing = (torch.tensor(1.0) / max(time_steps - 1, 1)).double()
    from_start, from_end = steps * spacing, 1 - (time_steps - 1 - steps) * spacing
    times = torch.where(steps < max(time_steps // 2, 1), from_start, from_end).float()
    share = torch.cos((times * math.pi * 0.5).double()).float()
    return torch.round(share[:, None] * token_counts).clamp(min=1).long()


@torch.inference_mode()
def generate_latents(
    network: MaskedTransformer,
    condition: Tensor,
    token_counts: Sequence[int],
    noise: Noise,
    settings: DecodingSettings,
) -> Tensor:
    """Latents (b, d, t) for text embeddings (b, text), t the largest of token_counts, zeros as padding.

    Poses of one length depend on their own embedding and noise alone (section 3 of Meng et al., CVPR 2025).
    """
    device = condition.device
    counts = torch.tensor(token_counts)
    tokens = int(counts.max())
    padding = torch.arange(tokens) >= counts[:, None]
    ranks = noise.order_scores(tokens).masked_fill(padding, torch.inf).argsort(stable=True).argsort()
    # In step k the tokens of rank < masked[k] are masked; after the last step none.
    masked = F.pad(mask_counts(settings.time_steps, counts), (0, 0, 0, 1))

    # With guidance each pose is there twice, in one batch: with its text, and without.
    texts = [condition] if settings.guidance_scale == 1 else [condition, torch.zeros_like(condition)]
    modulations = network.modulations(torch.cat(texts))
    absent = torch.cat([padding.to(device)] * len(texts))
    latents = condition.new_zeros(len(condition), tokens, network.sizes.latent)
    for step in range(settings.time_steps):
        hidden = ranks < masked[step, :, None]
        still_hidden = ranks < masked[step + 1, :, None]
        sampled = hidden if settings.every_masked_token else hidden & ~still_hidden
        if not sampled.any():
            continue
        seen = torch.where(hidden[..., None].to(device), network.mask_latent, latents)
        poses, places = sampled.nonzero(as_tuple=True)
        rows = poses.to(device), places.to(device)
        everywhere = network.through_blocks(torch.cat([seen] * len(texts)), modulations, absent)
        z = [each[rows] for each in everywhere.chunk(len(texts))]
        draws = noise.standard_normal(poses, places, step, settings.sampler.draws, network.sizes.latent)
        latents[rows] = settings.sampler.sample(
            network.head,
            z[0],
            z[1] if len(z) == 2 else None,
            settings.guidance_scale,
            draws.to(latents),
        )
    return latents.transpose(1, 2)
