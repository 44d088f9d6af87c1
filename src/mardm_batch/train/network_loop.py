"""Losses of the masked transformer, its flow head and the word encoder, which are trained together.

They are trained on the latents of a trained autoencoder. Axes: b batch, t tokens, d latent channels, w words.
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
from mardm_batch.model.words import WordEncoder, build_vocabulary
from mardm_batch.pose.sides import names_side, swap_sides
from mardm_batch.pose.skeleton import BONE_LENGTHS, MIRROR_INDEX, NUM_JOINTS, PARENTS
from mardm_batch.train.autoencoder_loop import WINDOW_FRAMES, WINDOW_SHARES, encode_windows, local_joints
from mardm_batch.train.data import Motions
from mardm_batch.train.settings import SizeSettings

_ALL_MASKED_SHARE: Final = 0.7
"""Share of clips with all tokens masked, as at the start of sampling. A single token shows a held pose, so a clip with
a visible token teaches little about its caption."""
_REPEATS: Final = 2
"""Noise levels drawn for each masked token: few, as more captions in the same time are better than more noise."""
_GUESS_WEIGHT: Final = 1.0
_FLOW_SHARE: Final = 0.375
"""Share of a batch that also goes through transformer and head. The meaning of captions is learnt last, and for the
time that it takes the guess teaches the word encoder most."""


class TextToLatents(nn.Module):
    """The word encoder and the transformer as one module.

    `guess` predicts the mean token of a clip from its caption's embedding alone, `guess_of_z` its tokens from the
    transformer's output where all of them are masked. They are used in training only, where their errors are a less
    noisy signal for the word encoder and for the attention to words than the flow loss.
    """

    def __init__(self, network: MaskedTransformer, words: WordEncoder) -> None:
        super().__init__()
        self.network = network
        self.words = words
        self.guess = nn.Sequential(
            nn.SiLU(), nn.Linear(words.size, 512), nn.GELU(), nn.Linear(512, network.sizes.latent)
        )
        self.guess_of_z = nn.Sequential(
            nn.Linear(network.sizes.width, 512), nn.GELU(), nn.Linear(512, network.sizes.latent)
        )


def build_model(sizes: SizeSettings, motions: Motions, start_model: LoadedModel | None) -> TextToLatents:
    """The networks, untrained or with the weights of `start_model`.

    The vocabulary is that of `start_model`, followed by the words of the clips' captions, the most frequent first.
    Raises InputError where `start_model` has other sizes.
    """
    known = () if start_model is None else word_encoder_of(start_model).vocabulary
    captions = (caption for captions in motions.captions for caption in captions)
    vocabulary = dict.fromkeys([*known, *build_vocabulary(captions, sizes.vocabulary)])
    words = WordEncoder(
        tuple(vocabulary)[: sizes.vocabulary],
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
            words=sizes.words_width,
            width=sizes.width,
            layers=sizes.layers,
            heads=sizes.heads,
            mlp_width=sizes.mlp_width,
            head_width=sizes.head_width,
            head_blocks=sizes.head_blocks,
        )
    )
    model = TextToLatents(network, words)
    if start_model is not None:
        load_weights(model, start_model)
    return model


@torch.no_grad()
def load_weights(model: TextToLatents, start_model: LoadedModel) -> None:
    """Copy the weights of a trained model, with whose vocabulary the new one starts.

    Raises InputError where the sizes differ.
    """
    weights = word_encoder_of(start_model).state_dict()
    rows = model.words.words.weight.detach().clone()
    count = min(len(rows), len(weights["words.weight"]))
    try:
        rows[:count] = weights["words.weight"][:count]
        model.network.load_state_dict(start_model.network.state_dict())
        model.words.load_state_dict({**weights, "words.weight": rows})
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(f"start: weights of other sizes ({reason}); set sizes.* to those of that training") from None


def word_encoder_of(model: LoadedModel) -> WordEncoder:
    """The embedded model's text encoder."""
    assert isinstance(model.text_encoder, WordEncoder)
    return model.text_encoder


