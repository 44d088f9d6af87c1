"""Put the parts of a caption together: in one clause, in sentences, as a list. See `library.wording`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

import numpy as np

from mardm_batch.library.subjects import Subject

T = TypeVar("T")
PartKind = Literal["main", "with", "verb", "how", "statement"]
"""The verb phrase of the caption, a noun phrase after "with", a further verb phrase, an adverbial, a clause."""

_SCENES: Final = (
    "A person who is", "Someone who is", "A pose of a person", "Pose of a person", "A static pose of someone",
    "A person posing as if", "A person is posing as if", "A picture of a person",
)  # fmt: skip
"""May replace "A person" before a gerund."""
_REFERENCES: Final = ("A person", "The person", "The person", "They", "The figure", "Someone")
"""Subjects of a main sentence that comes after the statements."""
_LAST_LINKS: Final = ((" and ", 0.66), (", and ", 0.12), (" as well as ", 0.1), (", ", 0.06), (" but ", 0.06))
"""Before the last with-phrase."""
_STATEMENT_LINKS: Final = (
    (" and ", 0.5), (", and ", 0.12), (" while ", 0.14), (", ", 0.08), (", and also ", 0.04), (" but ", 0.06),
    (", yet ", 0.03), ("; ", 0.03),
)  # fmt: skip
"""Before the last of several statements."""
_VERBLESS: Final = re.compile(r"(?:(?:is |was )?(?:stand(?:s|ing)|stood) )?with (.+)")
_GERUND: Final = re.compile(r"(?:\w+ly )?\w+ing\b")


@dataclass(frozen=True)
class Part:
    """One entry's part of a caption, and the phrase of which it is made."""

    name: str
    phrase: str
    words: str
    kind: PartKind
    sided: bool = False
    """Whether its words, with what the other parts say, name a side."""


def draw(options: Sequence[tuple[T, float]], rng: np.random.Generator) -> T:
    """One of the options, each with its share."""
    rest = rng.random() * sum(share for _, share in options)
    for option, share in options:
        rest -= share
        if rest < 0.0:
            return option
    return next(option for option, share in reversed(options) if share)


