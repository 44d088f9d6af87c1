"""Train the masked transformer, its diffusion head and the word encoder together, on the latents of a trained
autoencoder. Axes: b batch, t tokens, d latent channels, w words.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mardm_batch.errors import InputError
from mardm_batch.model.autoencoder import Autoencoder
from mardm_batch.model.checkpoint import LoadedModel
from mardm_batch.model.transformer import MardmSizes, MaskedTransformer
from mardm_batch.model.words import SPECIAL_TOKENS, WordEncoder, build_vocabulary
from mardm_batch.posecodes import swap_sides
from mardm_batch.skeleton import BONE_LENGTHS, MIRRORED, NUM_JOINTS, PARENTS
from mardm_batch.training.autoencoder_loop import WINDOW_FRAMES, WINDOW_SHARES, encode_windows, local_joints
from mardm_batch.training.data import Motions
from mardm_batch.training.settings import SizeSettings

_ALL_MASKED_SHARE: Final = 0.7
"""Poses of which every token is masked, as when sampling begins. A still pose's single token gives it away, and with
one in sight nothing is learnt of the caption."""
_REPEATS: Final = 2
"""Times that a masked token goes through the head: more captions in the same time teach more than more noise."""
_GUESS_WEIGHT: Final = 1.0


class TextToLatents(nn.Module):
    """What is trained here, as one module: captions' words to latents.

    `guess` says the mean token of the pose from its caption's vector alone. It is of use in training only, where its
    error tells the words sooner what they mean than the noisy loss of the flow does.
    """

    def __init__(self, network: MaskedTransformer, words: WordEncoder) -> None:
        super().__init__()
        self.network = network
        self.words = words
        self.guess = nn.Sequential(
            nn.SiLU(), nn.Linear(words.size, 512), nn.GELU(), nn.Linear(512, network.sizes.latent)
        )


def build_model(sizes: SizeSettings, motions: Motions) -> TextToLatents:
    """Untrained networks; the vocabulary is that of the clips' captions."""
    captions = (caption for captions in motions.captions for caption in captions)
    words = WordEncoder(
        build_vocabulary(captions, sizes.vocabulary),
        size=sizes.width,
        width=sizes.words_width,
        layers=sizes.words_layers,
        heads=sizes.words_heads,
        readers=sizes.words_readers,
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


@torch.no_grad()
def start_from(model: TextToLatents, started: LoadedModel) -> None:
    """Give the model the weights of a trained one; what stands for a word goes to the same word.

    Raises InputError where they are of other sizes.
    """
    words = started.text_encoder
    assert isinstance(words, WordEncoder)
    weights = words.state_dict()
    rows = model.words.words.weight.detach().clone()
    known = words.token_numbers
    for word, token in model.words.token_numbers.items():
        if word in known:
            rows[token] = weights["words.weight"][known[word]]
    rows[:SPECIAL_TOKENS] = weights["words.weight"][:SPECIAL_TOKENS]
    try:
        model.network.load_state_dict(started.network.state_dict())
        model.words.load_state_dict({**weights, "words.weight": rows})
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(f"start: its weights are not of these sizes ({reason}); use the sizes it has") from None


@dataclass(frozen=True)
class TokenizedCaptions:
    """All captions as token numbers (captions, w), and with left and right exchanged; clip n has those from first[n]
    to first[n + 1]."""

    tokens: Tensor
    swapped: Tensor
    first: Tensor

    @staticmethod
    def of(motions: Motions, words: WordEncoder) -> "TokenizedCaptions":
        counts = [len(captions) for captions in motions.captions]
        unique: dict[str, int] = {}
        numbers = [unique.setdefault(text, len(unique)) for captions in motions.captions for text in captions]
        tokens, swapped = (
            words.tokenize(texts).short()[numbers] for texts in (list(unique), [swap_sides(text) for text in unique])
        )
        return TokenizedCaptions(tokens, swapped, torch.from_numpy(np.concatenate([[0], np.cumsum(counts)])))

    def draw(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """One caption's tokens for each of the clips `rows` and then for each one's mirror image, (2 b, w), cut to the
        longest."""
        counts = self.first[rows + 1] - self.first[rows]
        chosen = self.first[rows] + (torch.rand(len(rows), generator=generator) * counts).long()
        tokens = torch.cat([self.tokens[chosen], self.swapped[chosen]]).long()
        return tokens[:, : int((tokens > 0).sum(dim=1).max())]


def mirrored(features: Tensor) -> Tensor:
    """The mirror images of features (n, t, f), not normalised, on the same skeleton: left and right exchanged."""
    flipped = local_joints(features)[..., list(MIRRORED), :] * features.new_tensor([-1.0, 1.0, 1.0])
    joints = [flipped[..., 0, :]]
    for joint in range(1, NUM_JOINTS):  # the two sides' bones differ by millimetres
        bone = flipped[..., joint, :] - flipped[..., PARENTS[joint], :]
        joints.append(joints[PARENTS[joint]] + BONE_LENGTHS[joint] * functional.normalize(bone, dim=-1))
    root = features[..., :4] * features.new_tensor([-1.0, -1.0, 1.0, 1.0])
    return torch.cat([root, torch.stack(joints[1:], dim=-2).flatten(-2)], dim=-1)


class NetworkLosses:
    """Draws latents with a caption each and measures the loss.

    Half of a batch are the mirror images of the other half: what tells them apart is that one caption says left where
    the other says right, which is hard to learn where it is only one difference among many.
    """

    def __init__(self, model: TextToLatents, autoencoder: Autoencoder, motions: Motions, batch_size: int) -> None:
        self.model = model
        self.motions = motions
        self.batch_size = batch_size
        both = (motions, replace(motions, features=mirrored(motions.features)))
        self.latents = [
            torch.stack([encode_windows(autoencoder, each, frames) for each in both]) for frames in WINDOW_FRAMES
        ]  # (2, clips, t, d)
        self.captions = TokenizedCaptions.of(motions, model.words)

    def __call__(self, generator: torch.Generator) -> dict[str, Tensor]:
        rows = self.motions.draw((self.batch_size + 1) // 2, generator)
        latents = self.latents[int(torch.multinomial(WINDOW_SHARES, 1, generator=generator))][:, rows].flatten(0, 1)
        condition = self.model.words.read(self.captions.draw(rows, generator))
        counts = torch.full((len(latents),), latents.shape[1])
        flow = self.model.network.training_loss(latents, counts, condition, generator, _ALL_MASKED_SHARE, _REPEATS)
        guess = functional.mse_loss(self.model.guess(condition), latents.mean(dim=1))
        return {"loss": flow + _GUESS_WEIGHT * guess, "flow": flow, "guess": guess}
