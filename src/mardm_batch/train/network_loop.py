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
from mardm_batch.model.words import WordEncoder, build_vocabulary
from mardm_batch.pose.sides import names_side, swap_sides
from mardm_batch.pose.skeleton import BONE_LENGTHS, MIRROR_INDEX, NUM_JOINTS, PARENTS
from mardm_batch.train.autoencoder_loop import WINDOW_FRAMES, WINDOW_SHARES, encode_windows, local_joints
from mardm_batch.train.data import Motions
from mardm_batch.train.settings import SizeSettings

_ALL_MASKED_SHARE: Final = 0.7
"""Poses of which every token is masked, as when sampling begins. A still pose's single token gives it away, and with
one in sight nothing is learnt of the caption."""
_REPEATS: Final = 2
"""Times that a masked token goes through the head: more captions in the same time teach more than more noise."""
_GUESS_WEIGHT: Final = 1.0
_FLOW_SHARE: Final = 0.375
"""Of a batch, what goes through transformer and head too. What captions mean is learnt last, and guessing tells the
words the most of it for the time it takes."""


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


def build_model(sizes: SizeSettings, motions: Motions, started: LoadedModel | None) -> TextToLatents:
    """The networks, untrained or with the weights of those `started` from.

    The vocabulary are the words that these know, then those of the clips' captions, the most frequent first. Raises
    InputError where `started` has other sizes.
    """
    known = () if started is None else words_of(started).vocabulary
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
            width=sizes.width,
            layers=sizes.layers,
            heads=sizes.heads,
            mlp_width=sizes.mlp_width,
            head_width=sizes.head_width,
            head_blocks=sizes.head_blocks,
        )
    )
    model = TextToLatents(network, words)
    if started is not None:
        start_from(model, started)
    return model


@torch.no_grad()
def start_from(model: TextToLatents, started: LoadedModel) -> None:
    """Give the model the weights of a trained one, whose words are the first that it knows.

    Raises InputError where they are of other sizes.
    """
    weights = words_of(started).state_dict()
    rows = model.words.words.weight.detach().clone()
    count = min(len(rows), len(weights["words.weight"]))
    try:
        rows[:count] = weights["words.weight"][:count]
        model.network.load_state_dict(started.network.state_dict())
        model.words.load_state_dict({**weights, "words.weight": rows})
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(f"start: its weights are not of these sizes ({reason}); use the sizes it has") from None


def words_of(model: LoadedModel) -> WordEncoder:
    """The embedded model's text encoder."""
    assert isinstance(model.text_encoder, WordEncoder)
    return model.text_encoder


@dataclass(frozen=True)
class TokenizedCaptions:
    """All captions as token numbers (captions, w), and with left and right exchanged; clip n has those from first[n]
    to first[n + 1].

    `open` (captions,) is 0 or 1 for a caption that names no side, whether it goes with its clip or with the mirror
    image, and -1 for one that goes with either.
    """

    tokens: Tensor
    swapped: Tensor
    open: Tensor
    first: Tensor

    @staticmethod
    def of(motions: Motions, words: WordEncoder) -> "TokenizedCaptions":
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
        """One caption's tokens for each of the clips `rows` and then for each again, (2 b, w), cut to the longest, and
        which of its images each is read with (2 b,): 0 the clip, 1 its mirror image.

        A caption that names a side comes twice, the second time with the other side and the mirror image. Where the
        first names none the second is drawn by itself.
        """
        chosen, other = self._draw_one(rows, generator), self._draw_one(rows, generator)
        other = torch.where(self.open[chosen] < 0, chosen, other)
        tokens = torch.cat([self.tokens[chosen], self.swapped[other]]).long()
        images = torch.cat([self.open[chosen].clamp(min=0), self.open[other].abs()])
        return tokens[:, : int((tokens > 0).sum(dim=1).max())], images

    def _draw_one(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        counts = self.first[rows + 1] - self.first[rows]
        return self.first[rows] + (torch.rand(len(rows), generator=generator) * counts).long()


def mirrored(features: Tensor) -> Tensor:
    """The mirror images of features (n, t, f), not normalised, on the same skeleton: left and right exchanged."""
    flipped = local_joints(features)[..., list(MIRROR_INDEX), :] * features.new_tensor([-1.0, 1.0, 1.0])
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
        tokens, images = self.captions.draw(rows, generator)
        window = int(torch.multinomial(WINDOW_SHARES, 1, generator=generator))
        latents = self.latents[window][images, rows.repeat(2)]  # (2 b, t, d)
        condition = self.model.words.forward_by_length(tokens)
        counts = torch.full((len(latents),), latents.shape[1])
        guess = functional.mse_loss(self.model.guess(condition), latents.mean(dim=1))
        some = torch.arange(max(1, round(_FLOW_SHARE * len(rows)))).repeat(2)
        some[len(some) // 2 :] += len(rows)  # both images of the same clips
        flow = self.model.network.training_loss(
            latents[some], counts[some], condition[some], generator, _ALL_MASKED_SHARE, _REPEATS
        )
        return {"loss": flow + _GUESS_WEIGHT * guess, "flow": flow, "guess": guess}