def capitalise(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def as_clause(main: Part, parts: Sequence[Part], subject: Subject, comma: bool, rng: np.random.Generator) -> str:
    """Subject, main phrase, "with a, b and c", verb phrases and adverbials: all parts that are no statements.

    `comma` puts a comma before "with". By chance "with" is omitted or precedes the subject.
    """
    text = main.words
    with_phrases = [part.words for part in parts if part.kind == "with"]
    verbs = "".join(part.words for part in parts if part.kind == "verb")
    verbs += "".join(_adverbial(part.words, rng) for part in parts if part.kind == "how")
    if not with_phrases:
        return with_subject(subject, text + verbs, rng)
    listed = join(with_phrases, draw(_LAST_LINKS, rng))
    if " with " in f" {text}":
        return with_subject(subject, text + (", " if len(with_phrases) > 1 else " and ") + listed + verbs, rng)
    chance = rng.random()
    if chance < 0.1 and "the other " not in listed:
        before = capitalise(listed if rng.random() < 0.4 else f"with {listed}")
        rest = with_subject(subject, text + verbs, rng)
        return f"{before}, {rest[:1].lower()}{rest[1:]}"
    if chance < 0.25:
        link = ", "
    elif chance < 0.35:
        link = draw([(", keeping ", 1.0), (" keeping ", 1.0), (" while keeping ", 1.0), (" and has ", 1.0)], rng)
        if link == " and has " and _GERUND.match(text):
            link = ", having "
    else:
        link = ", with " if comma else " with "
    return with_subject(subject, text + link + listed + verbs, rng)


def as_sentences(
    main: Part, statements: Sequence[str], others: Sequence[Part], subject: Subject, rng: np.random.Generator
) -> str:
    """The statements as a sentence after the main one: "A person kneels. The left arm is raised"."""
    begin = as_clause(main, others, subject, comma=False, rng=rng)
    if len(statements) < 4 and rng.random() < 0.3:
        link = draw([(" while ", 0.6), (", ", 0.2), (", and ", 0.1), (", but ", 0.1)], rng)
        return f"{begin}{link}{join(statements, draw(_STATEMENT_LINKS, rng))}"
    return f"{begin}. {as_statements(statements, rng)}"


def as_statements_first(
    main: Part, statements: Sequence[str], others: Sequence[Part], subject: Subject, rng: np.random.Generator
) -> str:
    """The statements before the main sentence, or mixed with it: "The left arm is raised. The person is kneeling"."""
    rest = "".join(part.words if part.kind == "verb" else _adverbial(part.words, rng) for part in others)
    pronoun = f"{subject.pronoun} "
    referred = any(statement.lower().startswith(pronoun) for statement in statements)
    sentence = (_referring(main, subject) if referred else _finite(main, subject, rng)) + rest
    chance = rng.random()
    if chance < 0.6:
        return f"{as_statements(statements, rng)}. {capitalise(sentence)}"
    clauses = [*statements, sentence]
    if chance > 0.8:
        clauses.insert(int(rng.integers(len(statements))), clauses.pop())
    return capitalise(join([_uncapitalise(clause) for clause in clauses], draw(_STATEMENT_LINKS, rng)))


def as_statements(statements: Sequence[str], rng: np.random.Generator) -> str:
    """Several statements in one sentence, in two, or in one each."""
    chance = rng.random()
    if len(statements) < 2 or chance < 0.72:
        return capitalise(join(statements, draw(_STATEMENT_LINKS, rng)))
    if chance < 0.86 and len(statements) > 2:
        cut = int(rng.integers(1, len(statements)))
        return f"{capitalise(join(statements[:cut]))}. {capitalise(join(statements[cut:]))}"
    return ". ".join(capitalise(statement) for statement in statements)


def as_list(main: Part, parts: Sequence[Part], subject: Subject, upright: bool, rng: np.random.Generator) -> str:
    """The parts as a list: "Kneeling, left arm up, hands on hips"; "" where they cannot be listed.

    A person who is `upright` may also be said to stand.
    """
    text = main.words
    items = [part.words for part in parts]
    stands = _VERBLESS.fullmatch(text)
    if stands:
        items = [stands[1], *items]
        stand = 0.2 if upright else 0.0
        begin = draw([("", 0.6), ("Standing", stand), (with_subject(subject, "standing", rng), stand)], rng)
    else:
        begin = with_subject(subject, text, rng)
    if not items or " with " in begin:
        return ""
    articles = r"\b(?:the|their|his|her|its) " if rng.random() < 0.5 else r"^(?:the|their|his|her|its) "
    link = draw([(", ", 2.0), ("; ", 1.0), (" and ", 1.0 if len(items) < 3 else 0.0)], rng)
    listed = link.join(re.sub(articles, "", item) for item in items)
    return f"{begin}{draw([(', ', 0.7), (': ', 0.15), ('; ', 0.15)], rng)}{listed}" if begin else capitalise(listed)


def with_subject(subject: Subject, text: str, rng: np.random.Generator) -> str:
    """The subject before the verb phrase. Without a subject the caption may be the posture's name ("Tree pose")."""
    words = subject.text
    if not words:
        if rng.random() < 0.6:
            named = re.sub(r"^(?:doing|in) (?=(?:an?|the) )", "", text)
            if named != text and rng.random() < 0.6:
                named = re.sub(r"^(?:an?|the) ", "", named)
            text = named
        return capitalise(text)
    if words == "A person" and _GERUND.match(text) and rng.random() < 0.12:
        words = _SCENES[int(rng.integers(len(_SCENES)))]
    return f"{words} {text}"


def join(texts: Sequence[str], last: str = " and ") -> str:
    """A list of texts: "a, b and c"."""
    return last.join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else texts[0]


def verbless(main: Part) -> str:
    """What a main part says that has no verb but "stand" ("stands with the left arm raised"); else ""."""
    match = _VERBLESS.fullmatch(main.words)
    return match[1] if match else ""


def _finite(main: Part, subject: Subject, rng: np.random.Generator) -> str:
    """The main part, whose verb is finite, as a sentence: "The person is kneeling"."""
    who = subject.text
    if who in ("", "A person", "Person"):
        who = _REFERENCES[int(rng.integers(len(_REFERENCES)))]
    return f"They {agree_with_they(main.words)}" if who == "They" else f"{who} {main.words}"


def _referring(main: Part, subject: Subject) -> str:
    """The same after a statement that has named the subject by its pronoun: "He is kneeling", not "A man is …"."""
    words = agree_with_they(main.words) if subject.pronoun == "they" else main.words
    return f"{subject.pronoun} {words}"


def agree_with_they(text: str) -> str:
    """A finite verb phrase whose subject is "they": "is kneeling" becomes "are kneeling"."""
    text = re.sub(r"^is\b", "are", text)
    text = re.sub(r"^was\b", "were", text)
    text = re.sub(r"^has\b", "have", text)
    return re.sub(r"^does\b", "do", text)


def _uncapitalise(clause: str) -> str:
    return re.sub(r"^(The|A|An|They|He|She|It|Someone|Person|Somebody|One)\b", lambda match: match[0].lower(), clause)


def _adverbial(words: str, rng: np.random.Generator) -> str:
    return (" " if rng.random() < 0.7 else ", ") + words
