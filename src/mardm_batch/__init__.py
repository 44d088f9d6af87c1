"""Text to 3D human poses by the ten thousand. Kept free of imports, so that every command starts fast."""

__version__ = "0.1.0"