@dataclass(frozen=True)
class TokenizedCaptions:
    """All captions of a training as tokens.

    Attributes:
        tokens: (captions, w).
        swapped: (captions, w), tokens of the captions with left and right exchanged.
        open: (captions,), 0 for a caption without a side that goes with its clip, 1 for one that goes with the mirror
            image, -1 for a caption that names a side.
        first: (clips + 1,), index of each clip's first caption.
    """

    tokens: Tensor
    swapped: Tensor
    open: Tensor
    first: Tensor

    @staticmethod
    def of(motions: Motions, words: WordEncoder) -> "TokenizedCaptions":
        """The captions of all clips."""
        counts = [len(captions) for captions in motions.captions]
        unique: dict[str, int] = {}
        numbers = [unique.setdefault(text, len(unique)) for captions in motions.captions for text in captions]
        tokens, swapped = (
            words.tokenize(texts).short()[numbers] for texts in (list(unique), [swap_sides(text) for text in unique])
        )
        sided = torch.tensor([names_side(text) for text in unique])[numbers]
        mirrored = torch.tensor([int(side < 0) for sides in motions.sides for side in sides])
        first = torch.from_numpy(np.concatenate([[0], np.cumsum(counts)]))
        return TokenizedCaptions(tokens, swapped, mirrored.masked_fill(sided, -1), first)

    def draw(self, rows: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Two random captions for each of the clips `rows` (b,), with the image that they describe.

        If the first caption names a side, the second is the same caption with the other side, for the other image;
        otherwise the second is drawn independently.

        Returns:
            Tokens (2 b, w), cut to the longest caption: the first captions, then the second ones; and images (2 b,):
            0 for the clip, 1 for its mirror image.
        """
        chosen, other = self._draw_one(rows, generator), self._draw_one(rows, generator)
        other = torch.where(self.open[chosen] < 0, chosen, other)
        tokens = torch.cat([self.tokens[chosen], self.swapped[other]]).long()
        images = torch.cat([self.open[chosen].clamp(min=0), self.open[other].abs()])
        return tokens[:, : int((tokens > 0).sum(dim=1).max())], images

    def _draw_one(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        counts = self.first[rows + 1] - self.first[rows]
        return self.first[rows] + (torch.rand(len(rows), generator=generator) * counts).long()


def mirror_features(features: Tensor) -> Tensor:
    """Features (n, t, f), not normalised, of the mirror images of clips, on the same skeleton."""
    flipped = local_joints(features)[..., list(MIRROR_INDEX), :] * features.new_tensor([-1.0, 1.0, 1.0])
    joints = [flipped[..., 0, :]]
    for joint in range(1, NUM_JOINTS):  # the skeleton's sides differ by millimetres
        bone = flipped[..., joint, :] - flipped[..., PARENTS[joint], :]
        joints.append(joints[PARENTS[joint]] + BONE_LENGTHS[joint] * functional.normalize(bone, dim=-1))
    root = features[..., :4] * features.new_tensor([-1.0, -1.0, 1.0, 1.0])
    return torch.cat([root, torch.stack(joints[1:], dim=-2).flatten(-2)], dim=-1)


class NetworkLosses:
    """The losses on random clips with random captions.

    Half of a batch are mirror images of the other half, so that clips with left and right in their captions meet their
    counterparts: the difference is hard to learn where clips differ in many other ways as well.
    """

    def __init__(self, model: TextToLatents, autoencoder: Autoencoder, motions: Motions, batch_size: int) -> None:
        self.model = model
        self.motions = motions
        self.batch_size = batch_size
        images = (motions, replace(motions, features=mirror_features(motions.features)))
        self.latents = [
            torch.stack([encode_windows(autoencoder, each, frames) for each in images]) for frames in WINDOW_FRAMES
        ]  # (2, clips, t, d)
        self.captions = TokenizedCaptions.of(motions, model.words)

    def __call__(self, generator: torch.Generator) -> dict[str, Tensor]:
        rows = self.motions.draw((self.batch_size + 1) // 2, generator)
        tokens, images = self.captions.draw(rows, generator)
        window = int(torch.multinomial(WINDOW_SHARES, 1, generator=generator))
        latents = self.latents[window][images, rows.repeat(2)]  # (2 b, t, d)
        read, network = self.model.words.forward_by_length(tokens), self.model.network
        condition, words = read.vectors, network.word_keys(read.words, read.present)
        counts = torch.full((len(latents),), latents.shape[1])
        guess = functional.mse_loss(self.model.guess(condition), latents.mean(dim=1))
        masked = network.mask_latent.expand_as(latents)
        z = network(masked, condition, torch.zeros(masked.shape[:2], dtype=torch.bool), words)
        guess_of_z = functional.mse_loss(self.model.guess_of_z(z), latents)
        subset = torch.arange(max(1, round(_FLOW_SHARE * len(rows)))).repeat(2)
        subset[len(subset) // 2 :] += len(rows)  # both images of the same clips
        flow = network.training_loss(
            latents[subset],
            counts[subset],
            condition[subset],
            generator,
            _ALL_MASKED_SHARE,
            _REPEATS,
            [each.of(subset) for each in words],
        )
        loss = flow + _GUESS_WEIGHT * (guess + guess_of_z)
        return {"loss": loss, "flow": flow, "guess": guess, "guess_of_z": guess_of_z}
