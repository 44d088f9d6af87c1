"""Compose the caption of a posture from the phrases of its entries.

In the data files a verb stands in angle brackets and is conjugated (`<stand>`: stands, standing), braces hold
alternatives (`{raising|lifting} {both|the} hands`; an empty one makes a word optional), and `{their}` is the subject's
possessive.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar

import numpy as np

from mardm_batch.library.grammar import Form, conjugate
from mardm_batch.library.synonyms import substitute_synonyms
from mardm_batch.pose.sides import names_side

T = TypeVar("T")
_ChoosePhrase = Callable[[Sequence[str]], str]
"""Draws one of several phrases."""

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
_PLACES: Final = (
    "in a park", "in the park", "at home", "in a room", "on the beach", "in the gym", "in a studio", "on a stage",
    "in front of a mirror", "in front of the camera", "for a photo", "in the kitchen", "in the garden", "on the grass",
    "in the street", "at work", "in an office", "during a workout", "during practice", "in class", "at a party",
    "in the sun", "in the rain", "at night", "in the morning", "on a mat", "in a dance studio", "after a long day",
    "before the game", "in the middle of a field", "outside", "indoors", "by the window", "next to a tree",
    "very still", "calmly", "confidently", "without moving", "in place",
)  # fmt: skip
"""Adverbials that may end a caption and do not describe the pose."""
_PLACE_SHARE: Final = 0.07
_SIDE_PHRASE_SHARE: Final = 0.35
"""Share of main phrases without a side to which one of their entry's `side_phrases` is added."""
_PRONOUNS: Final = ("He", "She")
_SCENES: Final = (
    "A person who is", "Someone who is", "A pose of a person", "Pose of a person", "A static pose of someone",
    "A person posing as if", "A person is posing as if", "A picture of a person",
)  # fmt: skip
"""May replace "A person" before a gerund."""
_FORMS: Final[tuple[tuple[Form, float], ...]] = (
    ("gerund", 0.5),
    ("third", 0.34),
    ("progressive", 0.13),
    ("past", 0.03),
)
_LINKS: Final = ((", ", ", "), (": ", ", "), (", ", " and "), (", with ", " and "), (" with ", " and "), ("; ", ", "))
"""Separators before the details that are appended to a caption, and before the last of them."""
_REFLEXIVES: Final = {"his": "himself", "her": "herself", "its": "itself"}
_SENTENCE_SHARE: Final = 0.15
"""Share of captions whose with-phrases become a sentence of their own, where they can."""
_LIST_SHARE: Final = 0.15
"""Share of captions whose with-phrases are listed without articles, as in notes."""
_BODY_PART: Final = re.compile(
    r"((?:the|both|one|their|his|her|its) )?((?:left|right) )?"
    r"((?:upper |fore)?arms?|hands?|elbows?|wrists?|legs?|knees?|foot|feet|thighs?|shins?|head|face|chin|torso"
    r"|upper body|back|shoulders?|chest|hips?|palms?|heels?|toes) (.+)"
)
_PLURAL: Final = re.compile(r"s$|feet")
_STAND_VERBS: Final[dict[Form, tuple[str, ...]]] = {
    "gerund": ("", "", "standing "),
    "third": ("stands ",),
    "progressive": ("is standing ",),
    "past": ("stood ",),
}
_STANDS_WITH: Final = re.compile(r"(?:(?:is )?(?:stand(?:s|ing)|stood) )?with (.+)")
_BRACES: Final = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class EntryPhrases:
    """The alternative phrases of one entry."""

    name: str
    verb_phrases: tuple[str, ...]
    with_phrases: tuple[str, ...]
    """Noun phrases that follow "with"."""
    implied: bool = False
    """Whether the caption need not mention the entry, as for a plain stand."""
    side_phrases: tuple[str, ...] = ()
    """May end a verb phrase that does not name a side."""


@dataclass(frozen=True)
class Wording:
    """A caption and what it is composed of."""

    caption: str
    phrases: tuple[str, ...]
    """As in the data files, except for synonyms."""
    sided: frozenset[str]
    """Names of the entries whose phrases name a side."""


