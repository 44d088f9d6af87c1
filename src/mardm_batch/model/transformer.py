"""The masked autoregressive transformer with its diffusion head.

Axes: b batch, t tokens, d latent channels, w width.
Meng et al., "Rethinking Diffusion for Text-Driven Human Motion Generation", CVPR 2025 (arXiv 2411.16575).
Module attributes carry the names of the published checkpoint, so some are not in this package's style.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mardm_batch.model.ddpm import noise_prediction_loss
from mardm_batch.model.flow import velocity_loss
from mardm_batch.model.head import LAYER_NORM_EPS, DiffusionHead, initialise_linears, modulate

MAX_TOKENS: Final = 5000
_RANDOM_LATENT_SHARE: Final = 0.1
_MASK_LATENT_SHARE: Final = 0.88
_CONDITION_DROP_SHARE: Final = 0.1
_REPEATS: Final = 4


@dataclass(frozen=True)
class MardmSizes:
    """Sizes of the network; the defaults are those of the published XL checkpoints."""

    latent: int = 512  # channels of a token
    text: int = 512  # channels of a text embedding
    words: int = 0  # channels of a caption's words, to which the tokens attend too; 0: to none, as published
    width: int = 1024  # of the transformer
    layers: int = 1
    heads: int = 16
    mlp_width: int = 4096
    head_width: int = 1792  # of the diffusion head
    head_blocks: int = 16
    flow: Literal["sit", "ddpm"] = "sit"  # what the head predicts: velocity or noise


def sinusoidal_positions(count: int, width: int) -> Tensor:
    """Position embeddings (count, 1, w): sine on even channels, cosine on odd ones, base 10000."""
    # On the CPU also where a network is built without storage: arange on the device "meta" costs seconds of imports.
    positions = torch.arange(count, dtype=torch.float32, device="cpu")[:, None]
    channels = torch.arange(0, width, 2, dtype=torch.float32, device="cpu")
    frequencies = torch.exp(channels * (-math.log(10000.0) / width))
    embedding = torch.zeros(count, width, device="cpu")
    embedding[:, 0::2] = torch.sin(positions * frequencies)
    embedding[:, 1::2] = torch.cos(positions * frequencies)
    return embedding[:, None]


class InputProcess(nn.Module):
    """Latents to the transformer's width."""

    def __init__(self, sizes: MardmSizes) -> None:
        super().__init__()
        self.poseEmbedding = nn.Linear(sizes.latent, sizes.width)


class PositionEncoding(nn.Module):
    """Holds the sinusoidal positions as the buffer that is in the published checkpoints."""

    pe: Tensor  # (5000, 1, w)

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("pe", sinusoidal_positions(MAX_TOKENS, width))


class Attention(nn.Module):
    """Multi-head self-attention over the tokens of a pose."""

    def __init__(self, sizes: MardmSizes) -> None:
        super().__init__()
        self.heads = sizes.heads
        self.key = nn.Linear(sizes.width, sizes.width)
        self.query = nn.Linear(sizes.width, sizes.width)
        self.value = nn.Linear(sizes.width, sizes.width)
        self.proj = nn.Linear(sizes.width, sizes.width)

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        query, key, value = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (b, heads, t, w / heads)
            for layer in (self.query, self.key, self.value)
        )
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=~padding[:, None, None, :])
        out: Tensor = self.proj(attended.transpose(1, 2).flatten(2))
        return out  # (b, t, w)


@dataclass(frozen=True)
class WordKeys:
    """What a block's tokens attend to: keys and values (b, heads, w, width / heads), present (b, w) False where padded.

    Zeros as values are the unconditional case: nothing is added to the tokens. So it is for poses beyond the first b.
    """

    keys: Tensor
    values: Tensor
    present: Tensor

    def __len__(self) -> int:
        return len(self.present)

    def of(self, rows: Tensor) -> "WordKeys":
        """Those of some poses, by their indices."""
        return WordKeys(self.keys[rows], self.values[rows], self.present[rows])

    def kept(self, kept: Tensor) -> "WordKeys":
        """Without a caption where `kept` (b,) is False."""
        return WordKeys(self.keys, self.values * kept[:, None, None, None], self.present)


