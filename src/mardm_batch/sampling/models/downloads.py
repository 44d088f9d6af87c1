"""The published archives from the Hugging Face hub: a zip for each part, unpacked whole or not at all.

What is in the hub's cache is not downloaded again. A zip that turns out to be damaged is dropped and fetched once more.
Of several processes one downloads, and the others wait for it.
"""

import errno
import hashlib
import logging
import os
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any, Final

from filelock import FileLock, Timeout

from mardm_batch.errors import ConfigurationError, InputError, first_line
from mardm_batch.system.files import DiskFullError, replacing
from mardm_batch.system.terminal import printable

REPOSITORIES: Final = {
    "AE": "cr8br0ze/AE_humanml3d",
    "MARDM_SiT_XL": "cr8br0ze/MARDM_SiT_XL",
    "MARDM_DDPM_XL": "cr8br0ze/MARDM_DDPM_XL",
    "AE_2D_Causal": "cr8br0ze/AE_2D_Causal",
    "ACMDM_Flow_S_PatchSize22": "cr8br0ze/ACMDM_Flow_S_PatchSize22",
}
"""Hugging Face repositories of the parts; each holds one zip, named as the repository."""
_ARCHIVE: Final = "latest.tar"
_EXTRAS: Final = {"AE_2D_Causal": ("AE_2D_Causal_Post_Mean.npy", "AE_2D_Causal_Post_Std.npy")}
"""Files besides the archive that a part needs; they lie in its folder."""
_MAX_COMPRESSION: Final = 20
"""Weights hardly compress: what does so more than this is a trap."""
_SECONDS_FOR_ANSWER: Final = 10.0
_SHA256: Final = re.compile("[0-9a-f]{64}")

_log = logging.getLogger(__name__)


class _DamagedZipError(Exception):
    """A zip is not what the hub has, or not whole; the message says why."""


def zip_name(part: str) -> str:
    """The file that holds a part in its repository."""
    return f"{REPOSITORIES[part].partition('/')[2]}.zip"


def download_part(part: str, folder: Path | None) -> None:
    """Get a part from the hub, into PART of a folder of checkpoints.

    Raises:
        ConfigurationError: no folder is named, the hub's client is not installed, or no place to get the part from is
            known.
        InputError: it cannot be had, is damaged each time, or does not fit on the disk.
    """
    if folder is None:
        raise ConfigurationError("model.download=true: set model.checkpoints=DIR, the folder that the weights go to")
    if part not in REPOSITORIES:
        known = ", ".join(each for each in REPOSITORIES if not each.startswith("AE"))
        raise ConfigurationError(f"model.download=true: no place to get {part} from is known; known are {known}")
    hub = _client()
    if hub is None:
        raise ConfigurationError(
            'model.download=true: needs the package huggingface_hub; pip install "mardm-batch[clip]"'
        )
    target = folder / part
    try:
        with _alone(target):
            if not _is_there(part, target):
                _get_part(hub, part, target)
    except DiskFullError as error:
        raise InputError(f"{target}: the disk is full; make room, or set model.checkpoints") from error
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror or error})") from error


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Hold the lock of a part, which another process has while it downloads it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(target.parent / f".{target.name}.lock")
    try:
        lock.acquire(timeout=0.5)
    except Timeout:
        _log.info("%s: waiting for another process, which downloads it", target)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _is_there(part: str, target: Path) -> bool:
    return all((target / name).is_file() for name in _members(part).values())


def _members(part: str) -> dict[str, str]:
    """The files of a part's zip that are needed, in whatever folders, and their places in the part's folder."""
    return {_ARCHIVE: f"model/{_ARCHIVE}", **{name: name for name in _EXTRAS.get(part, ())}}


def drop_cached(part: str) -> None:
    """Remove the zip of a part from the hub's cache, where it is there."""
    if part in REPOSITORIES and (hub := _client()) is not None:
        with suppress(OSError, hub.errors.LocalEntryNotFoundError):
            _drop(Path(hub.hf_hub_download(REPOSITORIES[part], zip_name(part), local_files_only=True)))


def _client() -> Any:
    """The hub's client, which says nothing but what it raises; None where it is not installed."""
    try:
        hub = import_module("huggingface_hub")
        for module in ("constants", "errors", "utils.logging"):  # which it does not import by itself
            import_module(f"huggingface_hub.{module}")
    except ImportError:
        return None
    hub.utils.logging.set_verbosity_error()
    return hub


def _get_part(hub: Any, part: str, target: Path) -> None:
    for is_again in (False, True):
        zip_path = _fetch(hub, part, target, is_again)
        try:
            _unpack(zip_path, part, target)
            return
        except _DamagedZipError as error:
            _drop(zip_path)
            if is_again:
                raise InputError(f"{zip_path}: {error}, twice; get {part} yourself, or try again later") from error
            _log.warning("%s: %s; it is downloaded again", zip_path, error)


