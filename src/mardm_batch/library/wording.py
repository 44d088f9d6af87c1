"""Compose the caption of a posture from the phrases of its entries.

In the data files a verb stands in angle brackets and is conjugated (`<stand>`: stands, standing), braces hold
alternatives (`{raising|lifting} {both|the} hands`; an empty one makes a word optional), and `{their}` is the subject's
possessive.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from mardm_batch.library.assembly import (
    Part,
    agree_with_they,
    as_clause,
    as_list,
    as_sentences,
    as_statements,
    as_statements_first,
    draw,
    verbless,
)
from mardm_batch.library.grammar import Form, conjugate
from mardm_batch.library.subjects import Subject, draw_subject
from mardm_batch.library.synonyms import substitute_synonyms
from mardm_batch.pose.sides import names_side, swap_sides

_ChoosePhrase = Callable[[Sequence[str]], str]
"""Draws one of several phrases."""

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
_FORMS: Final[tuple[tuple[Form, float], ...]] = (
    ("gerund", 0.5),
    ("third", 0.34),
    ("progressive", 0.13),
    ("past", 0.03),
)
_STATED_SHARE: Final = 0.12
"""Share of captions of a posture with statements of its own that are statements only."""
_STYLES: Final = (("clause", 0.52), ("sentences", 0.16), ("statements first", 0.16), ("list", 0.16))
_LINKS: Final = ((", ", ", "), (": ", ", "), (", ", " and "), (", with ", " and "), (" with ", " and "), ("; ", ", "))
"""Separators before the details that are appended to a caption, and before the last of them."""
_REFLEXIVES: Final = {"his": "himself", "her": "herself", "its": "itself"}
_BODY_PART: Final = re.compile(
    r"((?:the|both|one|each|neither|their|his|her|its) )?((?:left|right|other) )?"
    r"((?:upper |fore)?arms?|forearms?|hands?|elbows?|wrists?|legs?|knees?|foot|feet|thighs?|shins?|heels?|ankles?"
    r"|head|face|chin|nose|neck|eyes|gaze|torso|trunk|upper body|body|back|spine|shoulders?|chest|hips?|waist|palms?"
    r"|fists?|fingers|toes|soles?|weight) (?!of |to |and |or )(.+)"
)
_PLURAL: Final = re.compile(r"s$|feet")
_OTHER_SHARE: Final = 0.25
"""Share of second phrases of an arm or a leg that say "the other arm"."""
_ONE_LIMB: Final = re.compile(r"\b(?:the |their |his |her |its |)(left|right) (arm|hand|elbow|leg|foot|knee|heel)\b")
_LIMBS: Final = {
    "arm": "arm", "hand": "arm", "elbow": "arm", "leg": "leg", "foot": "leg", "knee": "leg", "heel": "leg",
}  # fmt: skip
_STAND_VERBS: Final[dict[Form, tuple[str, ...]]] = {
    "gerund": ("", "", "standing "),
    "third": ("stands ",),
    "progressive": ("is standing ",),
    "past": ("stood ",),
}
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
    how_phrases: tuple[str, ...] = ()
    """Adverbials: "without bending the knees"."""
    statements: tuple[str, ...] = ()
    """Clauses of their own: "neither knee is bent"."""


@dataclass(frozen=True)
class Wording:
    """A caption and what it is composed of."""

    caption: str
    phrases: tuple[str, ...]
    """As in the data files, except for synonyms."""
    sided: frozenset[str]
    """Names of the entries whose phrases name a side."""


@dataclass(frozen=True)
class _Speaker:
    """The choices that hold for a whole caption."""

    subject: Subject
    form: Form
    choose: _ChoosePhrase
    rng: np.random.Generator

    def expand(self, text: str) -> str:
        return _expand(text, self.subject.their, self.rng)


def compose_caption(entries: Sequence[EntryPhrases], rng: np.random.Generator, with_synonyms: bool = False) -> Wording:
    """A random caption of a main entry and its fragments.

    Args:
        entries: the main entry's phrases, then those of its fragments.
        rng: random generator.
        with_synonyms: whether to replace some words by synonyms.
    """
    subject = draw_subject(rng)
    form = draw(_FORMS, rng) if subject.text else "gerund"
    if subject.text in ("He", "She") and form == "gerund":
        form = "progressive"
    speaker = _Speaker(subject, form, partial(_choose_phrase, rng=rng, with_synonyms=with_synonyms), rng)
    main, fragments = entries[0], list(entries[1:])
    if len(fragments) > 1 and rng.random() < 0.7:
        fragments = [fragments[index] for index in rng.permutation(len(fragments))]
    style = draw(_STYLES, rng) if fragments else "clause"
    if main.statements and rng.random() < _STATED_SHARE:
        style = "stated"
    text, parts = _COMPOSERS[style](main, fragments, speaker)
    if rng.random() < 0.2:
        text = re.sub(r"(?<=[a-z])-(?=[a-z])|(?<=\bT)-(?=pose)", " ", text)
    if rng.random() < 0.15:
        text = text[:1].lower() + text[1:]
    return Wording(
        caption=text + ("." if rng.random() < 0.4 else ""),
        phrases=tuple(part.phrase for part in parts),
        sided=frozenset(part.name for part in parts if part.sided or names_side(part.words)),
    )


def append_details(caption: str, details: Sequence[EntryPhrases], rng: np.random.Generator) -> str:
    """A caption followed by details: "Downward dog: the knees straight, both hands on the floor"."""
    texts = [_expand(_choose_phrase(each.with_phrases, rng, with_synonyms=True), "their", rng) for each in details]
    link, last = draw([(each, 1.0) for each in _LINKS], rng)
    listed = last.join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else texts[0]
    return f"{caption.rstrip('.')}{link}{listed}{'.' if rng.random() < 0.3 else ''}"


def _compose_clause(main: EntryPhrases, fragments: list[EntryPhrases], speaker: _Speaker) -> tuple[str, list[Part]]:
    rng = speaker.rng
    named = main
    if main.implied and fragments and rng.random() < 0.6:
        index = _first_that(fragments, lambda each: bool(each.verb_phrases or each.with_phrases))
        named = fragments.pop(index) if index is not None else main
    first = _main_part(named, main.implied, speaker)
    parts = [_fragment_part(fragment, speaker) for fragment in fragments]
    # With-phrases come first: after the verb of another fragment they would seem to belong to it.
    parts.sort(key=lambda part: part.kind != "with")
    first, *parts = _say_other([first, *parts], rng)
    text = as_clause(first, parts, speaker.subject, comma=named is not main, rng=rng)
    if rng.random() < _PLACE_SHARE:
        text = f"{text} {_PLACES[int(rng.integers(len(_PLACES)))]}"
    return text, [first, *parts]


def _compose_sentences(main: EntryPhrases, fragments: list[EntryPhrases], speaker: _Speaker) -> tuple[str, list[Part]]:
    rng = speaker.rng
    if main.implied and rng.random() < 0.5:
        said = _say_other([_statement_part(fragment, speaker) for fragment in fragments], rng)
        return as_statements([part.words for part in said], rng), said
    first = _main_part(main, main.implied, speaker)
    outside, said = _split_fragments(fragments, speaker)
    stands = verbless(first)
    if stands and _BODY_PART.fullmatch(stands):
        said = [replace(first, words=_state(stands, speaker), kind="statement"), *said]
        return as_statements([part.words for part in said], rng), [*said, *outside] if not outside else said
    return as_sentences(first, [part.words for part in said], outside, speaker.subject, rng), [first, *outside, *said]


def _compose_statements_first(
    main: EntryPhrases, fragments: list[EntryPhrases], speaker: _Speaker
) -> tuple[str, list[Part]]:
    first = _main_part(main, main.implied, speaker, finite=True)
    outside, said = _split_fragments(fragments, speaker)
    outside = [part for part in outside if part.kind != "with"]
    text = as_statements_first(first, [part.words for part in said], outside, speaker.subject, speaker.rng)
    return text, [first, *outside, *said]


def _compose_list(main: EntryPhrases, fragments: list[EntryPhrases], speaker: _Speaker) -> tuple[str, list[Part]]:
    rng = speaker.rng
    named = main
    if main.implied and rng.random() < 0.6:
        index = _first_that(fragments, lambda each: bool(each.with_phrases))
        named = fragments.pop(index) if index is not None else main
    first = _main_part(named, main.implied, speaker)
    parts = _say_other([first, *(_listed_part(fragment, speaker) for fragment in fragments)], rng)
    text = as_list(parts[0], parts[1:], speaker.subject, main.implied, rng)
    if not text:
        text = as_clause(parts[0], parts[1:], speaker.subject, comma=named is not main, rng=rng)
    return text, parts


def _compose_stated(main: EntryPhrases, fragments: list[EntryPhrases], speaker: _Speaker) -> tuple[str, list[Part]]:
    """Statements only, of the posture as well: "The left knee is on the floor. The right arm is raised"."""
    rng = speaker.rng
    phrase = speaker.choose(main.statements)
    said = [_statement_part(fragment, speaker) for fragment in fragments]
    said.insert(0 if rng.random() < 0.7 else len(said), Part(main.name, phrase, speaker.expand(phrase), "statement"))
    return as_statements([part.words for part in said], rng), said


_COMPOSERS: Final = {
    "clause": _compose_clause,
    "sentences": _compose_sentences,
    "statements first": _compose_statements_first,
    "list": _compose_list,
    "stated": _compose_stated,
}


def _first_that(fragments: Sequence[EntryPhrases], fits: Callable[[EntryPhrases], bool]) -> int | None:
    return next((index for index, each in enumerate(fragments) if fits(each)), None)


def _split_fragments(fragments: Sequence[EntryPhrases], speaker: _Speaker) -> tuple[list[Part], list[Part]]:
    """Some fragments as verb phrases or adverbials of the main sentence, and at least one as a statement."""
    outside: list[Part] = []
    said = list(fragments)
    if len(said) > 1 and speaker.rng.random() < 0.2:
        part = _fragment_part(said[0], speaker)
        if part.kind in ("verb", "how"):
            outside, said = [part], said[1:]
    return outside, _say_other([_statement_part(fragment, speaker) for fragment in said], speaker.rng)


def _say_other(parts: list[Part], rng: np.random.Generator) -> list[Part]:
    """The parts with "the other arm" in one of them, by chance, after one that names the arm or leg of one side."""
    if rng.random() >= _OTHER_SHARE:
        return parts
    named: set[tuple[str, str]] = set()
    for index, part in enumerate(parts):
        match = _ONE_LIMB.search(part.words)
        rest = part.words[match.end() :] if match else ""
        if match is None or names_side(part.words[: match.start()]) or part.kind in ("how", "verb"):
            continue
        limb = _LIMBS[match[2]]
        if not names_side(rest) and (swap_sides(match[1]), limb) in named and index:
            other = replace(part, words=f"{part.words[: match.start()]}the other {match[2]}{rest}", sided=True)
            return [*parts[:index], other, *parts[index + 1 :]]
        named.add((match[1], limb))
    return parts


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
    return re.sub(r"\s+", " ", text).replace(" ,", ",").strip()


def _main_part(entry: EntryPhrases, upright: bool, speaker: _Speaker, finite: bool = False) -> Part:
    """The verb phrase of the caption, or a with-phrase, before which an `upright` person may also "stand".

    `finite` asks for "is kneeling", whatever the form of the caption.
    """
    rng, form = speaker.rng, speaker.form
    if finite:
        form = "progressive"
    with_allowed = entry.with_phrases and (upright or form == "gerund")
    if entry.verb_phrases and not (with_allowed and rng.random() < 0.35):
        verb_phrase = speaker.choose(entry.verb_phrases)
        text = conjugate(verb_phrase, "third" if finite and verb_phrase.startswith("<be>") else form)
        if entry.side_phrases and not names_side(text) and rng.random() < _SIDE_PHRASE_SHARE:
            side = entry.side_phrases[int(rng.integers(len(entry.side_phrases)))]
            text += side if side.startswith(",") else f" {side}"
        return Part(entry.name, verb_phrase, speaker.expand(text), "main")
    with_phrase = speaker.choose(entry.with_phrases)
    stand = _STAND_VERBS[form][int(rng.integers(len(_STAND_VERBS[form])))] if upright else ""
    return Part(entry.name, with_phrase, f"{stand}with {speaker.expand(with_phrase)}", "main")


def _fragment_part(entry: EntryPhrases, speaker: _Speaker) -> Part:
    """A with-phrase, a further verb phrase or an adverbial."""
    rng = speaker.rng
    kinds = [
        ("with", 0.65 if entry.with_phrases else 0.0),
        ("verb", 0.3 if entry.verb_phrases else 0.0),
        ("how", 0.3 if entry.how_phrases else 0.0),
    ]
    kind = draw(kinds, rng)
    if kind == "with":
        phrase = speaker.choose(entry.with_phrases)
        return Part(entry.name, phrase, speaker.expand(phrase), "with")
    if kind == "how":
        phrase = speaker.choose(entry.how_phrases)
        return Part(entry.name, phrase, speaker.expand(phrase), "how")
    phrase = speaker.choose(entry.verb_phrases)
    links: list[tuple[tuple[str, Form], float]] = [
        ((" and ", speaker.form), 0.36), ((" while ", "gerund"), 0.28), ((", ", "gerund"), 0.28),
        ((" and also ", speaker.form), 0.05), ((" but ", speaker.form), 0.03),
    ]  # fmt: skip
    link, inner = draw(links, rng)
    # "and" joins two verbs of the same form; after "is …ing" the second "is" is omitted.
    words = conjugate(phrase, "gerund" if inner == "progressive" else inner)
    return Part(entry.name, phrase, link + speaker.expand(words), "verb")


def _listed_part(entry: EntryPhrases, speaker: _Speaker) -> Part:
    """A part of a list: a noun phrase, else a gerund."""
    if entry.with_phrases:
        phrase = speaker.choose(entry.with_phrases)
        return Part(entry.name, phrase, speaker.expand(phrase), "with")
    phrase = speaker.choose(entry.verb_phrases)
    return Part(entry.name, phrase, speaker.expand(conjugate(phrase, "gerund")), "with")


def _statement_part(entry: EntryPhrases, speaker: _Speaker) -> Part:
    """A clause with its own subject: "the left arm is raised", "she is raising the left arm"."""
    rng = speaker.rng
    kinds = [
        ("own", 0.4 if entry.statements else 0.0),
        ("with", 0.75 if entry.with_phrases else 0.0),
        ("verb", 0.25 if entry.verb_phrases else 0.0),
    ]
    kind = draw(kinds, rng)
    if kind == "own":
        phrase = speaker.choose(entry.statements)
        return Part(entry.name, phrase, speaker.expand(phrase), "statement")
    if kind == "with":
        phrase = speaker.choose(entry.with_phrases)
        return Part(entry.name, phrase, _state(speaker.expand(phrase), speaker), "statement")
    phrase = speaker.choose(entry.verb_phrases)
    form: Form = "third" if phrase.startswith("<be>") else "progressive"
    words = speaker.expand(conjugate(phrase, form))
    return Part(entry.name, phrase, _with_pronoun(words, speaker), "statement")


def _state(noun_phrase: str, speaker: _Speaker) -> str:
    """A noun phrase as a clause: "the left arm raised" becomes "the left arm is raised"."""
    match = _BODY_PART.fullmatch(noun_phrase)
    if match is None:
        return _with_pronoun(f"has {noun_phrase}", speaker)
    past = speaker.form == "past"
    plural = _PLURAL.search(match[3]) is not None and not (match[1] or "").startswith(("each", "neither"))
    verb = ("were" if plural else "was") if past else ("are" if plural else "is")
    return f"{match[1] or 'the '}{match[2] or ''}{match[3]} {verb} {match[4]}"


def _with_pronoun(finite: str, speaker: _Speaker) -> str:
    pronoun = speaker.subject.pronoun
    return f"{pronoun} {agree_with_they(finite) if pronoun == 'they' else finite}"