def compose_caption(entries: Sequence[EntryPhrases], rng: np.random.Generator, with_synonyms: bool = False) -> Wording:
    """A random caption of a main entry and its fragments.

    Args:
        entries: the main entry's phrases, then those of its fragments.
        rng: random generator.
        with_synonyms: whether to replace some words by synonyms.
    """
    choose = partial(_choose_phrase, rng=rng, with_synonyms=with_synonyms)
    subject, their = _draw([(s, t) for s, t, _ in _SUBJECTS], [share for *_, share in _SUBJECTS], rng)
    if subject and rng.random() < _ROLE_SHARE:
        subject, their = _ROLES[int(rng.integers(len(_ROLES)))]
    form = _draw([form for form, _ in _FORMS], [share for _, share in _FORMS], rng) if subject else "gerund"
    if subject in _PRONOUNS and form == "gerund":
        form = "progressive"
    main, fragments = entries[0], list(entries[1:])
    if main.implied and fragments and rng.random() < 0.6:
        main = fragments.pop(int(rng.integers(len(fragments))))
    parts = [_main_part(main, form, main.implied or main is not entries[0], choose, rng)] + [
        _fragment_part(fragment, form, choose, rng) for fragment in fragments
    ]
    # With-phrases come first: after the verb of another fragment they would seem to belong to it.
    parts[1:] = sorted(parts[1:], key=lambda part: not part.words.startswith("with "))
    parts = [replace(part, words=_expand(part.words, their, rng)) for part in parts]
    words = [part.words for part in parts]
    style = rng.random()
    text = ""
    if style < _SENTENCE_SHARE:
        text = _as_sentences(words, subject, rng)
    elif style < _SENTENCE_SHARE + _LIST_SHARE:
        text = _as_list(words, subject, rng)
    if not text:
        text = _as_clause(words, subject, comma=main is not entries[0], rng=rng)
        if rng.random() < _PLACE_SHARE:
            text = f"{text} {_PLACES[int(rng.integers(len(_PLACES)))]}"
    if rng.random() < 0.2:
        text = re.sub(r"(?<=[a-z])-(?=[a-z])|(?<=\bT)-(?=pose)", " ", text)
    if rng.random() < 0.15:
        text = text[:1].lower() + text[1:]
    return Wording(
        caption=text + ("." if rng.random() < 0.4 else ""),
        phrases=tuple(part.phrase for part in parts),
        sided=frozenset(part.name for part in parts if names_side(part.words)),
    )


def append_details(caption: str, details: Sequence[EntryPhrases], rng: np.random.Generator) -> str:
    """A caption followed by details: "Downward dog: the knees straight, both hands on the floor"."""
    texts = [_expand(_choose_phrase(each.with_phrases, rng, with_synonyms=True), "their", rng) for each in details]
    link, last = _draw(_LINKS, [1.0] * len(_LINKS), rng)
    listed = last.join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else texts[0]
    return f"{caption.rstrip('.')}{link}{listed}{'.' if rng.random() < 0.3 else ''}"


@dataclass(frozen=True)
class _Part:
    """One entry's part of a caption, and the phrase of which it is made."""

    name: str
    phrase: str
    words: str


def _choose_phrase(phrases: Sequence[str], rng: np.random.Generator, with_synonyms: bool) -> str:
    phrase = phrases[int(rng.integers(len(phrases)))]
    return substitute_synonyms(phrase, rng) if with_synonyms else phrase


def _expand(text: str, their: str, rng: np.random.Generator) -> str:
    """A phrase with one of each alternatives in braces; `their` is the subject's possessive."""
    while match := _BRACES.search(text):
        options = [re.sub(r"\btheir\b", their, option) for option in match[1].split("|")]
        if match[1] == "their":
            options = [their, their, "the"]
        text = text[: match.start()] + options[int(rng.integers(len(options)))] + text[match.end() :]
    text = re.sub(r"\bthe own\b", "their own" if their == "the" else f"{their} own", text)
    text = re.sub(r"\bthemselves\b", _REFLEXIVES.get(their, "themselves"), text)
    return re.sub(r"\s+", " ", text).replace(" ,", ",").rstrip()


def _main_part(
    entry: EntryPhrases, form: Form, upright: bool, choose: _ChoosePhrase, rng: np.random.Generator
) -> _Part:
    """The verb phrase of the caption, or a with-phrase, before which an `upright` person may also "stand"."""
    verbless = entry.with_phrases and (upright or form == "gerund")
    if entry.verb_phrases and not (verbless and rng.random() < 0.35):
        verb_phrase = choose(entry.verb_phrases)
        text = conjugate(verb_phrase, form)
        if entry.side_phrases and not names_side(text) and rng.random() < _SIDE_PHRASE_SHARE:
            side = entry.side_phrases[int(rng.integers(len(entry.side_phrases)))]
            text += side if side.startswith(",") else f" {side}"
        return _Part(entry.name, verb_phrase, text)
    with_phrase = choose(entry.with_phrases)
    stand = _STAND_VERBS[form][int(rng.integers(len(_STAND_VERBS[form])))] if upright else ""
    return _Part(entry.name, with_phrase, f"{stand}with {with_phrase}")


