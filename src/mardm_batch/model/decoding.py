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

from mardm_batch.model.head import Denoiser
from mardm_batch.model.noise import Noise
from mardm_batch.model.transformer import MaskedTransformer, WordKeys


class Sampler(Protocol):
    """Turns noise into tokens with the head: `flow.OdeSampler` for SiT, `ddpm.AncestralSampler` for DDPM."""

    @property
    def draws(self) -> int:
        """Standard normal draws per row."""
        ...

    def sample(self, denoiser: Denoiser, noise: Tensor) -> Tensor:
        """Clean tokens (n, d) by the head for n rows, from noise (n, draws, d)."""
        ...


@dataclass(frozen=True)
class DecodingSettings:
    """Settings of the decoding loop.

    A token keeps the value of the last step that masks it. With `every_masked_token` the discarded samples of
    earlier steps are computed too, as in the published program; keyed noise and a fixed-step sampler give the same
    result either way.
    """

    time_steps: int
    guidance_scale: float  # 1 is none
    sampler: Sampler
    every_masked_token: bool = False


def mask_counts(time_steps: int, token_counts: Tensor) -> Tensor:
    """Number of masked tokens in each step, (s, b) int64, of poses with token_counts (b,) tokens.

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
    words: Sequence[WordKeys] = (),
) -> Tensor:
    """Latents (b, d, t) for text embeddings (b, text), t the largest of token_counts, zeros as padding.

    `words` are the network's `word_keys` of the captions, where it attends to them.

    Poses of one length depend on their own embedding and noise alone (section 3 of Meng et al., CVPR 2025).
    """
    device = condition.device
    counts = torch.tensor(token_counts)
    tokens = int(counts.max())
    padding = torch.arange(tokens) >= counts[:, None]
    ranks = noise.order_scores(tokens).masked_fill(padding, torch.inf).argsort(stable=True).argsort()
    # In step k the tokens of rank < masked[k] are masked; after the last step none.
    masked = F.pad(mask_counts(settings.time_steps, counts), (0, 0, 0, 1))

    # With guidance a batch holds each pose twice: with its text and without.
    poses, is_guided = len(condition), settings.guidance_scale != 1
    texts = torch.cat([condition, condition.new_zeros(int(is_guided), condition.shape[1])])
    modulations = network.modulations(texts)
    padded = torch.cat([padding, padding]).to(device)
    latents = condition.new_zeros(poses, tokens, network.sizes.latent)
    for step in range(settings.time_steps):
        is_masked = ranks < masked[step, :, None]
        masked_next = ranks < masked[step + 1, :, None]
        sampled = is_masked if settings.every_masked_token else is_masked & ~masked_next
        if not sampled.any():
            continue
        visible = torch.where(is_masked[..., None].to(device), network.mask_latent, latents)
        # Without text and with every token masked all poses are equal, so that one row serves all.
        all_equal = bool(is_masked.all())
        unconditional = (1 if all_equal else poses) if is_guided else 0
        repeated = [torch.cat([each[:poses], each[poses:].expand(unconditional, -1, -1)]) for each in modulations]
        z = network.apply_blocks(
            torch.cat([visible, visible[:unconditional]]),
            repeated,
            padded[: poses + unconditional],
            words,
        )
        pose_of_row, token_of_row = sampled.nonzero(as_tuple=True)
        rows = pose_of_row.to(device), token_of_row.to(device)
        denoiser = network.head.denoiser(
            z[rows],
            None if not is_guided else z[-1] if all_equal else z[poses:][rows],
            settings.guidance_scale,
            rows[1] if all_equal else None,
        )
        draws = noise.standard_normal(pose_of_row, token_of_row, step, settings.sampler.draws, network.sizes.latent)
        latents[rows] = settings.sampler.sample(denoiser, draws.to(latents))
    return latents.transpose(1, 2)
