"""Put a composition of postures into words: one caption, and the phrases that it is made of.

In the data files a verb stands in angle brackets and is conjugated (`<stand>`: stands, standing), braces hold
alternatives (`{raising|lifting} {both|the} hands`, an empty one makes a word optional), and `{their}` follows the
subject. Phrases of `does` are verb phrases, those of `having` follow "with"; one of `sides` may end a main phrase that
names no side.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar

import numpy as np

from mardm_batch.library.synonyms import reworded
from mardm_batch.pose.sides import names_side

T = TypeVar("T")
_Chosen = Callable[[Sequence[str]], str]
"""One of several phrases, by chance."""

# Subject, its possessive, and how often.
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
_SHARE_OF_ROLES: Final = 0.1
"""How often one of these stands in the place of the subject."""
_PLACES: Final = (
    "in a park", "in the park", "at home", "in a room", "on the beach", "in the gym", "in a studio", "on a stage",
    "in front of a mirror", "in front of the camera", "for a photo", "in the kitchen", "in the garden", "on the grass",
    "in the street", "at work", "in an office", "during a workout", "during practice", "in class", "at a party",
    "in the sun", "in the rain", "at night", "in the morning", "on a mat", "in a dance studio", "after a long day",
    "before the game", "in the middle of a field", "outside", "indoors", "by the window", "next to a tree",
    "very still", "calmly", "confidently", "without moving", "in place",
)  # fmt: skip
"""What may end a caption and says nothing about the pose."""
_SHARE_OF_PLACES: Final = 0.07
_SHARE_OF_SIDES: Final = 0.35
"""How often a main phrase that names no side has one of `sides` added."""
_PRONOUNS: Final = ("He", "She")
_SCENES: Final = (
    "A person who is", "Someone who is", "A pose of a person", "Pose of a person", "A static pose of someone",
    "A person posing as if", "A person is posing as if", "A picture of a person",
)  # fmt: skip
"""What may stand before a gerund in the place of "A person"."""
_FORMS: Final = (("gerund", 0.5), ("third", 0.34), ("progressive", 0.13), ("past", 0.03))
_IRREGULAR: Final = {
    "be": ("is", ""),
    "have": ("has", "having"),
    "lie": ("lies", "lying"),
    "tie": ("ties", "tying"),
    "do": ("does", "doing"),
    "go": ("goes", "going"),
}
_IRREGULAR_PAST: Final = {
    "be": "was", "have": "had", "lie": "lay", "do": "did", "go": "went", "hold": "held", "stand": "stood",
    "sit": "sat", "bend": "bent", "put": "put", "kneel": "knelt", "make": "made", "take": "took", "swing": "swung",
    "throw": "threw", "bring": "brought", "get": "got", "thrust": "thrust", "sink": "sank", "strike": "struck",
    "draw": "drew", "lay": "laid", "keep": "kept", "give": "gave", "spread": "spread", "let": "let", "shoot": "shot",
    "say": "said", "hang": "hung", "feel": "felt", "hit": "hit", "drive": "drove", "set": "set", "wind": "wound",
    "hide": "hid", "fling": "flung", "catch": "caught", "run": "ran", "ride": "rode", "read": "read",
    "sleep": "slept", "slide": "slid", "shake": "shook", "fly": "flew", "eat": "ate", "write": "wrote",
    "stick": "stuck", "swear": "swore", "split": "split", "rise": "rose", "drink": "drank", "fall": "fell",
    "weep": "wept", "creep": "crept", "wake": "woke", "stride": "strode", "sing": "sang", "lead": "led",
    "leap": "leapt", "dive": "dived", "blow": "blew", "beat": "beat", "wring": "wrung", "win": "won",
    "think": "thought", "swim": "swam", "spin": "spun", "speak": "spoke", "sling": "slung", "shrink": "shrank",
    "see": "saw", "bite": "bit", "bid": "bid", "bear": "bore", "cast": "cast", "break": "broke", "fight": "fought",
    "flee": "fled", "dig": "dug", "feed": "fed", "hear": "heard", "send": "sent", "sweep": "swept", "wear": "wore",
    "spring": "sprang", "understand": "understood",
}  # fmt: skip
_LINKS: Final = ((", ", ", "), (": ", ", "), (", ", " and "), (", with ", " and "), (" with ", " and "), ("; ", ", "))
"""What stands before details that are added to a caption, and before the last of them."""
_REFLEXIVES: Final = {"his": "himself", "her": "herself", "its": "itself"}
_SHARE_STATED: Final = 0.15
"""How often what follows "with" becomes a statement of its own, where it can."""
_SHARE_LISTED: Final = 0.15
"""How often what follows "with" is listed without articles, as in notes."""
_BODY_PART: Final = re.compile(
    r"((?:the|both|one|their|his|her|its) )?((?:left|right) )?"
    r"((?:upper |fore)?arms?|hands?|elbows?|wrists?|legs?|knees?|foot|feet|thighs?|shins?|head|face|chin|torso"
    r"|upper body|back|shoulders?|chest|hips?|palms?|heels?|toes) (.+)"
)
_PLURAL: Final = re.compile(r"s$|feet")
_STANDS: Final = {
    "gerund": ("", "", "standing "),
    "third": ("stands ",),
    "progressive": ("is standing ",),
    "past": ("stood ",),
}
_STANDS_WITH: Final = re.compile(r"(?:(?:is )?(?:stand(?:s|ing)|stood) )?with (.+)")
_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_VERB: Final = re.compile(r"<(\w+)>")


@dataclass(frozen=True)
class Phrase:
    """The ways to say one entry; `implied` marks a plain stand, which need not be mentioned."""

    name: str
    does: tuple[str, ...]
    having: tuple[str, ...]
    implied: bool = False
    sides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wording:
    """A caption; the phrases that were said, as in the data files; the names of those that say left or right."""

    caption: str
    phrases: tuple[str, ...]
    sided: frozenset[str]


def put_into_words(phrases: Sequence[Phrase], rng: np.random.Generator, with_synonyms: bool = False) -> Wording:
    """A caption for a main phrase and its fragments, in the words of the data files or with synonyms of some."""
    chosen = partial(_one_of, rng=rng, with_synonyms=with_synonyms)
    subject, their = _draw([(s, t) for s, t, _ in _SUBJECTS], [share for *_, share in _SUBJECTS], rng)
    if subject and rng.random() < _SHARE_OF_ROLES:
        subject, their = _ROLES[int(rng.integers(len(_ROLES)))]
    form = _draw([form for form, _ in _FORMS], [share for _, share in _FORMS], rng) if subject else "gerund"
    if subject in _PRONOUNS and form == "gerund":
        form = "progressive"
    main, fragments = phrases[0], list(phrases[1:])
    if main.implied and fragments and rng.random() < 0.6:
        main = fragments.pop(int(rng.integers(len(fragments))))
    said = [_main(main, form, main.implied or main is not phrases[0], chosen, rng)] + [
        _fragment(fragment, form, chosen, rng) for fragment in fragments
    ]
    # What follows "with" comes first: after another verb it would be read as that verb's.
    said[1:] = sorted(said[1:], key=lambda part: not part.words.startswith("with "))
    said = [replace(part, words=_expanded(part.words, their, rng)) for part in said]
    words = [part.words for part in said]
    form_of_parts = rng.random()
    told_apart = ""
    if form_of_parts < _SHARE_STATED:
        told_apart = _stated(words, subject, rng)
    elif form_of_parts < _SHARE_STATED + _SHARE_LISTED:
        told_apart = _listed(words, subject, rng)
    text = told_apart or _joined(words, subject, apart=main is not phrases[0], rng=rng)
    if not told_apart and rng.random() < _SHARE_OF_PLACES:
        text = f"{text} {_PLACES[int(rng.integers(len(_PLACES)))]}"
    if rng.random() < 0.2:
        text = re.sub(r"(?<=[a-z])-(?=[a-z])|(?<=\bT)-(?=pose)", " ", text)
    if rng.random() < 0.15:
        text = text[:1].lower() + text[1:]
    return Wording(
        caption=text + ("." if rng.random() < 0.4 else ""),
        phrases=tuple(part.phrase for part in said),
        sided=frozenset(part.name for part in said if names_side(part.words)),
    )


def with_details(caption: str, details: Sequence[Phrase], rng: np.random.Generator) -> str:
    """A caption with more said after it: "Downward dog: the knees straight, both hands on the floor"."""
    said = [_expanded(_one_of(phrase.having, rng, with_synonyms=True), "their", rng) for phrase in details]
    link, last = _draw(_LINKS, [1.0] * len(_LINKS), rng)
    listed = last.join([", ".join(said[:-1]), said[-1]]) if len(said) > 1 else said[0]
    return f"{caption.rstrip('.')}{link}{listed}{'.' if rng.random() < 0.3 else ''}"


@dataclass(frozen=True)
class _Said:
    """One entry's part of a caption, and the phrase that it was made of."""

    name: str
    phrase: str
    words: str


