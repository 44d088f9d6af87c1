"""Forms of English verbs, which stand in angle brackets in the data files: `<stand> on one leg`."""

import re
from typing import Final, Literal

Form = Literal["gerund", "third", "progressive", "past"]
"""standing | stands | is standing | stood."""

_IRREGULAR_PRESENT: Final = {
    "be": ("is", ""),
    "have": ("has", "having"),
    "lie": ("lies", "lying"),
    "tie": ("ties", "tying"),
    "do": ("does", "doing"),
    "go": ("goes", "going"),
    "goosestep": ("goosesteps", "goosestepping"),
    "mimic": ("mimics", "mimicking"),
    "rappel": ("rappels", "rappelling"),
    "sidestep": ("sidesteps", "sidestepping"),
    "unwrap": ("unwraps", "unwrapping"),
    "uppercut": ("uppercuts", "uppercutting"),
}
"""Third person singular and gerund, where the rules below do not give them."""
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
    "spring": "sprang", "understand": "understood", "come": "came", "cut": "cut", "grind": "ground", "lose": "lost",
    "pay": "paid", "ring": "rang", "tear": "tore", "undo": "undid", "uppercut": "uppercut",
}  # fmt: skip
_VERB: Final = re.compile(r"<(\w+)>")


def conjugate(text: str, form: Form) -> str:
    """A phrase with its verbs in a form: `<sit> and <read>` is "sits and reads", "is sitting and reading", ..."""
    verbs = 0

    def inflect(match: re.Match[str]) -> str:
        nonlocal verbs
        verbs += 1
        verb = match[1]
        third, gerund = _IRREGULAR_PRESENT.get(verb) or (_third_person(verb), _gerund(verb))
        if verb == "be" and form == "gerund" and re.match(r" \{?(?:an?|the)\b", text[match.end() :]):
            return "posing as"  # not "a person being a goalkeeper"
        if form == "third":
            return third
        if form == "past":
            return _IRREGULAR_PAST.get(verb) or _past(verb, gerund)
        return f"is {gerund}" if form == "progressive" and verbs == 1 else gerund

    return re.sub(r"\s+", " ", _VERB.sub(inflect, text)).strip()


def _third_person(verb: str) -> str:
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        return verb + "es"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"


def _past(verb: str, gerund: str) -> str:
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ied"
    return gerund.removesuffix("ing") + "ed"  # the same rule doubles the consonant


def _gerund(verb: str) -> str:
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return verb[:-1] + "ing"
    short = re.fullmatch(r"[^aeiou]*(qu)?[aeiou][^aeiouwxy]", verb)
    return verb + verb[-1] + "ing" if short else verb + "ing"
