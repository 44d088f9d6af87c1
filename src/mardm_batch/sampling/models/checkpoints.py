"""What the settings of all published models share: their files and their text encoder. No torch until they load."""

import logging
from abc import ABC
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mardm_batch.config.schema import Allowed, setting
from mardm_batch.errors import InputError, naming
from mardm_batch.model.archives import AcmdmFiles, PublishedFiles
from mardm_batch.sampling.models.downloads import REPOSITORIES, drop_cached
from mardm_batch.sampling.models.settings import ModelSettings

if TYPE_CHECKING:
    from mardm_batch.model.text import ClipTextEncoder

_Files = TypeVar("_Files", PublishedFiles, AcmdmFiles)
_Networks = TypeVar("_Networks")
_log = logging.getLogger(__name__)


@dataclass
class CheckpointSettings(ModelSettings, ABC):
    """Files of a published model."""

    checkpoints: str | None = setting("folder with the model's and its autoencoder's NAME/model/latest.tar")
    checkpoint_file: str = setting(
        "of the model's checkpoint: latest.tar, or another file beside it such as net_best_fid.tar",
        Allowed("the name of a file", lambda value: value not in ("", ".", "..") and Path(value).name == value),
    )
    averaged: bool = setting(
        "true: the moving average of the weights, as published; false: those of the last training step"
    )
    stats: str | None = setting("folder with the statistics of the data")
    download: bool = setting("true: get what is missing from the Hugging Face hub")
    keep_archives: bool = setting(
        "false: once the weights that are needed are copied out of an archive, it is removed, and its zip in the hub's "
        "cache"
    )
    text_encoder: str = setting("CLIP by its hub name, a local folder, or OpenAI's ViT-B-32.pt")

    @property
    def checkpoint_folder(self) -> Path | None:
        """The folder of checkpoints."""
        return None if self.checkpoints is None else Path(self.checkpoints).expanduser()

    @property
    def stats_folder(self) -> Path | None:
        """The folder of statistics."""
        return None if self.stats is None else Path(self.stats).expanduser()

    def load_checkpoint(self, find: Callable[[], _Files], load: Callable[[_Files], _Networks]) -> _Networks:
        """Networks of the files that `find` finds, or downloads; a broken archive is then fetched again, once.

        Raises:
            InputError: a file is missing, broken, or of another kind or size.
        """
        from mardm_batch.model.weights import BrokenArchiveError, OtherSizeError

        try:
            try:
                return self._load(find(), load)
            except BrokenArchiveError as error:
                if not self.download or error.archive.parent.parent.name not in REPOSITORIES:
                    raise
                _log.warning("%s; it is downloaded again", error)
                error.archive.unlink(missing_ok=True)
                return self._load(find(), load)
        except OtherSizeError as error:
            raise InputError(f"{error} than model and model.network say") from error

    def _load(self, files: _Files, load: Callable[[_Files], _Networks]) -> _Networks:
        """Networks of these files, whose archives may go then."""
        from mardm_batch.model.weights import remove_archive

        networks = load(files)
        for number, archive in enumerate(files.archives if not self.keep_archives else []):
            if archive.is_file() and remove_archive(archive, self.averaged or number > 0):
                drop_cached(archive.parent.parent.name)
        return networks

    def load_text_encoder(self, device: str, size: int) -> "ClipTextEncoder":
        """CLIP, whose embeddings must have the size that the networks take."""
        from mardm_batch.model.text import ClipTextEncoder

        with naming("model.text_encoder="):
            try:
                text_encoder = ClipTextEncoder.load(self.text_encoder, device, self.download)
            except InputError as error:
                if self.download or Path(self.text_encoder).expanduser().exists():
                    raise
                raise InputError(f"{error}; set model.download=true, or name a local folder that holds it") from error
            if text_encoder.size != size:
                raise InputError(
                    f"{self.text_encoder}: it embeds a caption in {text_encoder.size} numbers, the network takes "
                    f"{size}; use CLIP ViT-B/32 (openai/clip-vit-base-patch32)"
                )
        return text_encoder

    def weights_provenance(self) -> dict[str, Any]:
        """Which weights of the archive were taken, where they are not the usual ones."""
        return {} if self.averaged else {"averaged": False}