def _one_of(phrases: Sequence[str], rng: np.random.Generator, with_synonyms: bool) -> str:
    phrase = phrases[int(rng.integers(len(phrases)))]
    return reworded(phrase, rng) if with_synonyms else phrase


def _expanded(text: str, their: str, rng: np.random.Generator) -> str:
    """Chooses among the alternatives in braces; `their` is the subject's possessive."""
    while match := _BRACES.search(text):
        options = [re.sub(r"\btheir\b", their, option) for option in match[1].split("|")]
        if match[1] == "their":
            options = [their, their, "the"]
        text = text[: match.start()] + options[int(rng.integers(len(options)))] + text[match.end() :]
    text = re.sub(r"\bthe own\b", "their own" if their == "the" else f"{their} own", text)
    text = re.sub(r"\bthemselves\b", _REFLEXIVES.get(their, "themselves"), text)
    return re.sub(r"\s+", " ", text).replace(" ,", ",").rstrip()


def _main(phrase: Phrase, form: str, upright: bool, chosen: _Chosen, rng: np.random.Generator) -> _Said:
    """The verb phrase that carries the caption, or "with …", which `upright` people also "stand with"."""
    silent = phrase.having and (upright or form == "gerund")
    if phrase.does and not (silent and rng.random() < 0.35):
        does = chosen(phrase.does)
        text = _conjugated(does, form)
        if phrase.sides and not names_side(text) and rng.random() < _SHARE_OF_SIDES:
            side = phrase.sides[int(rng.integers(len(phrase.sides)))]
            text += side if side.startswith(",") else f" {side}"
        return _Said(phrase.name, does, text)
    having = chosen(phrase.having)
    stand = _STANDS[form][int(rng.integers(len(_STANDS[form])))] if upright else ""
    return _Said(phrase.name, having, f"{stand}with {having}")


