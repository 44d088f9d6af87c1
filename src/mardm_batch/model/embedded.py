"""The one file of the embedded model: where it is, and what tells it from another. Knows nothing of what is in it."""

import hashlib
import json
from pathlib import Path
from typing import Final

from mardm_batch.errors import InputError, first_line

PACKAGED: Final = Path(__file__).parents[1] / "assets" / "embedded.safetensors"


def find_embedded(weights: str | None, setting: str = "model.weights") -> Path:
    """The file that a setting names, the packaged one for None. Raises InputError where there is none."""
    path = PACKAGED if weights is None else Path(weights).expanduser()
    if not path.is_file():
        raise InputError(f"{setting}={path}: no such file; train one with python -m mardm_batch.train")
    return path


def file_hash(path: Path, setting: str = "model.weights") -> str:
    """SHA-256 of a safetensors file, hexadecimal, whatever the order of its header, which is by chance.

    Raises InputError where it is none.
    """
    try:
        content = path.read_bytes()
        end = 8 + int.from_bytes(content[:8], "little")
        header = json.dumps(json.loads(content[8:end]), sort_keys=True)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(not_embedded(path, setting, error)) from None
    return hashlib.sha256(header.encode() + content[end:]).hexdigest()


def not_embedded(path: Path, setting: str, error: Exception) -> str:
    """What there is to say of a file that is not the embedded model's."""
    return (
        f"{setting}={path}: not weights of the embedded model ({first_line(error)}); "
        "use a file written by python -m mardm_batch.train"
    )