class WordAttention(nn.Module):
    """Attention of the tokens to a caption's words; it adds nothing before it is trained."""

    def __init__(self, sizes: MardmSizes) -> None:
        super().__init__()
        self.heads = sizes.heads
        self.norm = nn.LayerNorm(sizes.width, elementwise_affine=False, eps=LAYER_NORM_EPS)
        self.query = nn.Linear(sizes.width, sizes.width)
        self.key = nn.Linear(sizes.words, sizes.width)
        self.value = nn.Linear(sizes.words, sizes.width, bias=False)
        self.proj = nn.Linear(sizes.width, sizes.width, bias=False)

    def word_keys(self, words: Tensor, present: Tensor) -> WordKeys:
        """Of words (b, w, words), present (b, w) False where padded; there keys and values are zeros."""
        places = present.flatten().nonzero()[:, 0]  # padding costs as much as words
        read = words.flatten(0, 1).index_select(0, places)
        keys, values = (
            words.new_zeros(present.numel(), layer.out_features)
            .index_copy(0, places, layer(read))
            .view(*present.shape, self.heads, -1)
            .transpose(1, 2)
            for layer in (self.key, self.value)
        )
        return WordKeys(keys, values, present)

    def forward(self, x: Tensor, words: WordKeys) -> Tensor:
        query = self.query(self.norm(x)).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        mask = words.present[:, None, None, :]
        attended = F.scaled_dot_product_attention(query, words.keys, words.values, attn_mask=mask)
        out: Tensor = self.proj(attended.transpose(1, 2).flatten(2))
        return out  # (b, t, w)


class FeedForward(nn.Module):
    """The block's network on single tokens."""

    def __init__(self, sizes: MardmSizes) -> None:
        super().__init__()
        self.fc1 = nn.Linear(sizes.width, sizes.mlp_width)
        self.fc2 = nn.Linear(sizes.mlp_width, sizes.width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(F.gelu(self.fc1(x), approximate="tanh"))
        return out  # (b, t, w)


class TransformerBlock(nn.Module):
    """A DiT block: the condition alone gives shift, scale and gate of attention and feed-forward network.

    With `sizes.words` the tokens also attend to the caption's words, between the two.
    """

    def __init__(self, sizes: MardmSizes) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(sizes.width, elementwise_affine=False, eps=LAYER_NORM_EPS)
        self.attn = Attention(sizes)
        self.norm2 = nn.LayerNorm(sizes.width, elementwise_affine=False, eps=LAYER_NORM_EPS)
        self.words = WordAttention(sizes) if sizes.words else None
        self.mlp = FeedForward(sizes)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(sizes.width, 6 * sizes.width))

    def forward(self, x: Tensor, modulation: Tensor, padding: Tensor, words: WordKeys | None = None) -> Tensor:
        shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = modulation.chunk(6, dim=-1)  # (b, 1, w) each
        x = torch.addcmul(x, gate, self.attn(modulate(self.norm1(x), shift, scale), padding))
        if self.words is not None and words is not None:
            x = torch.cat([x[: len(words)] + self.words(x[: len(words)], words), x[len(words) :]])
        x = torch.addcmul(x, mlp_gate, self.mlp(modulate(self.norm2(x), mlp_shift, mlp_scale)))
        return x  # (b, t, w)