def _fragment(phrase: Phrase, form: str, chosen: _Chosen, rng: np.random.Generator) -> _Said:
    if phrase.having and (not phrase.does or rng.random() < 0.7):
        having = chosen(phrase.having)
        return _Said(phrase.name, having, "with " + having)
    does = chosen(phrase.does)
    ways = [(" and ", form), (" while ", "gerund"), (", ", "gerund")]
    link, inner = _draw(ways, [0.4, 0.3, 0.3], rng)
    # "and" needs the same form on both sides; after "is …ing" the second "is" is left out.
    words = _conjugated(does, "gerund" if inner == "progressive" else inner)
    return _Said(phrase.name, does, link + words)


def _stated(parts: Sequence[str], subject: str, rng: np.random.Generator) -> str:
    """What follows "with" as a statement: "A person kneels. The left arm is raised"; "" where that cannot be said."""
    text, *others = parts
    stands = _STANDS_WITH.fullmatch(text)
    states = [_BODY_PART.fullmatch(part.removeprefix("with ")) for part in ([stands[1]] if stands else []) + others]
    found = [state for state in states if state is not None]
    if not found or len(found) < len(states):
        return ""
    said = [
        f"{state[1] or 'the '}{state[2] or ''}{state[3]} {'are' if _PLURAL.search(state[3]) else 'is'} {state[4]}"
        for state in found
    ]
    statement = f"{', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else said[0]
    if stands:
        return _capitalised(re.sub(r"\b(their|his|her|its)\b", "the", statement))
    return f"{_with_subject(subject, text, rng)}. {_capitalised(statement)}"


