"""Numbers that the settings and the networks share."""

from typing import Final

FRAMES_PER_TOKEN: Final = 4
"""Frames that the autoencoder compresses into one latent token; clip lengths are multiples of it."""
