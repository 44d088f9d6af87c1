"""Noise keys of poses. No torch here."""

import hashlib


def noise_key(seed: int, caption: str, attempt: int = 0, rejections: int = 0, number: int = 1) -> int:
    """A 128-bit key for a pose; another attempt, number of rejected poses, or number of the pose gives other noise."""
    rejected, further = f"-{rejections}" if rejections else "", f"+{number}" if number > 1 else ""
    text = f"{seed}/{attempt}{rejected}{further}/{caption}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")
