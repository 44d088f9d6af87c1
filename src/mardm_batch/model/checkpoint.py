"""Weights on disk to networks ready to sample: the published checkpoints, and the embedded model's one file.

A published archive holds raw weights, their average and the optimizer (4.3 GB); what is needed of it is kept
beside it as a slim copy, after which the archive is not opened again.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save, save_file
from torch import Tensor, nn

from mardm_batch.errors import InputError, first_line
from mardm_batch.model.archives import PublishedFiles, slim_copy
from mardm_batch.model.autoencoder import Autoencoder
from mardm_batch.model.embedded_file import file_hash, not_embedded
from mardm_batch.model.text import TextEncoder
from mardm_batch.model.transformer import MAX_TOKENS, MardmSizes, MaskedTransformer, sinusoidal_positions
from mardm_batch.model.words import WordEncoder
from mardm_batch.pose.features import FEATURE_SIZE
from mardm_batch.system.files import replacing, write_atomically

_AUTOENCODER_KEY, _NETWORK_KEY = "ae", "ema_mardm"  # of the published archives
_POSITIONS: Final = "position_enc.pe"
_AUTOENCODER, _NETWORK, _WORDS = "autoencoder.", "network.", "words."


_OTHER_SIZE: Final = "the checkpoint is of another kind or size"

_log = logging.getLogger(__name__)
_Module = TypeVar("_Module", bound=nn.Module)


class OtherSizeError(InputError):
    """A checkpoint is of another kind or size than the networks that are to be filled."""


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


def weights_hash(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, shapes and bytes of the weights, sorted by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(f"{name} {list(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def load_published(
    files: PublishedFiles,
    sizes: MardmSizes,
    autoencoder_width: int,
    text_encoder: TextEncoder,
    device: torch.device | str = "cpu",
) -> LoadedModel:
    """The published networks, whose sizes must be those of the checkpoint.

    Raises InputError where a file is broken, of another size or not finite.
    """
    mean, std = _load_statistic(files.mean), _load_statistic(files.std)
    if not (std > 0).all():
        raise InputError(f"{files.std}: a standard deviation is not positive; get the published file again")
    with torch.device("meta"):
        autoencoder = Autoencoder(FEATURE_SIZE, autoencoder_width, sizes.latent)
        network = MaskedTransformer(sizes)
    autoencoder_weights, autoencoder_hash = _load_part(files.autoencoder, _AUTOENCODER_KEY, autoencoder)
    network_weights, network_hash = _load_part(files.network, _NETWORK_KEY, network)
    parts = [network_hash, autoencoder_hash, weights_hash({"mean": mean, "std": std})]
    return LoadedModel(
        network=_fill(network, network_weights, device),
        autoencoder=_fill(autoencoder, autoencoder_weights, device),
        text_encoder=text_encoder,
        mean=mean.to(device),
        std=std.to(device),
        weights_hash=hashlib.sha256("\n".join(parts).encode()).hexdigest(),
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
        weights, metadata = _read_safetensors(path)
        sizes = json.loads(metadata["sizes"])
        with torch.device("meta"):
            autoencoder = Autoencoder(**sizes["autoencoder"])
            network = MaskedTransformer(MardmSizes(**sizes["network"]))
        words = WordEncoder(json.loads(metadata["vocabulary"]), **sizes["words"])
        mean, std = weights.pop("mean").float(), weights.pop("std").float()
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(not_embedded(path, error)) from error
    _check_finite(weights, path)
    positions = {_NETWORK + _POSITIONS: sinusoidal_positions(MAX_TOKENS, network.sizes.width)}
    parts = nn.ModuleDict({"autoencoder": autoencoder, "network": network, "words": words})
    _check_names_and_shapes(weights | positions, parts, path)
    _fill(parts, weights | positions, device)
    return LoadedModel(
        network=network,
        autoencoder=autoencoder,
        text_encoder=words,
        mean=mean.to(device),
        std=std.to(device),
        weights_hash=file_hash(path),
    )


def _fill(module: _Module, weights: Mapping[str, Tensor], device: torch.device | str) -> _Module:
    """Give a module without storage its weights, for evaluation in float32."""
    placed = {name: tensor.to(device, torch.float32) for name, tensor in weights.items()}
    module.load_state_dict(placed, strict=True, assign=True)
    return module.eval().requires_grad_(False)


def _load_part(archive: Path, key: str, module: nn.Module) -> tuple[dict[str, Tensor], str]:
    """Weights that fit the module, and their hash: of the slim copy, which is made where it is not current."""
    slim = slim_copy(archive)
    source = _source(archive)
    if slim.is_file():
        try:
            weights, metadata = _read_safetensors(slim)
            if source is None or metadata["source"] == source:
                _check_names_and_shapes(weights, module, slim)
                return weights, metadata["weights_hash"]
        except (OSError, SafetensorError, KeyError) as error:
            if source is None:
                raise InputError(
                    f"{slim}: not a readable slim copy ({first_line(error)}), and {archive.name} is not "
                    "beside it; get that again"
                ) from error
    weights = _read_archive(archive, key)
    _check_names_and_shapes(weights, module, archive)
    digest = weights_hash(weights)
    _write_slim(slim, archive, weights, {"source": str(source), "weights_hash": digest})
    return weights, digest


def _source(archive: Path) -> str | None:
    """Size and time of an archive, which differ between its versions; None where the archive is gone."""
    try:
        status = archive.stat()
    except FileNotFoundError:
        return None
    return f"{status.st_size} bytes, mtime {status.st_mtime_ns} ns"


def _read_archive(archive: Path, key: str) -> dict[str, Tensor]:
    try:
        content: Any = torch.load(archive, map_location="cpu", weights_only=True, mmap=True)
    except MemoryError:
        raise
    except Exception as error:  # torch reports a broken file by many types of exception
        raise InputError(
            f"{archive}: not a readable checkpoint ({first_line(error)}); it may be truncated: get it again"
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get(key), dict):
        found = ", ".join(map(str, list(content)[:5])) if isinstance(content, dict) else type(content).__name__
        raise InputError(f"{archive}: no weights under the key {key}; found {found}: is it the right file?")
    # Copied, because a mapped file that is overwritten would change the weights of a running model.
    weights = {
        name: tensor.clone()
        for name, tensor in content[key].items()
        if isinstance(tensor, Tensor) and not name.startswith("clip_model.")
    }
    _check_finite(weights, archive)
    return weights


def _write_slim(slim: Path, archive: Path, weights: dict[str, Tensor], metadata: dict[str, str]) -> None:
    try:
        with replacing(slim) as partial:
            save_file({name: tensor.contiguous() for name, tensor in weights.items()}, partial, metadata)
            shutil.copymode(archive, partial)  # safetensors makes files that only their owner reads
    except (OSError, SafetensorError) as error:
        _log.warning("%s: cannot be written, so the next start is as slow (%s)", slim, first_line(error))


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118


def _check_names_and_shapes(weights: Mapping[str, Tensor], module: nn.Module, where: Path) -> None:
    expected = module.state_dict()
    for kind, names in (("missing", expected.keys() - weights), ("unexpected", weights.keys() - expected)):
        if names:
            shown = ", ".join(sorted(names)[:3]) + (" …" if len(names) > 3 else "")
            raise OtherSizeError(f"{where}: {len(names)} tensors {kind} ({shown}); {_OTHER_SIZE}")
    for name, tensor in expected.items():
        if weights[name].shape != tensor.shape:
            found, wanted = list(weights[name].shape), list(tensor.shape)
            raise OtherSizeError(f"{where}: {name} has the shape {found}, expected {wanted}; {_OTHER_SIZE}")


def _check_finite(weights: Mapping[str, Tensor], where: Path) -> None:
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise InputError(f"{where}: {name} holds numbers that are not finite; get the file again")


def _load_statistic(path: Path) -> Tensor:
    """Mean or standard deviation of the features, (67,) float32."""
    try:
        values = np.load(path, allow_pickle=False)
        numbers = torch.from_numpy(np.asarray(values, dtype=np.float32))
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: not a readable .npy file ({first_line(error)}); get it again") from error
    if numbers.shape != (FEATURE_SIZE,):
        raise InputError(f"{path}: shape {tuple(numbers.shape)}, expected ({FEATURE_SIZE},), as of HumanML3D")
    _check_finite({"the array": numbers}, path)
    return numbers
