"""Identity and vocabulary of a file of embedded weights. Knows nothing of the networks in it; no torch here."""

import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path

from mardm_batch.errors import InputError, first_line
from mardm_batch.system.files import MAX_LIST_BYTES, Version, file_version, read_regular


def file_hash(path: Path) -> str:
    """SHA-256 of a safetensors file, hexadecimal, whatever the order of its header, which is by chance.

    Raises:
        InputError: the file is not an embedded model.
    """
    try:
        return hash_of_version(path, file_version(os.stat(path)))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(not_embedded(path, error)) from None


@lru_cache(maxsize=8)
def hash_of_version(path: Path, version: Version) -> str:
    """See `file_hash`; the jobs of a sweep ask for the same again. Raises OSError, ValueError or RecursionError."""
    content = read_regular(path, MAX_LIST_BYTES)
    end = 8 + int.from_bytes(content[:8], "little")
    digest = hashlib.sha256(json.dumps(json.loads(content[8:end]), sort_keys=True).encode())
    digest.update(memoryview(content)[end:])
    return digest.hexdigest()


def read_vocabulary(path: Path) -> tuple[str, ...]:
    """The stems that the model of a file knows, the most frequent first.

    Raises:
        InputError: the file is not an embedded model.
    """
    try:
        content = read_regular(path, MAX_LIST_BYTES)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        return tuple(map(str, json.loads(header["__metadata__"]["vocabulary"])))
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(not_embedded(path, error)) from None


def not_embedded(path: Path, error: Exception) -> str:
    """The message about a file that does not hold the embedded model's weights."""
    return (
        f"{path}: not weights of the embedded model ({first_line(error)}); "
        "use a file written by python -m mardm_batch.train"
    )