def _fragment_part(entry: EntryPhrases, form: Form, choose: _ChoosePhrase, rng: np.random.Generator) -> _Part:
    if entry.with_phrases and (not entry.verb_phrases or rng.random() < 0.7):
        with_phrase = choose(entry.with_phrases)
        return _Part(entry.name, with_phrase, "with " + with_phrase)
    verb_phrase = choose(entry.verb_phrases)
    links: list[tuple[str, Form]] = [(" and ", form), (" while ", "gerund"), (", ", "gerund")]
    link, inner = _draw(links, [0.4, 0.3, 0.3], rng)
    # "and" joins two verbs of the same form; after "is …ing" the second "is" is omitted.
    words = conjugate(verb_phrase, "gerund" if inner == "progressive" else inner)
    return _Part(entry.name, verb_phrase, link + words)


def _as_sentences(parts: Sequence[str], subject: str, rng: np.random.Generator) -> str:
    """The with-phrases as a second sentence: "A person kneels. The left arm is raised"; "" where they cannot be one."""
    text, *others = parts
    stands = _STANDS_WITH.fullmatch(text)
    states = [_BODY_PART.fullmatch(part.removeprefix("with ")) for part in ([stands[1]] if stands else []) + others]
    matches = [state for state in states if state is not None]
    if not matches or len(matches) < len(states):
        return ""
    clauses = [
        f"{state[1] or 'the '}{state[2] or ''}{state[3]} {'are' if _PLURAL.search(state[3]) else 'is'} {state[4]}"
        for state in matches
    ]
    statement = f"{', '.join(clauses[:-1])} and {clauses[-1]}" if len(clauses) > 1 else clauses[0]
    if stands:
        return _capitalise(re.sub(r"\b(their|his|her|its)\b", "the", statement))
    return f"{_with_subject(subject, text, rng)}. {_capitalise(statement)}"


def _as_list(parts: Sequence[str], subject: str, rng: np.random.Generator) -> str:
    """The with-phrases as a list: "Kneeling, left arm up, hands on hips"; "" where other parts are not with-phrases."""
    text, *others = parts
    if not all(part.startswith("with ") for part in others):
        return ""
    items = [part.removeprefix("with ") for part in others]
    stands = _STANDS_WITH.fullmatch(text)
    if stands:
        items = [stands[1], *items]
        begin = _draw(["", "Standing", _with_subject(subject, "standing", rng)], [0.6, 0.2, 0.2], rng)
    else:
        begin = _with_subject(subject, text, rng)
    if not items or " with " in begin:
        return ""
    articles = r"\b(?:the|their|his|her|its) " if rng.random() < 0.5 else r"^(?:the|their|his|her|its) "
    listed = _draw([", ", ", ", "; ", " and "], [1.0] * 4, rng).join(re.sub(articles, "", item) for item in items)
    return f"{begin}{_draw([', ', ': ', '; '], [0.7, 0.15, 0.15], rng)}{listed}" if begin else _capitalise(listed)


def _as_clause(parts: Sequence[str], subject: str, comma: bool, rng: np.random.Generator) -> str:
    """Subject, main phrase, "with a, b and c", then the fragments that are verb phrases.

    `comma` puts a comma before "with". By chance "with" is omitted or precedes the subject.
    """
    text, *others = parts
    with_phrases = [part.removeprefix("with ") for part in others if part.startswith("with ")]
    verbs = "".join(part for part in others if not part.startswith("with "))
    if not with_phrases:
        return _with_subject(subject, text + verbs, rng)
    *first, last = with_phrases
    listed = f"{', '.join(first)} and {last}" if first else last
    if " with " in f" {text}":
        return _with_subject(subject, text + (", " if first else " and ") + listed + verbs, rng)
    chance = rng.random()
    if chance < 0.1:
        before = _capitalise(listed if rng.random() < 0.4 else f"with {listed}")
        rest = _with_subject(subject, text + verbs, rng)
        return f"{before}, {rest[:1].lower()}{rest[1:]}"
    link = ", " if chance < 0.25 else ", with " if comma else " with "
    return _with_subject(subject, text + link + listed + verbs, rng)


def _with_subject(subject: str, text: str, rng: np.random.Generator) -> str:
    """The subject before the verb phrase. Without a subject the caption may be the posture's name ("Tree pose")."""
    if not subject:
        if rng.random() < 0.6:
            named = re.sub(r"^(?:doing|in) (?=(?:an?|the) )", "", text)
            if named != text and rng.random() < 0.6:
                named = re.sub(r"^(?:an?|the) ", "", named)
            text = named
        return _capitalise(text)
    gerund = re.match(r"(?:\w+ly )?\w+ing\b", text)
    if subject == "A person" and gerund and rng.random() < 0.12:
        subject = _draw(_SCENES, [1.0] * len(_SCENES), rng)
    return f"{subject} {text}"


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]


def _draw(options: Sequence[T], shares: Sequence[float], rng: np.random.Generator) -> T:
    total = np.cumsum(shares)
    return options[int(np.searchsorted(total, rng.random() * total[-1], side="right").clip(0, len(options) - 1))]
