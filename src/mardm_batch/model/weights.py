"""The weights of a published archive, and the slim copy that is kept of them.

An archive holds raw weights, their average and the optimizer (4.3 GB); what is needed of it is kept beside it as a slim
copy, after which the archive is not opened again.
"""

import hashlib
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from mardm_batch.errors import InputError, first_line
from mardm_batch.model.archives import slim_copy
from mardm_batch.model.torch_archive import ArchiveError, StoredTensor, read_archive
from mardm_batch.system.files import replacing
from mardm_batch.system.terminal import printable

_PARALLEL: Final = "module."
"""What torch.nn.DataParallel puts before every name."""
_TEXT_TOWER: Final = "clip_model."
_OTHER_SIZE: Final = "the checkpoint is of another kind or size"

_log = logging.getLogger(__name__)
_Module = TypeVar("_Module", bound=nn.Module)


class OtherSizeError(InputError):
    """A checkpoint is of another kind or size than the networks that are to be filled."""


class BrokenArchiveError(InputError):
    """An archive is damaged, or no checkpoint at all."""

    def __init__(self, archive: Path, problem: str) -> None:
        super().__init__(f"{archive}: {problem}")
        self.archive = archive


def weights_hash(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, shapes and bytes of the weights, sorted by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(f"{name} {list(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def combined_hash(*hashes: str) -> str:
    """The SHA-256 of a model by those of its parts."""
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def fill(module: _Module, weights: Mapping[str, Tensor], device: torch.device | str) -> _Module:
    """Give a module without storage its weights, for evaluation in float32."""
    placed = {name: tensor.to(device, torch.float32) for name, tensor in weights.items()}
    module.load_state_dict(placed, strict=True, assign=True)
    return module.eval().requires_grad_(False)


def load_part(archive: Path, key: str, module: nn.Module, averaged: bool = True) -> tuple[dict[str, Tensor], str]:
    """The weights under a key of an archive, which fit the module, and their hash.

    They are those of the slim copy, which is made where it is not current.

    Args:
        averaged: whether they are those that are usually taken of such an archive; raw ones have another slim copy.

    Raises:
        OtherSizeError: they do not fit.
        InputError: the archive is broken.
    """
    slim = slim_copy(archive, averaged)
    source = _source(archive)
    if slim.is_file():
        try:
            weights, metadata = read_safetensors(slim)
            if source is None or metadata["source"] == source:
                check_names_and_shapes(weights, module, slim)
                return weights, metadata["weights_hash"]
        except (OSError, SafetensorError, KeyError) as error:
            if source is None:
                raise InputError(
                    f"{slim}: not a readable slim copy ({first_line(error)}), and {archive.name} is not "
                    "beside it; get that again"
                ) from error
    (weights,) = read_archived(archive, key)
    check_names_and_shapes(weights, module, archive)
    digest = weights_hash(weights)
    _write_slim(slim, archive, weights, {"source": str(source), "weights_hash": digest})
    return weights, digest


def remove_archive(archive: Path, averaged: bool) -> bool:
    """Remove an archive whose weights are in its slim copy; whether it is gone."""
    try:
        with safe_open(slim_copy(archive, averaged), framework="pt") as file:
            if (file.metadata() or {}).get("source") != _source(archive):
                return False
        archive.unlink()
    except (OSError, SafetensorError) as error:
        _log.warning("%s: cannot be removed (%s)", archive, first_line(error))
        return False
    return True


def _source(archive: Path) -> str | None:
    """Size and time of an archive, which differ between its versions; None where the archive is gone."""
    try:
        status = archive.stat()
    except FileNotFoundError:
        return None
    return f"{status.st_size} bytes, mtime {status.st_mtime_ns} ns"


def read_archived(archive: Path, *keys: str) -> list[dict[str, Tensor]]:
    """The weights under each of the keys of an archive, which is read without executing anything in it.

    Raises:
        InputError: the archive is broken, has no weights under a key, or holds numbers that are not finite.
    """
    try:
        content = read_archive(archive)
        weights = []
        for key in keys:
            group = content.get(key) if isinstance(content, dict) else None
            if not isinstance(group, dict):
                found = printable(_contents(content))
                raise InputError(f"{archive}: no weights under the key {key}; {found}: is it the right file?")
            weights.append({name: _load_tensor(each) for name, each in _plain_names(group).items()})
    except ArchiveError as error:
        raise BrokenArchiveError(archive, printable(str(error))) from error
    except OSError as error:
        raise InputError(f"{archive}: cannot be read ({error.strerror or error})") from error
    for each in weights:
        check_finite(each, archive)
    return weights


def _plain_names(group: Mapping[Any, Any]) -> dict[str, StoredTensor | Tensor]:
    """The tensors of a network by their names, without those of the text tower."""
    tensors = {str(name): each for name, each in group.items() if isinstance(each, StoredTensor | Tensor)}
    if tensors and all(name.startswith(_PARALLEL) for name in tensors):
        tensors = {name.removeprefix(_PARALLEL): each for name, each in tensors.items()}
    return {name: each for name, each in tensors.items() if not name.startswith(_TEXT_TOWER)}


def _load_tensor(tensor: StoredTensor | Tensor) -> Tensor:
    return tensor.load() if isinstance(tensor, StoredTensor) else tensor


def _contents(content: Any) -> str:
    if isinstance(content, dict):
        return f"found {', '.join(map(str, list(content)[:5])) or 'nothing'}"
    return f"found {type(content).__name__}"


def _write_slim(slim: Path, archive: Path, weights: dict[str, Tensor], metadata: dict[str, str]) -> None:
    try:
        with replacing(slim) as partial:
            save_file({name: tensor.contiguous() for name, tensor in weights.items()}, partial, metadata)
            shutil.copymode(archive, partial)  # safetensors makes files that only their owner reads
    except (OSError, SafetensorError) as error:
        _log.warning("%s: cannot be written, so the next start is as slow (%s)", slim, first_line(error))


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file."""
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118


def check_names_and_shapes(weights: Mapping[str, Tensor], module: nn.Module, where: Path) -> None:
    """Raise OtherSizeError unless the weights are exactly those of the module."""
    expected = module.state_dict()
    for kind, names in (("missing", expected.keys() - weights), ("unexpected", weights.keys() - expected)):
        if names:
            shown = ", ".join(sorted(names)[:3]) + (" …" if len(names) > 3 else "")
            raise OtherSizeError(f"{where}: {len(names)} tensors {kind} ({printable(shown)}); {_OTHER_SIZE}")
    for name, tensor in expected.items():
        if weights[name].shape != tensor.shape:
            found, wanted = list(weights[name].shape), list(tensor.shape)
            raise OtherSizeError(f"{where}: {name} has the shape {found}, expected {wanted}; {_OTHER_SIZE}")


def check_finite(weights: Mapping[str, Tensor], where: Path) -> None:
    """Raise InputError where a number is not finite."""
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise InputError(f"{where}: {printable(name)} holds numbers that are not finite; get the file again")


def load_statistic(path: Path, size: int, longer: Mapping[int, str] | None = None) -> Tensor:
    """Mean or standard deviation, (size,) float32.

    Args:
        longer: lengths of arrays of which the first `size` numbers are the ones, and what they are.

    Raises:
        InputError: the file is broken or of another shape.
    """
    try:
        values = np.load(path, allow_pickle=False)
        numbers = torch.from_numpy(np.asarray(values, dtype=np.float32))
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: not a readable .npy file ({first_line(error)}); get it again") from error
    if numbers.ndim == 1 and len(numbers) in (longer or {}):
        numbers = numbers[:size].clone()
    if numbers.shape != (size,):
        also = "".join(f" or ({length},), {what}" for length, what in (longer or {}).items())
        raise InputError(f"{path}: shape {tuple(numbers.shape)}, expected ({size},){also}")
    check_finite({"the array": numbers}, path)
    return numbers


def load_deviation(path: Path, size: int, longer: Mapping[int, str] | None = None) -> Tensor:
    """A standard deviation; raises as `load_statistic`, and where a number is not positive."""
    numbers = load_statistic(path, size, longer)
    if not (numbers > 0).all():
        raise InputError(f"{path}: a standard deviation is not positive; get the published file again")
    return numbers
