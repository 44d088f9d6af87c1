"""ACMDM's transformer: the velocity of a whole clip, in joint positions or in latents.

Axes: b batch, c channels, f frames, j joints, P patches a frame, n tokens (n = f P, frame by frame), w width, e times.
Meng et al., "Absolute Coordinates Make Motion Generation Easy" (arXiv 2505.19377). Module attributes carry the names of
the published checkpoint.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mardm_batch.model.head import TimeEmbedding, modulate
from mardm_batch.pose.skeleton import NUM_JOINTS

_HEAD_WIDTH: Final = 64
_NORM_EPS: Final = 1e-6


@dataclass(frozen=True)
class AcmdmSizes:
    """Sizes of the network; those of the published ACMDM-Flow-S-PatchSize22 are the defaults.

    `channels` of the clip: 4 latent ones, or 3 for the joints themselves. `patch`: joints that make one token; it
    divides 22. `longest`: frames of the longest clip, 49 latent ones, or 196.
    """

    channels: int = 4
    text: int = 512
    width: int = 512
    layers: int = 8
    feed_forward: int = 1365
    patch: int = 22
    longest: int = 49

    @property
    def patches(self) -> int:
        """Tokens of a frame."""
        return NUM_JOINTS // self.patch

    @property
    def rotary_base(self) -> int:
        """Base of the wave lengths of the rotary positions: follows the number of tokens, in steps of a hundred."""
        return (int(8 * self.longest * self.patches / math.pi) // 100 + 1) * 100


class RmsNorm(nn.Module):
    """weight x / sqrt(mean of x squared + 1e-6), in float32 inside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.weight.shape, self.weight, _NORM_EPS)


class Attention(nn.Module):
    """Self-attention with normalised, rotated queries and keys."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.q_norm, self.k_norm = RmsNorm(_HEAD_WIDTH), RmsNorm(_HEAD_WIDTH)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor], is_key: Tensor | None) -> Tensor:
        batch, tokens, width = x.shape
        heads = self.qkv(x).view(batch, tokens, 3, -1, _HEAD_WIDTH).permute(2, 0, 3, 1, 4)
        query, key, value = heads.unbind()  # (b, heads, n, 64) each
        query, key = _rotate(self.q_norm(query), rotation), _rotate(self.k_norm(key), rotation)
        mixed = F.scaled_dot_product_attention(query, key, value, is_key)
        out: Tensor = self.proj(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return out  # (b, n, w)


class FeedForward(nn.Module):
    """w3(SiLU(a) b), where w12 gives a and b."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.w12 = nn.Linear(width, 2 * hidden)
        self.w3 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        gate, passed = self.w12(x).chunk(2, dim=-1)
        out: Tensor = self.w3(F.silu(gate) * passed)
        return out  # (b, n, w)


class Block(nn.Module):
    """Attention and feed-forward network, each behind a modulated norm and a gate."""

    def __init__(self, sizes: AcmdmSizes) -> None:
        super().__init__()
        self.norm1, self.norm2 = RmsNorm(sizes.width), RmsNorm(sizes.width)
        self.attn = Attention(sizes.width)
        self.mlp = FeedForward(sizes.width, sizes.feed_forward)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(sizes.width, 6 * sizes.width))

    def forward(self, x: Tensor, modulation: Tensor, rotation: tuple[Tensor, Tensor], is_key: Tensor | None) -> Tensor:
        shift, scale, gate, shift2, scale2, gate2 = modulation.chunk(6, dim=-1)
        x = torch.addcmul(x, gate, self.attn(modulate(self.norm1(x), shift, scale), rotation, is_key))
        return torch.addcmul(x, gate2, self.mlp(modulate(self.norm2(x), shift2, scale2)))  # (b, n, w)


class FinalLayer(nn.Module):
    """Modulated norm, then a linear layer to the patches."""

    def __init__(self, sizes: AcmdmSizes) -> None:
        super().__init__()
        self.norm_final = RmsNorm(sizes.width)
        self.linear = nn.Linear(sizes.width, sizes.patch * sizes.channels)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(sizes.width, 2 * sizes.width))

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        shift, scale = modulation.chunk(2, dim=-1)
        out: Tensor = self.linear(modulate(self.norm_final(x), shift, scale))
        return out  # (b, n, patch * c)


