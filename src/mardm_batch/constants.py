"""Numbers that rooms of one floor share: settings, networks, prompts, pictures and the files of a data set."""

from typing import Final

FRAMES_PER_TOKEN: Final = 4
"""Frames that the autoencoder compresses into one latent token; clip lengths are multiples of it."""
PICTURE_SIZE: Final = 1200
"""Width and height of a picture in pixels."""
DPI: Final = 150
"""Resolution of a picture, stored in its file."""


def chosen_frame(frames: int, frame_index: int | None) -> int:
    """Of a clip of so many frames the one that becomes the pose: the middle one where no index is given."""
    return frames // 2 if frame_index is None else frame_index
