"""Identity of a file of embedded weights. Knows nothing of the networks in it; no torch here."""

import hashlib
import json
from pathlib import Path

from mardm_batch.errors import InputError, first_line
from mardm_batch.system.files import MAX_LIST_BYTES, read_regular


def file_hash(path: Path) -> str:
    """SHA-256 of a safetensors file, hexadecimal, whatever the order of its header, which is by chance.

    Raises:
        InputError: the file is not an embedded model.
    """
    try:
        content = read_regular(path, MAX_LIST_BYTES)
        end = 8 + int.from_bytes(content[:8], "little")
        header = json.dumps(json.loads(content[8:end]), sort_keys=True)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(not_embedded(path, error)) from None
    return hashlib.sha256(header.encode() + content[end:]).hexdigest()


def not_embedded(path: Path, error: Exception) -> str:
    """The message about a file that does not hold the embedded model's weights."""
    return (
        f"{path}: not weights of the embedded model ({first_line(error)}); "
        "use a file written by python -m mardm_batch.train"
    )
