"""Files of a training's folder, written whole."""

from pathlib import Path
from typing import Any

import torch


def save_atomically(value: Any, path: Path) -> None:
    """Save a value that torch can pickle, under another name first, then moved into place."""
    temporary = path.with_suffix(".partial")
    torch.save(value, temporary)
    temporary.replace(path)
