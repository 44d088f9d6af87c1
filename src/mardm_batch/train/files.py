"""Files of a training's folder, written whole."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mardm_batch.system.files import replacing

if TYPE_CHECKING:
    from mardm_batch.train.settings import StageSettings

CLIPS_FILE: Final = "clips.pt"
SCALES_FILE: Final = "scales.pt"
RECORD_FILE: Final = "training.json"
LOCK_FILE: Final = "training.lock"


def checkpoint_path(folder: Path, stage: "type[StageSettings]") -> Path:
    return folder / f"{stage.SECTION}.checkpoint"


def save_atomically(value: Any, path: Path) -> None:
    """Save a value that torch can pickle, under another name first, then moved into place."""
    import torch  # too slow for a mistake in the settings

    with replacing(path) as temporary:
        torch.save(value, temporary)
