"""Noise keys of poses. No torch here."""

import hashlib


def noise_key(seed: int, caption: str, attempt: int = 0, rejections: int = 0) -> int:
    """A 128-bit key for a pose; another attempt, or another number of rejected poses, gives a caption other noise."""
    text = f"{seed}/{attempt}{f'-{rejections}' if rejections else ''}/{caption}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")
