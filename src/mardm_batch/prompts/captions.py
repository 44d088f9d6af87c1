"""The one spelling of a caption: NFC, without invisible marks, on one line.

Captions that look the same are the same. Marks that change what a reader sees stay: joiners inside words of scripts
that join letters (Arabic, Indic, Mongolian, …) and inside emoji, and variation selectors after what has variants.
"""

import re
import unicodedata
from typing import Final

_DROPPED = (
    "\u00ad\u034f\u061c\u17b4\u17b5\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
)
_JOINERS = "\u180e\u200c\u200d"  # Mongolian vowel separator, zero-width non-joiner and joiner
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_TAGS = "\U000e0000-\U000e007f"
_HANGUL_FILLERS = "\u115f\u1160"
_INVISIBLE = re.compile(f"[{_DROPPED}{_HANGUL_FILLERS}{_JOINERS}{_SELECTORS}{_TAGS}]")
_WITHOUT_EFFECT = re.compile(
    f"[{_DROPPED}]|\u115f\u1160+(?![\u11a8-\u11ff])|\u115f(?![\u1160-\u11ff])|(?<![\u1100-\u115f])\u1160"
)
_FLAG_OR_TAGS = re.compile(f"(\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f)|[{_TAGS}]")
_SELECTOR = re.compile(f"[{_SELECTORS}]")
_JOINER = re.compile(f"[{_JOINERS}]+")
_LINE_START = re.compile("^[\ufeff\u200b\u200e\u200f\u2060]+", re.MULTILINE)
_SPACE = re.compile("[\u00a0\u2000-\u200a\u202f\u205f]")  # look like a space, or like a narrow one
_LINE_BREAK = re.compile(r"[\r\n]+")
_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f]")
_CONTROL_OF_ONE_LINE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

# Scripts in which a joiner changes the letters beside it: Arabic to Syriac, NKo, Indic, Tibetan, Myanmar, Khmer,
# Mongolian, Balinese and relatives, presentation forms, Indic scripts beyond the basic plane.
_JOINING: Final = re.compile(
    "[\u0600-\u077f\u07c0-\u07ff\u0840-\u0dff\u0f00-\u109f\u1780-\u18af\u1a20-\u1cff\ua800-\uaaff\uabc0-\uabff"
    "\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00010fff\U00011000-\U00011fff\U0001e900-\U0001e95f]"
)
_VIRAMA_CLASS: Final = 9  # canonical combining class


def normalize_caption(text: str) -> str:
    """The text in NFC, without invisible marks and surrounding space, its lines joined by spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", _SPACE.sub(" ", _without_invisible(text)))
    text = text.strip()
    if "\n" in text or "\r" in text:
        return " ".join(filter(None, map(str.strip, _LINE_BREAK.split(text))))
    return text


def drop_marks_at_line_starts(text: str) -> str:
    """The text without byte-order marks and the like before its lines, where they would hide markup and keys."""
    return text if text.isascii() else _LINE_START.sub("", text)


def find_control_character(text: str, line_breaks: str = "\n") -> int | None:
    r"""The index of the first control character, if any, except tabs and line breaks (`\n`, or also `\r`)."""
    found = (_CONTROL if line_breaks == "\n" else _CONTROL_OF_ONE_LINE).search(text)
    return None if found is None else found.start()


def _without_invisible(text: str) -> str:
    if not _INVISIBLE.search(text):
        return text
    text = _WITHOUT_EFFECT.sub("", text)
    text = _FLAG_OR_TAGS.sub(lambda tags: tags[1] or "", text)
    text = _SELECTOR.sub(_selector_with_effect, text)
    return _JOINER.sub(_joiner_with_effect, text)


def _selector_with_effect(selector: re.Match[str]) -> str:
    """The variation selector after a symbol or a letter of a script with variants, and in keycaps; else nothing."""
    text, start = selector.string, selector.start()
    before = text[start - 1 : start]
    keycap = before.isascii() and before in "0123456789#*" and text[start + 1 : start + 2] == "\u20e3"
    has_variants = before in "©®" or (before >= "\u1000" and not "\u1e00" <= before <= "\u1fff")
    plain = not before or before.isspace() or _INVISIBLE.match(before)
    return selector[0] if not plain and (keycap or has_variants) else ""


def _joiner_with_effect(joiners: re.Match[str]) -> str:
    """The first joiner where it changes what is seen; else nothing."""
    text, joiner = joiners.string, joiners[0][0]
    before, after = text[: joiners.start()][-1:], text[joiners.end() :][:1]
    letter_before, letter_after = (bool(_JOINING.match(each)) for each in (before, after))
    if joiner == "\u200d":
        kept = letter_before or letter_after or (_in_emoji(before) and _in_emoji(after))
    else:
        kept = letter_before and (letter_after or unicodedata.combining(before) == _VIRAMA_CLASS)
    return joiner if kept else ""


def _in_emoji(character: str) -> bool:
    return bool(character) and (
        unicodedata.category(character) in ("So", "Sk") or character in "\ufe0f\U000e007f\u2194\u2195"
    )
