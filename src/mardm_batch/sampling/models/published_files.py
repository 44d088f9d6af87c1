"""The files of published models: their places on disk, and which are missing. Knows nothing of what is in them.

Layout of MARDM (github.com/neu-vi/MARDM): CHECKPOINTS/AE/model/latest.tar, CHECKPOINTS/NAME/model/latest.tar,
STATS/Mean.npy, STATS/Std.npy. Of ACMDM (github.com/neu-vi/ACMDM): CHECKPOINTS/NAME/model/latest.tar,
CHECKPOINTS/AE_2D_Causal/model/latest.tar, the statistics of its latents in CHECKPOINTS/AE_2D_Causal, and, unless those
of the published program are taken, STATS/22x3_mean.npy and STATS/22x3_std.npy. The folders may also be the parents that
the published layout has, such as CHECKPOINTS/checkpoints/t2m.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mardm_batch.errors import InputError
from mardm_batch.model.archives import AcmdmFiles, LatentFiles, PublishedFiles, slim_copy
from mardm_batch.sampling.models.downloads import REPOSITORIES, download_part, zip_name

AUTOENCODER: Final = "AE"
CAUSAL_AUTOENCODER: Final = "AE_2D_Causal"
LATENT_MEAN, LATENT_STD = f"{CAUSAL_AUTOENCODER}_Post_Mean.npy", f"{CAUSAL_AUTOENCODER}_Post_Std.npy"
LATEST: Final = "latest.tar"
_CHECKPOINT_FOLDERS: Final = ("", "t2m", "checkpoints/t2m")
_STATS_FOLDERS: Final = ("", "HumanML3D", "datasets/HumanML3D")
_JOINT_STATS_FOLDERS: Final = ("", "t2m", "utils/22x3_mean_std/t2m")
_STATS_SOURCES: Final = {"Mean.npy": "eval_mean.npy", "Std.npy": "eval_std.npy"}


@dataclass
class _Search:
    """Looks for the files of a model, and remembers what is missing."""

    checkpoints: Path | None
    stats: Path | None
    averaged: bool
    """Of the weights that are taken of a network's archive."""
    missing_parts: list[str] = field(default_factory=list)
    missing_stats: list[str] = field(default_factory=list)

    def archive(self, part: str, file: str = LATEST, averaged: bool = True) -> Path:
        """An archive of checkpoints; where there is none, the place that it should have."""
        found = find_archive(part, self.checkpoints, file, averaged)
        if found is None:
            self.missing_parts.append(_archive_help(part, file))
        return found or Path(part)

    def network(self, name: str, file: str) -> Path:
        """The archive of a network."""
        return self.archive(name, file, self.averaged)

    def latent_statistic(self, archive: Path, file: str) -> Path:
        """A statistic beside the folder of the archive of ACMDM's autoencoder."""
        found = archive.parent.parent / file
        if archive.name == LATEST and not found.is_file():
            self.missing_parts.append(f"{CAUSAL_AUTOENCODER}/{file} (in {zip_name(CAUSAL_AUTOENCODER)} too)")
        return found

    def statistic(self, file: str, folders: Iterable[str], advice: str) -> Path:
        """A statistic of the data."""
        found = _first_file(self.stats, folders, file)
        if found is None:
            self.missing_stats.append(f"{file} ({advice})")
        return found or Path(file)

    def refuse_missing(self) -> None:
        """Raise InputError that lists every missing file with the way to get it."""
        missing = []
        if self.missing_parts:
            missing.append(f"model.checkpoints={_shown(self.checkpoints)}: missing {' and '.join(self.missing_parts)}")
        if self.missing_stats:
            missing.append(f"model.stats={_shown(self.stats)}: missing {' and '.join(self.missing_stats)}")
        if missing:
            raise InputError("; ".join(missing))


def find_published(
    name: str,
    checkpoints: Path | None,
    stats: Path | None,
    download: bool = False,
    file: str = LATEST,
    averaged: bool = True,
) -> PublishedFiles:
    """The files of the published MARDM `name`. With `download` missing archives are fetched into `checkpoints`.

    Args:
        file: of the network's archive.
        averaged: which weights of it are taken: a slim copy of them is as good as the archive.

    Raises:
        InputError: files are missing: all of them, with the ways to get them.
    """
    if download:
        download_missing([(AUTOENCODER, LATEST, True), (name, file, averaged)], checkpoints)
    search = _Search(checkpoints, stats, averaged)
    autoencoder, network = search.archive(AUTOENCODER), search.network(name, file)
    mean, std = (
        search.statistic(
            each,
            _STATS_FOLDERS,
            f"utils/eval_mean_std/t2m/{source} of github.com/neu-vi/MARDM, saved under this name, or HumanML3D's own",
        )
        for each, source in _STATS_SOURCES.items()
    )
    search.refuse_missing()
    return PublishedFiles(autoencoder, network, mean, std)


def find_acmdm(
    name: str,
    checkpoints: Path | None,
    stats: Path | None,
    has_latents: bool,
    download: bool = False,
    file: str = LATEST,
    averaged: bool = True,
) -> AcmdmFiles:
    """The files of the published ACMDM `name`, as `find_published`.

    Args:
        stats: None for the statistics of the published program.
        has_latents: whether the network makes latents, for which there is an autoencoder.
    """
    if download:
        download_missing([(CAUSAL_AUTOENCODER, LATEST, True)] * has_latents + [(name, file, averaged)], checkpoints)
    search = _Search(checkpoints, stats, averaged)
    network, latents, mean, std = search.network(name, file), None, None, None
    if has_latents:
        autoencoder = search.archive(CAUSAL_AUTOENCODER)
        latents = LatentFiles(
            autoencoder,
            search.latent_statistic(autoencoder, LATENT_MEAN),
            search.latent_statistic(autoencoder, LATENT_STD),
        )
    if stats is not None:
        advice = "utils/22x3_mean_std/t2m/{} of github.com/neu-vi/ACMDM; model.stats=null takes the published ones"
        mean, std = (
            search.statistic(each, _JOINT_STATS_FOLDERS, advice.format(each))
            for each in ("22x3_mean.npy", "22x3_std.npy")
        )
    search.refuse_missing()
    return AcmdmFiles(network, latents, mean, std)


def find_archive(part: str, folder: Path | None, file: str = LATEST, averaged: bool = True) -> Path | None:
    """An archive of a part, which may be gone where its slim copy exists; None where neither is there."""
    if folder is None:
        return None
    for below in _CHECKPOINT_FOLDERS:
        path = folder / below / part / "model" / file
        if path.is_file() or slim_copy(path, averaged).is_file():
            return path
    return None


def download_missing(parts: Iterable[tuple[str, str, bool]], folder: Path | None) -> None:
    """Fetch those of the parts, each with the file of its archive and whether averaged weights are taken, that are not
    there.

    Raises:
        ConfigurationError: no folder is named, or no place to get a part from is known.
        InputError: a part cannot be had.
    """
    for part, file, averaged in parts:
        if find_archive(part, folder, file, averaged) is None:
            download_part(part, folder)


def _first_file(folder: Path | None, below: Iterable[str], file: str) -> Path | None:
    return None if folder is None else next((path for each in below if (path := folder / each / file).is_file()), None)


def _shown(folder: Path | None) -> str:
    return "null" if folder is None else str(folder)


def _archive_help(part: str, file: str) -> str:
    path = f"{part}/model/{file}"
    if part not in REPOSITORIES or file != LATEST:
        return path
    return f"{path} (in {zip_name(part)} of huggingface.co/{REPOSITORIES[part]}, or set model.download=true)"