class AcmdmTransformer(nn.Module):
    """Predicts the velocity (data - noise) of noisy clips (b, c, f, 22) at a time, for captions."""

    def __init__(self, sizes: AcmdmSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.t_embedder = TimeEmbedding(sizes.width)
        self.x_embedder = nn.Conv2d(sizes.channels, sizes.width, (1, sizes.patch), (1, sizes.patch))
        self.y_embedder = nn.Linear(sizes.text, sizes.width)
        self.ACMDMTransformer = nn.ModuleList(Block(sizes) for _ in range(sizes.layers))
        self.final_layer = FinalLayer(sizes)

    def forward(self, x: Tensor, time: Tensor, condition: Tensor, is_valid: Tensor | None = None) -> Tensor:
        """The velocity (b, c, f, 22) of x (b, c, f, 22) at times (b,) or (1,) in [0, 1].

        Args:
            condition: text embeddings (b, text); zeros for no text.
            is_valid: (b, f) bool: frames that others may attend to; None for all.
        """
        modulations = self.modulations(self.t_embedder(time.to(x.dtype)) + self.y_embedder(condition))
        return self.apply_blocks(x, modulations, is_valid)

    def modulations(self, embedded: Tensor) -> list[Tensor]:
        """Modulations of each block (b, 1, 6 w) and of the final layer (b, 1, 2 w), for time plus text (b, w)."""
        activated = F.silu(embedded)[:, None]  # the same for all layers, so not each layer's own SiLU
        return [layer.adaLN_modulation[1](activated) for layer in (*self.ACMDMTransformer, self.final_layer)]

    def apply_blocks(self, x: Tensor, modulations: list[Tensor], is_valid: Tensor | None = None) -> Tensor:
        batch, channels, frames, joints = x.shape
        hidden = self.embed_patches(x)
        rotation = self.rotation(frames * self.sizes.patches, hidden)
        is_key = None
        if is_valid is not None:
            is_key = is_valid.repeat_interleave(self.sizes.patches, dim=1)[:, None, None]  # (b, 1, 1, n)
        for block, modulation in zip(self.ACMDMTransformer, modulations[:-1], strict=True):
            hidden = block(hidden, modulation, rotation, is_key)
        out: Tensor = self.final_layer(hidden, modulations[-1])  # (b, n, patch * c)
        return out.view(batch, frames, joints, channels).permute(0, 3, 1, 2)

    def embed_patches(self, x: Tensor) -> Tensor:
        """Tokens (b, n, w) of x (b, c, f, 22).

        The convolution's kernel is as wide as its stride, so it is a matrix product. As a convolution in bfloat16
        oneDNN 3.12 gives arbitrary numbers on processors with AMX.
        """
        patches = x.reshape(*x.shape[:3], self.sizes.patches, self.sizes.patch).permute(0, 2, 3, 1, 4)
        return F.linear(patches.flatten(3).flatten(1, 2), self.x_embedder.weight.flatten(1), self.x_embedder.bias)

    def rotation(self, tokens: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines (n, 64) of the tokens' rotary positions, both halves of the channels alike."""
        exponents = torch.linspace(0, 1, _HEAD_WIDTH // 2, device=like.device)  # both ends included
        frequencies = float(self.sizes.rotary_base) ** -exponents
        angles = torch.arange(tokens, device=like.device)[:, None] * frequencies
        angles = torch.cat([angles, angles], dim=1)
        return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def _rotate(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions (Su et al., RoFormer, arXiv 2104.09864): pairs of channels i and i + 32."""
    cosines, sines = rotation
    first, second = x.chunk(2, dim=-1)
    return x * cosines + torch.cat([-second, first], dim=-1) * sines


class GuidedClips:
    """The velocity of clips with classifier-free guidance: unconditional + scale * (conditional - unconditional).

    Conditional and unconditional clips are one batch; at scale 1 there are conditional ones only. The network computes
    in the precision of its weights, guidance in that of the clips.
    """

    def __init__(
        self,
        network: AcmdmTransformer,
        condition: Tensor,
        guidance_scale: float,
        is_valid: Tensor | None = None,
    ) -> None:
        """`condition` (b, text); `is_valid` (b, f) bool, None where all frames are."""
        self._network, self._scale, self._clips = network, guidance_scale, len(condition)
        self._dtype = network.x_embedder.weight.dtype
        self._is_guided = guidance_scale != 1
        texts = torch.cat([condition, condition.new_zeros(int(self._is_guided), condition.shape[1])])
        self._texts = network.y_embedder(texts.to(self._dtype))  # (b, w), and a row without text for all clips
        self._is_valid = torch.cat([is_valid, is_valid]) if is_valid is not None and self._is_guided else is_valid

    def at_timesteps(self, times: Tensor) -> Iterator[Callable[[Tensor], Tensor]]:
        """The velocity of clips (b, c, f, 22) at each of the times (e, 1) in turn."""
        for time in times:
            yield partial(self.predict, self._network.modulations(self._network.t_embedder(time) + self._texts))

    def predict(self, modulations: list[Tensor], x: Tensor) -> Tensor:
        if not self._is_guided:
            return self._network.apply_blocks(x.to(self._dtype), modulations, self._is_valid).to(x.dtype)
        modulations = [torch.cat([each, each[-1:].expand(self._clips - 1, -1, -1)]) for each in modulations]
        twice = torch.cat([x, x]).to(self._dtype)
        conditional, unconditional = self._network.apply_blocks(twice, modulations, self._is_valid).to(x.dtype).chunk(2)
        return unconditional + self._scale * (conditional - unconditional)
