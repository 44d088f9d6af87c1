"""Left and right in text: captions, phrases, conditions, names of joints."""

import re


def swap_sides(text: str) -> str:
    """The text with left and right exchanged, in words and in joint names; "right angle" is not changed."""
    other = {"left": "right", "right": "left", "Left": "Right", "Right": "Left", "LEFT": "RIGHT", "RIGHT": "LEFT"}
    return re.sub(r"(?i)(?<![a-z])(left|right)(?![a-z]| angle)", lambda match: other.get(match[0], match[0]), text)


def names_side(text: str) -> bool:
    """Whether a text names a side."""
    return swap_sides(text) != text
