"""The forms that lists of captions have in other programs: what in them is not caption is set aside.

A form is taken for one only where nearly all captions have it; the others then stay as they are.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mardm_batch.constants import FRAMES_PER_TOKEN
from mardm_batch.prompts.captions import normalize_caption
from mardm_batch.prompts.prompt_file import Entry, PromptFile
from mardm_batch.system.terminal import counted

_EXCEPTIONS: Final = 10  # of so many captions one may lack a form
_MIN_FRAMES: Final = 16  # shorter clips are not in lists; smaller numbers count persons or steps
_SUBJECT = r"(?:a|an|the|someone|somebody|he|she|they|man|woman|person|human|figure|his|her)\b"


def nearly_all(count: int, total: int) -> bool:
    return total > 0 and total - count <= total // _EXCEPTIONS


class Tally:
    """Counts what is set aside and reports it once."""

    def __init__(self, file: PromptFile) -> None:
        self.file = file
        self.counts: Counter[str] = Counter()

    def add(self, what: str) -> None:
        self.counts[what] += 1

    def report(self) -> None:
        """Add the counts to what the file sets aside."""
        self.file.set_aside += [f"{count} {what}{'s' * (count > 1)}" for what, count in self.counts.items()]


def set_aside_forms(entries: list[Entry], file: PromptFile) -> list[Entry]:
    """The entries without what is not caption in the lists of other programs.

    Ids become the column `id`, and lengths those of clips where the file's lengths are read.
    """
    for form in FORMS:
        matches = form.match(entries)
        if matches is not None:
            reads_length = form.is_length and file.reads_lengths
            entries = [
                entry if match is None else _without_form(entry, match, reads_length)
                for entry, match in zip(entries, matches, strict=True)
            ]
            found = [match for match in matches if match is not None]
            words = f"{form.what} of {len(found)} of {len(matches)} captions"
            lengths = _numbers(found) if reads_length else []
            if lengths:
                file.warnings.append(f"{file.path}: {words} is that of the clip{_rounding(lengths)}")
            else:
                file.set_aside.append(words)
    return entries


def _rounding(lengths: Sequence[int]) -> str:
    """What a message says of lengths that no clip has."""
    odd = sum(length % FRAMES_PER_TOKEN > 0 for length in lengths)
    return f", {odd} rounded down to a multiple of {FRAMES_PER_TOKEN} frames" if odd else ""


Matches = Sequence[re.Match[str]]


@dataclass(frozen=True)
class Form:
    """A form of whole captions. `pattern` has a group `caption`, and `id` where that is kept."""

    what: str
    pattern: re.Pattern[str]
    is_plausible: Callable[[Matches, int], bool] = lambda matches, total: True
    """Whether the matches, out of so many captions, mean what the form means."""
    is_length: bool = False
    """Whether the group `number` is the length of a clip in frames."""

    def match(self, entries: Sequence[Entry]) -> list[re.Match[str] | None] | None:
        """A match for each entry that has the form; None where too few have it."""
        found: list[re.Match[str] | None] = []
        misses, allowed = 0, len(entries) // _EXCEPTIONS
        for entry in entries:
            match = self.pattern.fullmatch(entry.caption)
            misses += match is None
            if misses > allowed:
                return None
            found.append(match)
        return found if self.is_plausible([each for each in found if each], len(found)) else None


def _without_form(entry: Entry, match: re.Match[str], reads_length: bool) -> Entry:
    groups = match.groupdict()
    source: dict[str, Any] = dict(entry.source)
    if "id" in groups:
        source.setdefault("id", groups["id"])
    frames = entry.frames
    if reads_length and match["number"].isdecimal():
        frames = int(match["number"]) // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN
    return Entry(normalize_caption(match["caption"]), source, frames)


def _numbers(matches: Matches) -> list[int]:
    return [int(match["number"]) for match in matches if match["number"].isdecimal()]


def _is_enumeration(numbers: Sequence[int]) -> bool:
    steps = sum(later == earlier + 1 for earlier, later in zip(numbers, numbers[1:], strict=False))
    return len(numbers) > 2 and nearly_all(steps, len(numbers) - 1)


def _are_lengths(matches: Matches, total: int) -> bool:
    """Whether the numbers after # are lengths: certain without a space before it, else where they do not enumerate."""
    numbers = _numbers(matches)
    return not any(match["space"] for match in matches) or (
        all(number >= _MIN_FRAMES for number in numbers) and not _is_enumeration(numbers)
    )


