"""Archives that PyTorch wrote, read without executing anything in them: checkpoints and TorchScript modules.

Such an archive is a zip of a pickle and a file of numbers for each storage. The pickle is read with classes of ours in
place of those that it names, so that none of its code runs. Tensors are read when they are asked for, with the checksum
that the zip has of each.
"""

import pickle
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import torch
from torch import Tensor

from mardm_batch.errors import first_line

_LARGEST_PICKLE: Final = 2**26
_ZIP: Final = b"PK\x03\x04"
_LEGACY: Final = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""The pickled number with which archives before PyTorch 1.6 begin."""
_GIT_LFS: Final = b"version https://git-lfs"
_DTYPES: Final = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class ArchiveError(Exception):
    """An archive cannot be read; the message says why and what to do, and is to follow the file's name."""


class Opaque:
    """Stands for an object of a class that is no plain data; keeps the state that the archive has of it."""

    state: Any = None

    def __new__(cls, *_: object, **__: object) -> "Opaque":
        return super().__new__(cls)

    def __init__(self, *_: object, **__: object) -> None:
        """Take any arguments."""

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: object, value: object) -> None:
        """Drop an entry of a mapping."""

    def append(self, item: object) -> None:
        """Drop an element of a list or set."""

    extend = add = append


@dataclass(frozen=True)
class _Storage:
    """The numbers of one or several tensors."""

    archive: Path
    member: str
    dtype: torch.dtype
    count: int

    def read(self) -> Tensor:
        """All of them, (count,); zipfile compares their checksum."""
        size = self.count * self.dtype.itemsize
        try:
            with zipfile.ZipFile(self.archive) as archive:
                if archive.getinfo(self.member).file_size != size:
                    raise ArchiveError("damaged: a tensor is not of the size that it should have; get the file again")
                content = bytearray(archive.read(self.member))
        except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
            raise ArchiveError(f"damaged ({first_line(error)}); get the file again") from error
        return torch.frombuffer(content, dtype=self.dtype) if content else torch.empty(0, dtype=self.dtype)


@dataclass(frozen=True)
class StoredTensor:
    """A tensor that lies in an archive."""

    storage: _Storage
    offset: int
    shape: Sequence[int]
    stride: Sequence[int]

    def load(self) -> Tensor:
        """The tensor, contiguous, in memory of its own.

        Raises:
            ArchiveError: it is damaged.
        """
        try:
            whole = self.storage.read()
            return whole.as_strided(tuple(self.shape), tuple(self.stride), self.offset).contiguous()
        except (RuntimeError, TypeError) as error:
            raise ArchiveError(f"damaged ({first_line(error)}); get the file again") from error


def _rebuild_tensor(storage: _Storage, offset: int, shape: Any, stride: Any, *_: object) -> StoredTensor:
    if not isinstance(storage, _Storage):
        raise pickle.UnpicklingError("a tensor without storage")
    return StoredTensor(storage, offset, shape, stride)


def _rebuild_parameter(tensor: StoredTensor, *_: object) -> StoredTensor:
    return tensor


_KNOWN: Final = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    ("torch", "Size"): tuple,
    **{("torch", name): dtype for name, dtype in _DTYPES.items()},
}


class _SafeUnpickler(pickle.Unpickler):
    """Builds plain data, `StoredTensor` and `Opaque`, and nothing else."""

    def __init__(self, content: IO[bytes], archive: Path, folder: str) -> None:
        super().__init__(content)
        self._archive, self._folder = archive, folder

    def find_class(self, module: str, name: str) -> Any:
        """See `pickle.Unpickler.find_class`."""
        known = _KNOWN.get((module, name))
        return type(name, (Opaque,), {"__module__": module}) if known is None else known

    def persistent_load(self, pid: Any) -> _Storage:
        """See `pickle.Unpickler.persistent_load`: the storages."""
        kind, dtype, key, _, count = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype):
            raise pickle.UnpicklingError(f"a tensor of the unknown kind {dtype}")
        return _Storage(self._archive, f"{self._folder}data/{key}", dtype, int(count))


def read_archive(path: Path) -> Any:
    """The object in an archive, with `StoredTensor` for tensors and `Opaque` for what is no plain data.

    Raises:
        ArchiveError: the file is no such archive, or is damaged.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(512)
    if start.startswith(_LEGACY):
        return _read_legacy(path)
    if not start.startswith(_ZIP):
        raise ArchiveError(_other_kind(start))
    try:
        with zipfile.ZipFile(path) as archive:
            pickled = next(
                (each for each in archive.infolist() if each.filename.count("/") == 1 and _is_pickle(each)), None
            )
            if pickled is None:
                held = ", ".join(archive.namelist()[:3])
                raise ArchiveError(f"a zip file, but not one of PyTorch (it holds {held}); unpack it")
            content = archive.open(pickled)
            return _SafeUnpickler(content, path, pickled.filename.removesuffix("data.pkl")).load()
    except zipfile.BadZipFile as error:
        raise ArchiveError(f"truncated or damaged ({first_line(error)}); get the file again") from error
    except ArchiveError:
        raise
    except Exception as error:  # a damaged pickle raises anything
        raise ArchiveError(
            f"damaged, its list of tensors cannot be read ({first_line(error)}); get it again"
        ) from error


def _is_pickle(member: zipfile.ZipInfo) -> bool:
    return member.filename.endswith("/data.pkl") and member.file_size <= _LARGEST_PICKLE


def _other_kind(start: bytes) -> str:
    text = start.lstrip().lower()
    if not start:
        return "an empty file; get it again"
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page rather than a checkpoint, as where a download needs a login or is gone; get the file again"
    if start.startswith(_GIT_LFS):
        return "a pointer of Git LFS rather than a checkpoint; get the file itself, as by git lfs pull"
    if _ZIP.startswith(start[:4]):
        return "truncated; get the file again"
    return "not a checkpoint of PyTorch; get the file again"


def _read_legacy(path: Path) -> Any:
    """An archive of the format before PyTorch 1.6, which PyTorch reads without executing it."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except pickle.UnpicklingError as error:
        raise ArchiveError(
            "a checkpoint of PyTorch's old format that holds more than tensors; save its tensors alone"
        ) from error
    except Exception as error:  # torch reports a broken file by many types of exception
        raise ArchiveError("truncated or damaged, in PyTorch's old format; get the file again") from error