def _fetch(hub: Any, part: str, target: Path, is_again: bool) -> Path:
    """The zip of a part in the hub's cache, downloaded unless it is there already."""
    repository, name = REPOSITORIES[part], zip_name(part)
    if not is_again:
        try:
            return Path(hub.hf_hub_download(repository, name, local_files_only=True))
        except hub.errors.LocalEntryNotFoundError:
            pass
    try:
        about = hub.get_hf_file_metadata(hub.hf_hub_url(repository, name), timeout=_SECONDS_FOR_ANSWER)
        cache = Path(hub.constants.HF_HUB_CACHE)
        _check_space(name, about.size or 0, cache, target)
        for _ in range(2):
            path = Path(
                hub.hf_hub_download(repository, name, force_download=is_again, etag_timeout=_SECONDS_FOR_ANSWER)
            )
            if _matches(path, about.etag):
                return path
            _drop(path)
    except (InputError, ConfigurationError):
        raise
    except Exception as error:  # the hub's client and its HTTP library have exceptions of their own
        raise InputError(
            f"model.download=true: cannot get {name} from huggingface.co/{repository}: {_reason(error)}; or put "
            f"{part}/model/{_ARCHIVE} into model.checkpoints yourself"
        ) from error
    raise InputError(f"{name} of huggingface.co/{repository}: what arrives has another checksum than it should, twice")


def _check_space(name: str, size: int, cache: Path, target: Path) -> None:
    """Say how much is downloaded, and refuse what cannot fit: the zip in the cache, and its content beside it."""
    _log.info("getting %s (%s): it takes as much in %s and again in %s", name, _gigabytes(size), cache, target.parent)
    cache.mkdir(parents=True, exist_ok=True)
    needed: dict[int, tuple[Path, int]] = {}
    for folder in (cache, target.parent):
        device = os.stat(folder).st_dev
        needed[device] = (folder, needed.get(device, (folder, 0))[1] + size)
    for folder, bytes_needed in needed.values():
        free = shutil.disk_usage(folder).free
        if free < bytes_needed:
            raise InputError(
                f"{folder}: {name} needs {_gigabytes(bytes_needed)} there and {_gigabytes(free)} are free; make room, "
                "or set model.checkpoints or HF_HOME to a larger disk"
            )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def _matches(path: Path, etag: str | None) -> bool:
    """Whether a file has the checksum that the hub says; for large files it is a SHA-256."""
    if etag is None or not _SHA256.fullmatch(etag):
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == etag


def _reason(error: Exception) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return f"it is not public (HTTP {status}); log in with hf auth login if it is yours to get"
    if status == 404:
        return "it is not there any more (HTTP 404)"
    if status is not None:
        return f"the server does not give it now (HTTP {status}); try again later"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk of the cache is full; make room, or set HF_HOME to a larger disk"
    return f"no connection ({printable(first_line(error), 200)}); try again later"


def _drop(path: Path) -> None:
    """Remove a file of the cache, and what it links to."""
    Path(os.path.realpath(path)).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _unpack(zip_path: Path, part: str, target: Path) -> None:
    """Write the files of a part to `target`, the archive last.

    Raises:
        _DamagedZipError: the zip is broken or holds something else.
        OSError: the target cannot be written.
    """
    try:
        with zipfile.ZipFile(zip_path) as archive:
            members = {place: _member(archive, name) for name, place in reversed(_members(part).items())}
            size = sum(member.file_size for member in members.values())
            if shutil.disk_usage(target.parent).free < size:
                raise DiskFullError(errno.ENOSPC, "not enough room")
            for place, member in members.items():
                (target / place).parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, replacing(target / place) as partial, partial.open("wb") as sink:
                    shutil.copyfileobj(source, sink, 2**20)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise _DamagedZipError(f"not a whole zip file ({first_line(error)})") from error


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """The one file of that name in a zip, in whatever folder."""
    members = [
        member
        for member in archive.infolist()
        if PurePosixPath(member.filename).name == name and "__MACOSX" not in member.filename
    ]
    if len(members) != 1:
        raise _DamagedZipError(f"holds {len(members)} files {name}, expected one")
    (member,) = members
    if stat.S_ISLNK(member.external_attr >> 16):
        raise _DamagedZipError(f"its {name} is a link")
    if member.file_size > _MAX_COMPRESSION * max(member.compress_size, 2**16):
        raise _DamagedZipError(f"its {name} would unpack to {_gigabytes(member.file_size)}")
    return member