def _are_leading_lengths(matches: Matches, total: int) -> bool:
    """Whether every caption has a length before it; of one or two captions only before a subject."""
    starts = [re.match(_SUBJECT, match["caption"], re.IGNORECASE) for match in matches]
    lengths = min(_numbers(matches), default=0) >= _MIN_FRAMES and (total > 2 or all(starts))
    return len(matches) == total and lengths


def _are_leading_numbers(matches: Matches, total: int) -> bool:
    """Whether numbers without a dot enumerate captions, rather than count persons or steps in them."""
    sentences = [match for match in matches if re.match(rf"[A-Z]|{_SUBJECT}(?<!person)", match["caption"])]
    return _is_enumeration(_numbers(matches)) and nearly_all(len(sentences), len(matches))


def _are_ids(matches: Matches, total: int) -> bool:
    """Whether the words before a separator are ids: they have digits, or a caption of several words beside them."""
    ids = [match for match in matches if re.search(r"\d", match["id"]) or " " in match["caption"]]
    return nearly_all(len(ids), len(matches))


def _are_sentences(matches: Matches, total: int) -> bool:
    """Whether the captions before a separator have several words."""
    return nearly_all(sum(" " in match["caption"] for match in matches), len(matches))


_BULLETS = (
    "\u2022\u2023\u2043\u204c\u2219\u00b7\u25a0\u25a1\u25aa\u25ab\u25ba\u25b6\u25b8\u25cb\u25cf\u25c6\u25c7\u25e6"
    "\u27a4\u27a2\u2192\u2605\u2713\u2714"
)
_ID = r"(?P<id>[\w.:/-]{1,64})"
FORMS: Final = (
    Form(
        "the bullet or number",
        re.compile(rf"(?:[{_BULLETS}]\ufe0f?\s*|[\u2013\u2014]\s+|\(\d{{1,6}}\)\s+)(?P<caption>\S.*)"),
    ),
    Form(
        "words with parts of speech after # (HumanML3D)",
        re.compile(r"(?P<caption>[^#]*[^#\s])\s*#\s*[^\s#/]*/[^\s#]+(?:\s+[^\s#/]*/[^\s#]+)*\s*(?:#[^#\s]*){0,2}\s*#?"),
    ),
    Form(
        "the length after #",
        re.compile(r"(?P<caption>.*[^\s#])(?P<space>\s*)#\s?(?P<number>\d{1,5}|[Nn][Aa]|[Nn]a[Nn]|None)"),
        _are_lengths,
        is_length=True,
    ),
    Form("the id before a tab", re.compile(rf"{_ID} *\t\s*(?P<caption>[^\t]*\S)"), _are_ids),
    Form("the id after a tab", re.compile(rf"(?P<caption>[^\t]+)\t\s*{_ID}"), _are_sentences),
    Form("the id before a bar", re.compile(rf"{_ID}\s*\|\s*(?P<caption>[^|]*[^|\s])"), _are_ids),
    Form("the id before a comma", re.compile(r"(?P<id>\d{1,9})\s*[,;]\s*(?P<caption>[^\W\d].*)")),
    Form(
        "the class code",
        re.compile(r"(?P<id>[A-Z]{1,3}\d{1,5})(?:\s*[.:)\]\u2013\u2014-]\s*|\s+)(?P<caption>\w.*)"),
    ),
    Form(
        "the length before",
        re.compile(r"(?P<number>\d{2,4})\s+(?P<caption>\w.*)"),
        _are_leading_lengths,
        is_length=True,
    ),
    Form("the number before", re.compile(r"(?P<number>\d{1,6})\s+(?P<caption>[^\W\d].*)"), _are_leading_numbers),
)
"""Forms of whole captions, in the order in which they are tried."""