def _listed(parts: Sequence[str], subject: str, rng: np.random.Generator) -> str:
    """What follows "with" as in notes: "Kneeling, left arm up, hands on hips"; "" where there is nothing such."""
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
    return f"{begin}{_draw([', ', ': ', '; '], [0.7, 0.15, 0.15], rng)}{listed}" if begin else _capitalised(listed)


def _joined(parts: Sequence[str], subject: str, apart: bool, rng: np.random.Generator) -> str:
    """The whole caption: subject, main phrase, "with a, b and c", then the fragments that are verbs.

    `apart` sets the "with" off by a comma; it may also be left out, or go before the subject.
    """
    text, *others = parts
    having = [part.removeprefix("with ") for part in others if part.startswith("with ")]
    verbs = "".join(part for part in others if not part.startswith("with "))
    if not having:
        return _with_subject(subject, text + verbs, rng)
    *first, last = having
    listed = f"{', '.join(first)} and {last}" if first else last
    if " with " in f" {text}":
        return _with_subject(subject, text + (", " if first else " and ") + listed + verbs, rng)
    chance = rng.random()
    if chance < 0.1:
        before = _capitalised(listed if rng.random() < 0.4 else f"with {listed}")
        rest = _with_subject(subject, text + verbs, rng)
        return f"{before}, {rest[:1].lower()}{rest[1:]}"
    link = ", " if chance < 0.25 else ", with " if apart else " with "
    return _with_subject(subject, text + link + listed + verbs, rng)


def _with_subject(subject: str, text: str, rng: np.random.Generator) -> str:
    """The subject before the verb; without one a posture may be named alone ("Tree pose", "Low plank")."""
    if not subject:
        if rng.random() < 0.6:
            named = re.sub(r"^(?:doing|in) (?=(?:an?|the) )", "", text)
            if named != text and rng.random() < 0.6:
                named = re.sub(r"^(?:an?|the) ", "", named)
            text = named
        return _capitalised(text)
    gerund = re.match(r"(?:\w+ly )?\w+ing\b", text)
    if subject == "A person" and gerund and rng.random() < 0.12:
        subject = _draw(_SCENES, [1.0] * len(_SCENES), rng)
    return f"{subject} {text}"


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _conjugated(text: str, form: str) -> str:
    verbs = 0

    def inflect(match: re.Match[str]) -> str:
        nonlocal verbs
        verbs += 1
        verb = match[1]
        third, gerund = _IRREGULAR.get(verb) or (_third_person(verb), _gerund(verb))
        if verb == "be" and form == "gerund" and re.match(r" \{?(?:an?|the)\b", text[match.end() :]):
            return "posing as"  # "a person a goalkeeper" is none
        if form == "third":
            return third
        if form == "past":
            return _IRREGULAR_PAST.get(verb) or _past(verb)
        return f"is {gerund}" if form == "progressive" and verbs == 1 else gerund

    return re.sub(r"\s+", " ", _VERB.sub(inflect, text)).strip()


def _third_person(verb: str) -> str:
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        return verb + "es"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"


def _past(verb: str) -> str:
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ied"
    return _gerund(verb).removesuffix("ing") + "ed"  # a consonant is doubled as there


def _gerund(verb: str) -> str:
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return verb[:-1] + "ing"
    short = re.fullmatch(r"[^aeiou]*(qu)?[aeiou][^aeiouwxy]", verb)
    return verb + verb[-1] + "ing" if short else verb + "ing"


def _draw(options: Sequence[T], shares: Sequence[float], rng: np.random.Generator) -> T:
    total = np.cumsum(shares)
    return options[int(np.searchsorted(total, rng.random() * total[-1], side="right").clip(0, len(options) - 1))]
