"""Weights on disk to MARDM's networks ready to sample: the published checkpoints, and the embedded model's one file."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor, nn

from mardm_batch.errors import InputError
from mardm_batch.model.archives import PublishedFiles
from mardm_batch.model.autoencoder import Autoencoder
from mardm_batch.model.embedded_file import file_hash, not_embedded
from mardm_batch.model.text import TextEncoder
from mardm_batch.model.transformer import MAX_TOKENS, MardmSizes, MaskedTransformer, sinusoidal_positions
from mardm_batch.model.weights import (
    check_finite,
    check_names_and_shapes,
    combined_hash,
    fill,
    load_deviation,
    load_part,
    load_statistic,
    read_safetensors,
    weights_hash,
)
from mardm_batch.model.words import WordEncoder
from mardm_batch.pose.features import FEATURE_SIZE
from mardm_batch.system.files import write_atomically

AUTOENCODER_KEY: Final = "ae"
"""Of the archives of autoencoders."""
AVERAGE_KEY, RAW_KEY = "ema_mardm", "mardm"
"""Of the networks' archives: the weights' moving average, which is published to be sampled, and the last step's."""
_POSITIONS: Final = "position_enc.pe"
_AUTOENCODER, _NETWORK, _WORDS = "autoencoder.", "network.", "words."
_LONGER_STATISTICS: Final = {263: "HumanML3D's, whose first 67 they are"}


@dataclass(frozen=True)
class LoadedModel:
    """Networks in evaluation mode, float32, on one device, with the text encoder and the features' statistics."""

    network: MaskedTransformer
    autoencoder: Autoencoder
    text_encoder: TextEncoder
    mean: Tensor  # (67,)
    std: Tensor  # (67,)
    weights_hash: str  # SHA-256, hexadecimal

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents (b, d, t) to features (b, 4 t, 67), un-normalised: metres and radians a frame."""
        # cuDNN's convolutions would round to 10 bits (TF32), which moves joints by millimetres.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            return self.autoencoder.decode(latents) * self.std + self.mean


def load_published(
    files: PublishedFiles,
    sizes: MardmSizes,
    autoencoder_width: int,
    text_encoder: TextEncoder,
    device: torch.device | str = "cpu",
    averaged: bool = True,
) -> LoadedModel:
    """The published networks, whose sizes must be those of the checkpoint.

    Args:
        averaged: the moving average of the network's weights, as published; else those of its last training step.

    Raises:
        OtherSizeError: the checkpoint is of another size.
        InputError: a file is broken or not finite.
    """
    mean = load_statistic(files.mean, FEATURE_SIZE, _LONGER_STATISTICS)
    std = load_deviation(files.std, FEATURE_SIZE, _LONGER_STATISTICS)
    with torch.device("meta"):
        autoencoder = Autoencoder(FEATURE_SIZE, autoencoder_width, sizes.latent)
        network = MaskedTransformer(sizes)
    autoencoder_weights, autoencoder_hash = load_part(files.autoencoder, AUTOENCODER_KEY, autoencoder)
    key = AVERAGE_KEY if averaged else RAW_KEY
    network_weights, network_hash = load_part(files.network, key, network, averaged)
    return LoadedModel(
        network=fill(network, network_weights, device),
        autoencoder=fill(autoencoder, autoencoder_weights, device),
        text_encoder=text_encoder,
        mean=mean.to(device),
        std=std.to(device),
        weights_hash=combined_hash(network_hash, autoencoder_hash, weights_hash({"mean": mean, "std": std})),
    )


def save_embedded(
    path: Path,
    autoencoder: Autoencoder,
    network: MaskedTransformer,
    words: WordEncoder,
    mean: Tensor,
    std: Tensor,
) -> None:
    """One safetensors file with all that `load_embedded` needs, float16 but for mean and std; written whole."""
    tensors = {
        prefix + name: tensor.detach().cpu().to(torch.float16).contiguous()
        for prefix, module in ((_AUTOENCODER, autoencoder), (_NETWORK, network), (_WORDS, words))
        for name, tensor in module.state_dict().items()
        if name != _POSITIONS  # a constant, computed when it is loaded
    }
    tensors |= {"mean": mean.detach().cpu().float(), "std": std.detach().cpu().float()}
    sizes = {
        "autoencoder": autoencoder.sizes,
        "network": asdict(network.sizes),
        "words": words.sizes,
    }
    metadata = {"sizes": json.dumps(sizes), "vocabulary": json.dumps(words.vocabulary)}
    write_atomically(path, save(tensors, metadata))


def load_embedded(path: Path, device: torch.device | str = "cpu") -> LoadedModel:
    """The model of a file that `save_embedded` wrote.

    Raises InputError where the file is not such.
    """
    try:
        weights, metadata = read_safetensors(path)
        sizes = json.loads(metadata["sizes"])
        with torch.device("meta"):
            autoencoder = Autoencoder(**sizes["autoencoder"])
            network = MaskedTransformer(MardmSizes(**sizes["network"]))
        words = WordEncoder(json.loads(metadata["vocabulary"]), **sizes["words"])
        mean, std = weights.pop("mean").float(), weights.pop("std").float()
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(not_embedded(path, error)) from error
    check_finite(weights, path)
    positions = {_NETWORK + _POSITIONS: sinusoidal_positions(MAX_TOKENS, network.sizes.width)}
    parts = nn.ModuleDict({"autoencoder": autoencoder, "network": network, "words": words})
    check_names_and_shapes(weights | positions, parts, path)
    fill(parts, weights | positions, device)
    return LoadedModel(
        network=network,
        autoencoder=autoencoder,
        text_encoder=words,
        mean=mean.to(device),
        std=std.to(device),
        weights_hash=file_hash(path),
    )