@dataclass(frozen=True)
class ListForm:
    """Marks of a list in plain text. `strip` gives a line without them; None: it has none."""

    what: str
    strip: Callable[[str], str | None]
    has_headings: bool = False
    """Whether lines that end with a colon and lack the marks are headings."""

    def apply(self, lines: list[tuple[int, str]], file: PromptFile) -> list[tuple[int, str]]:
        """The numbered lines without the marks, where nearly all have them."""
        stripped = [(number, line, self.strip(line)) for number, line in lines]
        marked = [
            (number, line, rest)
            for number, line, rest in stripped
            if rest is not None or not (self.has_headings and line.endswith((":", "：")))
        ]
        count = sum(rest is not None for _, _, rest in marked)
        if not nearly_all(count, len(marked)):
            return lines
        file.set_aside.append(f"{self.what} of {count} of {len(marked)} lines")
        headings = len(stripped) - len(marked)
        if headings:
            is_introduction = headings == 1 and stripped[:1] != marked[:1]
            file.set_aside.append("1 introductory line" if is_introduction else counted(headings, "heading"))
        return [(number, line if rest is None else rest) for number, line, rest in marked]


_MARKS: Final = (
    rf"[{_BULLETS}]\ufe0f?\s*",
    r"[-*+>\u2013\u2014\u00bb]\s+",
    r"-(?=[^\W\d])",
    r"[(\[]?\d{1,6}[.):\]]+\s+",  # 1. 1) (1) [1] 1:
    r"\d{1,6}[.)](?=[^\W\d])(?!\w+\s*[|\t])",  # 1.A person; not 1.npy|A person
    r"\d{1,6}\s+[-\u2013\u2014:]\s+",  # 1 -
    r"#\d{1,6}[.):]?\s+",
    r"(?:pose|caption|prompt|action|motion|item|no\.?|nr\.?)\s*#?\d{1,6}\s*[:.)-]\s+",
    r"\(?[a-z][.)]\s+",
    r"[ivxl]{1,6}[.)]\s+",
    r"[\d\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341]{1,6}\u3001\s*",  # Chinese
    r"[\uff08\u3010]\d{1,6}[\uff09\u3011]\s*|[\u2460-\u2473]\s*",
)
"""Bullets and numbers before a caption."""
_LIST_MARK = re.compile(rf"(?:{'|'.join(_MARKS)})+(?:\[[ x]?\]\s+)?", re.IGNORECASE)
_QUOTED = re.compile(
    r"""(["'`\u201c\u201d\u201e\u2018\u00ab\u300c\u300e])(.*\S.*)(["'`\u201d\u201c\u2019\u00bb\u300d\u300f])[,;.]?"""
)
_CLOSING: Final = {
    '"': '"',
    "'": "'",
    "`": "`",
    "\u201c": "\u201d",
    "\u201d": "\u201d",
    "\u201e": "\u201c\u201d",
    "\u2018": "\u2019",
    "\u00ab": "\u00bb",
    "\u300c": "\u300d",
    "\u300e": "\u300f",
}


def _without_mark(line: str) -> str | None:
    mark = _LIST_MARK.match(line)
    return line[mark.end() :].strip() if mark and mark.end() < len(line) else None


def _without_quotes(line: str) -> str | None:
    quoted = _QUOTED.fullmatch(line)
    if quoted is None or quoted[3] not in _CLOSING[quoted[1]] or (quoted[1] in '"`' and quoted[1] in quoted[2]):
        return None
    return quoted[2].strip()


_QUOTES: Final = ListForm("quotation marks", _without_quotes)
LIST_FORMS: Final = (_QUOTES, ListForm("bullets or numbers", _without_mark, has_headings=True), _QUOTES)
"""Forms of lines in plain text: quotation marks may be around the marks of the list or inside them."""