class MaskedTransformer(nn.Module):
    """Tokens, some of them masked, and a text embedding to one z a token; the head makes tokens of z."""

    def __init__(self, sizes: MardmSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.mask_latent = nn.Parameter(torch.empty(1, 1, sizes.latent))
        self.input_process = InputProcess(sizes)
        self.position_enc = PositionEncoding(sizes.width)
        self.MARTransformer = nn.ModuleList(TransformerBlock(sizes) for _ in range(sizes.layers))
        self.cond_emb = nn.Linear(sizes.text, sizes.width)
        head = DiffusionHead(sizes.latent, sizes.width, sizes.head_width, sizes.head_blocks)
        self.DiffMLPs = nn.ModuleDict({"net": head})
        if not self.mask_latent.is_meta:  # else the weights come from a checkpoint
            initialise_linears(self)
            for block in self.MARTransformer:
                if isinstance(block.words, WordAttention):
                    nn.init.zeros_(block.words.proj.weight)
            nn.init.normal_(self.mask_latent, std=0.02)
            head.initialise()

    @property
    def head(self) -> DiffusionHead:
        """The diffusion head."""
        head = self.DiffMLPs["net"]
        assert isinstance(head, DiffusionHead)
        return head

    def forward(self, latents: Tensor, condition: Tensor, padding: Tensor, words: Sequence[WordKeys] = ()) -> Tensor:
        """Latents (b, t, d), text embeddings (b, text) and padding (b, t; True = padded) to z (b, t, w).

        Masked tokens hold `mask_latent` already. A text embedding of zeros is the unconditional case. `words` are those
        of `word_keys`, where the network attends to them. The result has the precision of the weights.
        """
        return self.apply_blocks(latents, self.modulations(condition), padding, words)

    def word_keys(self, words: Tensor, present: Tensor) -> list[WordKeys]:
        """What each block attends to of words (b, w, words), present (b, w) False where padded.

        Empty where the network does not attend to words.
        """
        words = words.to(self.mask_latent.dtype)
        attentions = [block.words for block in self.MARTransformer if isinstance(block, TransformerBlock)]
        return [attention.word_keys(words, present) for attention in attentions if attention is not None]

    def modulations(self, condition: Tensor) -> list[Tensor]:
        """Modulations (b, 1, 6 w) of each block by text embeddings (b, text), the same for all tokens and steps."""
        condition = self.cond_emb(condition.to(self.mask_latent.dtype))
        return [block.get_submodule("adaLN_modulation")(condition)[:, None] for block in self.MARTransformer]

    def apply_blocks(
        self,
        latents: Tensor,
        modulations: Sequence[Tensor],
        padding: Tensor,
        words: Sequence[WordKeys] = (),
    ) -> Tensor:
        """`forward` with the modulations of the text embeddings already computed."""
        embedded = self.input_process.poseEmbedding(latents.to(self.mask_latent.dtype))
        x: Tensor = embedded + self.position_enc.pe[: latents.shape[1], 0]
        for number, (block, modulation) in enumerate(zip(self.MARTransformer, modulations, strict=True)):
            x = block(x, modulation, padding, words[number] if words else None)
        return x

    def training_loss(
        self,
        latents: Tensor,
        token_counts: Tensor,
        condition: Tensor,
        generator: torch.Generator,
        all_masked_share: float = 0.0,
        repeats: int = _REPEATS,
        words: Sequence[WordKeys] = (),
    ) -> Tensor:
        """The head's loss, a scalar, on a random share of the tokens of latents (b, t, d), lengths (b,).

        A pose's share of masked tokens is cos(u * pi / 2) with u uniform, at least one token. Of the masked,
        10 % hold random latents, of the rest 88 % the mask latent, the others their own. The condition
        (b, text) is dropped for 10 % of the poses. The generator lives on the latents' device.

        That is the published step, but for `all_masked_share` of the poses, of which every token is masked and none
        holds its own latent, and the `repeats` of each masked token with other noise.
        """

        def uniform(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator, device=latents.device, dtype=latents.dtype)

        batch, tokens, _ = latents.shape
        padding = torch.arange(tokens, device=latents.device) >= token_counts[:, None]
        masked_counts = (torch.cos(uniform(batch) * math.pi / 2) * token_counts).round().clamp(min=1)
        fully_masked = (uniform(batch) < all_masked_share)[:, None]
        masked_counts = torch.where(fully_masked[:, 0], token_counts, masked_counts)
        ranks = uniform(batch, tokens).masked_fill(padding, torch.inf).argsort(dim=1).argsort(dim=1)
        masked = ranks < masked_counts[:, None]

        random_latents = torch.randn(latents.shape, generator=generator, device=latents.device, dtype=latents.dtype)
        randomised = masked & (uniform(batch, tokens) < _RANDOM_LATENT_SHARE)
        replaced = masked & ~randomised & (fully_masked | (uniform(batch, tokens) < _MASK_LATENT_SHARE))
        visible = torch.where(randomised[..., None], random_latents, latents)
        visible = torch.where(replaced[..., None], self.mask_latent, visible).masked_fill(padding[..., None], 0)
        kept = uniform(batch, 1) >= _CONDITION_DROP_SHARE
        z = self(visible, condition * kept, padding, [each.kept(kept[:, 0]) for each in words])
        loss = velocity_loss if self.sizes.flow == "sit" else noise_prediction_loss
        masked_latents, masked_z = latents[masked], z[masked]  # (n, d), (n, w)
        return loss(self.head, masked_latents.repeat(repeats, 1), masked_z.repeat(repeats, 1), generator)
