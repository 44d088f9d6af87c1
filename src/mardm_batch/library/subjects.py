"""Who a caption speaks of: subjects, with their possessives and pronouns."""

from dataclasses import dataclass
from typing import Final

import numpy as np

# Subject, its possessive, its share.
_SUBJECTS: Final = (
    ("A person", "their", 0.58),
    ("Person", "their", 0.05),
    ("Someone", "their", 0.04),
    ("A man", "his", 0.06),
    ("A woman", "her", 0.06),
    ("The person", "their", 0.04),
    ("The figure", "its", 0.02),
    ("The subject", "their", 0.01),
    ("The character", "their", 0.01),
    ("A human", "their", 0.01),
    ("A figure", "its", 0.01),
    ("An athlete", "their", 0.01),
    ("A dancer", "their", 0.01),
    ("A boy", "his", 0.01),
    ("A girl", "her", 0.01),
    ("He", "his", 0.01),
    ("She", "her", 0.01),
    ("", "the", 0.17),
)
_ROLES: Final = (
    ("The man", "his"), ("The woman", "her"), ("Man", "his"), ("Woman", "her"), ("A young man", "his"),
    ("A young woman", "her"), ("An old man", "his"), ("An elderly woman", "her"), ("A child", "their"),
    ("A little girl", "her"), ("A little boy", "his"), ("A kid", "their"), ("A teenager", "their"), ("A lady", "her"),
    ("A guy", "his"), ("A gentleman", "his"), ("An adult", "their"), ("A gymnast", "their"), ("A player", "their"),
    ("A soldier", "their"), ("A student", "their"), ("A teacher", "their"), ("A worker", "their"),
    ("An actor", "their"), ("A model", "their"), ("A performer", "their"), ("A trainer", "their"),
    ("A fighter", "their"), ("A warrior", "their"), ("A king", "his"), ("A queen", "her"), ("A statue", "its"),
    ("A robot", "its"), ("An actress", "her"), ("A farmer", "their"), ("A doctor", "their"), ("A tourist", "their"),
    ("One person", "their"), ("Somebody", "their"), ("The dancer", "their"), ("The athlete", "their"),
    ("A ballerina", "her"), ("The player", "their"), ("A friend", "their"), ("Human", "their"),
    ("A pedestrian", "their"),
)  # fmt: skip
_ROLE_SHARE: Final = 0.1
"""Share of captions whose subject is one of these."""

_PRONOUNS: Final = {
    "his": ("he", "he", "the person"),
    "her": ("she", "she", "the person"),
    "its": ("it", "the figure"),
    "their": ("they", "the person", "the person"),
    "the": ("the person", "the body", "the person"),
}
"""How a further sentence may refer to the subject, by its possessive."""


@dataclass(frozen=True)
class Subject:
    """The subject of a caption: "A man", or "" for captions without one; its possessive "his", its pronoun "he"."""

    text: str
    their: str
    pronoun: str


def draw_subject(rng: np.random.Generator) -> Subject:
    """A random subject."""
    shares = np.cumsum([share for *_, share in _SUBJECTS])
    chosen = int(np.searchsorted(shares, rng.random() * shares[-1], side="right").clip(0, len(_SUBJECTS) - 1))
    text, their, _ = _SUBJECTS[chosen]
    if text and rng.random() < _ROLE_SHARE:
        text, their = _ROLES[int(rng.integers(len(_ROLES)))]
    pronouns = _PRONOUNS[their]
    return Subject(text, their, pronouns[int(rng.integers(len(pronouns)))])
