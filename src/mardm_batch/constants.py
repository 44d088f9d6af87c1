"""Numbers that rooms of one floor share: settings, networks, pictures and the files of a data set."""

from typing import Final

FRAMES_PER_TOKEN: Final = 4
"""Frames that the autoencoder compresses into one latent token; clip lengths are multiples of it."""
PICTURE_SIZE: Final = 1200
"""Width and height of a picture in pixels."""
DPI: Final = 150
"""Resolution of a picture, stored in its file."""
