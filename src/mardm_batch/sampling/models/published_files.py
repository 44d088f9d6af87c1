"""The files of a published model: their places on disk, which are missing, and their download.

Layout (github.com/neu-vi/MARDM): CHECKPOINTS/AE/model/latest.tar, CHECKPOINTS/NAME/model/latest.tar,
STATS/Mean.npy, STATS/Std.npy. Knows nothing of what is in them.
"""

import logging
import shutil
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from mardm_batch.errors import ConfigurationError, InputError, first_line
from mardm_batch.model.archives import PublishedFiles, slim_copy
from mardm_batch.system.files import replacing

AUTOENCODER: Final = "AE"
_REPOSITORIES: Final = {
    AUTOENCODER: "cr8br0ze/AE_humanml3d",
    "MARDM_SiT_XL": "cr8br0ze/MARDM_SiT_XL",
    "MARDM_DDPM_XL": "cr8br0ze/MARDM_DDPM_XL",
}
"""Hugging Face repositories of the published archives; each holds one zip, named as the repository."""

_CHECKPOINT_FOLDERS: Final = ("", "t2m", "checkpoints/t2m")
_STATS_FOLDERS: Final = ("", "HumanML3D", "datasets/HumanML3D")
_STATS_SOURCES: Final = {"Mean.npy": "eval_mean.npy", "Std.npy": "eval_std.npy"}

_log = logging.getLogger(__name__)


def find_published(name: str, checkpoints: Path | None, stats: Path | None, download: bool = False) -> PublishedFiles:
    """The files of the published model `name`. With `download` missing archives are fetched into `checkpoints`.

    The folders may also be the parents that the published layout has (`checkpoints/t2m`, `datasets/HumanML3D`).
    Raises InputError that lists every missing file with the way to get it.
    """
    if download:
        _download_missing(name, checkpoints)
    autoencoder, network = _find_archive(AUTOENCODER, checkpoints), _find_archive(name, checkpoints)
    mean, std = _find_statistic("Mean.npy", stats), _find_statistic("Std.npy", stats)
    if autoencoder and network and mean and std:
        return PublishedFiles(autoencoder, network, mean, std)

    missing = []
    archives = {AUTOENCODER: autoencoder, name: network}
    if absent := [_archive_help(part) for part, path in archives.items() if path is None]:
        missing.append(f"model.checkpoints={_shown(checkpoints)}: missing {' and '.join(absent)}")
    statistics = {"Mean.npy": mean, "Std.npy": std}
    if absent := [_statistic_help(file) for file, path in statistics.items() if path is None]:
        missing.append(f"model.stats={_shown(stats)}: missing {' and '.join(absent)}")
    raise InputError("; ".join(missing))


def _archive_in(folder: Path, part: str) -> Path:
    return folder / part / "model" / "latest.tar"


def _find_archive(part: str, folder: Path | None) -> Path | None:
    if folder is None:
        return None
    candidates = [_archive_in(folder / below, part) for below in _CHECKPOINT_FOLDERS]
    return next((path for path in candidates if path.is_file() or slim_copy(path).is_file()), None)


def _find_statistic(file: str, folder: Path | None) -> Path | None:
    if folder is None:
        return None
    return next((path for below in _STATS_FOLDERS if (path := folder / below / file).is_file()), None)


def _shown(folder: Path | None) -> str:
    return "null" if folder is None else str(folder)


def _archive_help(part: str) -> str:
    file = f"{part}/model/latest.tar"
    repository = _REPOSITORIES.get(part)
    if repository is None:
        return file
    zip_name = f"{repository.partition('/')[2]}.zip"
    return f"{file} (in {zip_name} of huggingface.co/{repository}, or set model.download=true)"


def _statistic_help(file: str) -> str:
    return f"{file} (utils/{_STATS_SOURCES[file]} of github.com/neu-vi/MARDM, saved under this name)"


def _download_missing(name: str, folder: Path | None) -> None:
    """Fetch the archives that are not there, a zip each, and unpack each whole or not at all."""
    if folder is None:
        raise ConfigurationError("model.download=true: set model.checkpoints=DIR, the folder that the weights go to")
    for part in (AUTOENCODER, name):
        if _find_archive(part, folder) is None:
            _download_archive(part, _archive_in(folder, part))


def _download_archive(part: str, target: Path) -> None:
    repository = _REPOSITORIES.get(part)
    if repository is None:
        known = ", ".join(each for each in _REPOSITORIES if each != AUTOENCODER)
        raise ConfigurationError(f"model.download=true: no place to get {part} from is known; known are {known}")
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise ConfigurationError(
            'model.download=true: needs the package huggingface_hub; pip install "mardm-batch[clip]"'
        ) from error
    zip_name = f"{repository.partition('/')[2]}.zip"
    _log.info("getting %s from huggingface.co/%s", zip_name, repository)
    try:
        zip_path = Path(hf_hub_download(repo_id=repository, filename=zip_name))
    except Exception as error:  # the hub's client and its HTTP library have exceptions of their own
        raise InputError(
            f"model.download=true: cannot get {zip_name} from huggingface.co/{repository} ({first_line(error)}); "
            f"try again, or put {part}/model/latest.tar into model.checkpoints yourself"
        ) from error
    _unpack_archive(zip_path, target)


def _unpack_archive(zip_path: Path, target: Path) -> None:
    """Write the one latest.tar of a zip to `target`, whatever folders the zip has."""
    try:
        with zipfile.ZipFile(zip_path) as archive:
            members = [
                member
                for member in archive.infolist()
                if PurePosixPath(member.filename).name == "latest.tar" and "__MACOSX" not in member.filename
            ]
            if len(members) != 1:
                raise InputError(f"{zip_path}: holds {len(members)} files latest.tar, expected one")
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(members[0]) as source, replacing(target) as partial, partial.open("wb") as sink:
                shutil.copyfileobj(source, sink, 2**20)
    except zipfile.BadZipFile as error:
        raise InputError(f"{zip_path}: not a whole zip file ({error}); remove it and run again") from error
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror or error})") from error
