"""Train the masked transformer, its diffusion head and the word encoder together, on the latents of a trained
autoencoder. Axes: b batch, t tokens, d latent channels, w words.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mardm_batch.model.autoencoder import Autoencoder
from mardm_batch.model.transformer import MardmSizes, MaskedTransformer
from mardm_batch.model.words import WordEncoder, build_vocabulary
from mardm_batch.training.autoencoder_loop import WINDOW_FRAMES, WINDOW_SHARES, encode_windows
from mardm_batch.training.data import Motions
from mardm_batch.training.settings import SizeSettings


class TextToLatents(nn.Module):
    """What is trained here, as one module: captions' words to latents."""

    def __init__(self, network: MaskedTransformer, words: WordEncoder) -> None:
        super().__init__()
        self.network = network
        self.words = words


def build_model(sizes: SizeSettings, motions: Motions) -> TextToLatents:
    """Untrained networks; the vocabulary is that of the clips' captions."""
    captions = (caption for captions in motions.captions for caption in captions)
    words = WordEncoder(
        build_vocabulary(captions, sizes.vocabulary),
        size=sizes.width,
        width=sizes.words_width,
        layers=sizes.words_layers,
        heads=sizes.words_heads,
    )
    network = MaskedTransformer(
        MardmSizes(
            latent=sizes.latent,
            text=sizes.width,
            width=sizes.width,
            layers=sizes.layers,
            heads=sizes.heads,
            mlp_width=sizes.mlp_width,
            head_width=sizes.head_width,
            head_blocks=sizes.head_blocks,
        )
    )
    return TextToLatents(network, words)


@dataclass(frozen=True)
class TokenizedCaptions:
    """All captions as token numbers (captions, w); clip n has those from first[n] to first[n + 1]."""

    tokens: Tensor
    first: Tensor

    @staticmethod
    def of(motions: Motions, words: WordEncoder) -> "TokenizedCaptions":
        counts = [len(captions) for captions in motions.captions]
        unique: dict[str, int] = {}
        numbers = [unique.setdefault(text, len(unique)) for captions in motions.captions for text in captions]
        tokens = words.tokenize(list(unique)).short()
        first = torch.from_numpy(np.concatenate([[0], np.cumsum(counts)]))
        return TokenizedCaptions(tokens[numbers], first)

    def draw(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """One caption's tokens for each of the clips `rows`, (b, w), cut to the longest."""
        counts = self.first[rows + 1] - self.first[rows]
        chosen = (torch.rand(len(rows), generator=generator) * counts).long()
        tokens = self.tokens[self.first[rows] + chosen].long()
        return tokens[:, : int((tokens > 0).sum(dim=1).max())]


class NetworkLosses:
    """Draws latents with a caption each and measures the loss of the published training step."""

    def __init__(self, model: TextToLatents, autoencoder: Autoencoder, motions: Motions, batch_size: int) -> None:
        self.model = model
        self.motions = motions
        self.batch_size = batch_size
        self.latents = [encode_windows(autoencoder, motions, frames) for frames in WINDOW_FRAMES]
        self.captions = TokenizedCaptions.of(motions, model.words)

    def __call__(self, generator: torch.Generator) -> dict[str, Tensor]:
        rows = self.motions.draw(self.batch_size, generator)
        latents = self.latents[int(torch.multinomial(WINDOW_SHARES, 1, generator=generator))][rows]
        condition = self.model.words(self.captions.draw(rows, generator))
        counts = torch.full((len(rows),), latents.shape[1])
        loss = self.model.network.training_loss(latents, counts, condition, generator)
        return {"loss": loss}
