"""The evaluator of HumanML3D: networks that embed clips and captions so that those that belong together are near.

Axes: b clips or captions, t frames, f features, m movements of four frames, w words, d channels.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from mardm_batch.constants import FRAMES_PER_TOKEN
from mardm_batch.errors import InputError, first_line
from mardm_batch.evaluate.humanml3d.recordings import LONGEST_CLIP
from mardm_batch.evaluate.humanml3d.words import CLASSES, WordVectors
from mardm_batch.model.weights import check_names_and_shapes, fill, load_deviation, load_statistic, read_archived
from mardm_batch.pose.features import FEATURE_SIZE
from mardm_batch.pose.humanml3d import CONTACT_FEATURES, HUMANML3D_FEATURE_SIZE

_SLOPE, _DROPOUT = 0.2, 0.2
_KEYS: Final = ("movement_encoder", "motion_encoder", "text_encoder")
_FEATURES: Final = {HUMANML3D_FEATURE_SIZE - CONTACT_FEATURES: HUMANML3D_FEATURE_SIZE, FEATURE_SIZE: FEATURE_SIZE}
"""Of a frame: those that the networks take, and those of the statistics."""
_STATISTICS: Final = (
    "mean.npy", "std.npy", "Mean.npy", "Std.npy", "eval_mean.npy", "eval_std.npy",
)  # fmt: skip
"""Pairs of names that published folders have."""


class MovementEncoder(nn.Module):
    """Clips to movements, of four frames each; contacts of the feet, the last features of 263, are left out."""

    def __init__(self, features: int, width: int, movement: int) -> None:
        super().__init__()
        self.features = features
        self.main = nn.Sequential(
            nn.Conv1d(features, width, 4, 2, 1),
            nn.Dropout(_DROPOUT),
            nn.LeakyReLU(_SLOPE),
            nn.Conv1d(width, movement, 4, 2, 1),
            nn.Dropout(_DROPOUT),
            nn.LeakyReLU(_SLOPE),
        )
        self.out_net = nn.Linear(movement, movement)

    def forward(self, clips: Tensor) -> Tensor:
        """(b, t, f) → (b, m, d)."""
        movements: Tensor = self.out_net(self.main(clips.transpose(1, 2)).transpose(1, 2))
        return movements


class SequenceEncoder(nn.Module):
    """Sequences of vectors to one embedding each: a GRU in both directions, of which the last states count."""

    def __init__(self, size: int, width: int, embedding: int) -> None:
        super().__init__()
        self.input_emb = nn.Linear(size, width)
        self.gru = nn.GRU(width, width, batch_first=True, bidirectional=True)
        self.output_net = nn.Sequential(
            nn.Linear(2 * width, width), nn.LayerNorm(width), nn.LeakyReLU(_SLOPE), nn.Linear(width, embedding)
        )
        self.hidden = nn.Parameter(torch.zeros(2, 1, width))

    def forward(self, vectors: Tensor, lengths: Sequence[int]) -> Tensor:
        """(b, length, d), of which the rest is ignored → (b, d)."""
        packed = pack_padded_sequence(
            self.input_emb(vectors), torch.tensor(lengths), batch_first=True, enforce_sorted=False
        )
        _, last = self.gru(packed, self.hidden.repeat(1, len(vectors), 1))  # (2, b, d)
        embeddings: Tensor = self.output_net(torch.cat([last[0], last[1]], dim=-1))
        return embeddings


class TextEncoder(SequenceEncoder):
    """Captions by the vectors and classes of their words."""

    def __init__(self, vector: int, width: int, embedding: int) -> None:
        super().__init__(vector, width, embedding)
        self.vector = vector
        self.pos_emb = nn.Linear(len(CLASSES), vector)

    def embed(self, vectors: Tensor, classes: Tensor, lengths: Sequence[int]) -> Tensor:
        """Vectors (b, w, vector) and classes (b, w, 15) → (b, d)."""
        embeddings: Tensor = self(vectors + self.pos_emb(classes), lengths)
        return embeddings


def exact_products() -> AbstractContextManager[None]:
    """In which cuDNN does not round to 10 bits (TF32)."""
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


@dataclass(frozen=True)
class Evaluator:
    """The networks in evaluation mode on one device, with the statistics of the features."""

    movements: MovementEncoder
    clips: SequenceEncoder
    texts: TextEncoder
    words: WordVectors
    mean: Tensor  # (f,)
    std: Tensor  # (f,)

    @property
    def features(self) -> int:
        """Of those of a frame, how many it was made for: HumanML3D's 263, or the first 67, as MARDM's is."""
        return len(self.mean)

    @torch.inference_mode()
    def embed_clips(self, clips: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Features (t, 263 or 67) of clips, not normalised, whose lengths are multiples of 4 → (b, d).

        As published, a clip is followed by zeros up to the longest length, which the convolutions see.
        """
        padded = torch.zeros(len(clips), LONGEST_CLIP, self.features)
        for row, clip in enumerate(clips):
            padded[row, : len(clip)] = (torch.from_numpy(clip[:, : self.features]) - self.mean.cpu()) / self.std.cpu()
        with exact_products():
            movements = self.movements(padded[..., : self.movements.features].to(self.mean.device))
            embeddings = self.clips(movements, [len(clip) // FRAMES_PER_TOKEN for clip in clips])
        return np.asarray(embeddings.cpu())

    @torch.inference_mode()
    def embed_captions(self, captions: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """Words with their parts of speech, of each caption → (b, d)."""
        read = [self.words.read(tokens) for tokens in captions]
        vectors, classes = (
            torch.from_numpy(np.stack([each[place] for each in read])).to(self.mean.device) for place in (0, 1)
        )
        with exact_products():
            embeddings = self.texts.embed(vectors, classes, [length for _, _, length in read])
        return np.asarray(embeddings.cpu())


def load_evaluator(folder: Path, statistics: Path | None, words: WordVectors, device: str) -> Evaluator:
    """The evaluator of a folder in the published layout, `text_mot_match/model/finest.tar`.

    Args:
        statistics: the folder of `mean.npy` and `std.npy` of the features; None: `Comp_v6_KLD01/meta` or
            `Comp_v6_KLD005/meta` of the first folder.

    Raises:
        InputError: a file is missing, broken or of another size.
    """
    archive = folder / "text_mot_match" / "model" / "finest.tar"
    if not archive.is_file():
        raise InputError(
            f"{archive} does not exist; --evaluator names the folder of the published evaluator, as checkpoints/t2m"
        )
    weights = read_archived(archive, *_KEYS)
    modules = _of_sizes(archive, *weights)
    for module, tensors in zip(modules, weights, strict=True):
        check_names_and_shapes(tensors, module, archive)
        fill(module, tensors, device)
    movements, clips, texts = modules
    for each in (clips, texts):
        each.gru.flatten_parameters()  # on a GPU its weights must lie in one piece
    vector = words.vectors.shape[1]
    if texts.vector != vector:
        raise InputError(f"{archive}: it takes word vectors of {texts.vector} numbers, those of --glove have {vector}")
    mean, std = load_statistics(folder, statistics, _FEATURES[movements.features])
    return Evaluator(movements, clips, texts, words, mean.to(device), std.to(device))


def _of_sizes(
    archive: Path, movements: Mapping[str, Tensor], clips: Mapping[str, Tensor], texts: Mapping[str, Tensor]
) -> tuple[MovementEncoder, SequenceEncoder, TextEncoder]:
    """Networks of the sizes of these weights, without storage."""
    try:
        width, features, _ = movements["main.0.weight"].shape
        movement = len(movements["out_net.weight"])
        sequences = [
            (*reversed(each["input_emb.weight"].shape), len(each["output_net.3.weight"])) for each in (clips, texts)
        ]
        with torch.device("meta"):
            modules = (
                MovementEncoder(features, width, movement),
                SequenceEncoder(*sequences[0]),
                TextEncoder(*sequences[1]),
            )
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{archive}: not the evaluator of HumanML3D ({first_line(error)})") from None
    if features not in _FEATURES:
        seen, whole = _FEATURES
        raise InputError(
            f"{archive}: its networks take {features} numbers a frame; those of HumanML3D's evaluator take {seen}, of "
            f"MARDM's {whole}"
        )
    return modules


def load_statistics(folder: Path, statistics: Path | None, size: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (size,) of the features; see `load_evaluator`."""
    folders = [folder / name / "meta" for name in ("Comp_v6_KLD01", "Comp_v6_KLD005")]
    for each in folders if statistics is None else [statistics]:
        for mean, std in zip(_STATISTICS[::2], _STATISTICS[1::2], strict=True):
            if (each / mean).is_file():
                longer = {} if size == HUMANML3D_FEATURE_SIZE else {HUMANML3D_FEATURE_SIZE: "HumanML3D's"}
                return load_statistic(each / mean, size, longer), load_deviation(each / std, size, longer)
    searched = " or ".join(map(str, folders if statistics is None else [statistics]))
    raise InputError(
        f"no mean.npy and std.npy in {searched}; --evaluator-stats names the folder of those with which the evaluator "
        "was trained"
    )
