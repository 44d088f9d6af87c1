"""Captions of a text file: its lines, without comments and the marks of a list."""

import re
from collections.abc import Iterator
from typing import Final

from mardm_batch.prompts.captions import normalize_caption
from mardm_batch.prompts.forms import LIST_FORMS, Tally, nearly_all
from mardm_batch.prompts.prompt_file import Entry, PromptFile

_COMMENT = re.compile(r"#|//|;\s")
_NUMBERED = re.compile(r"#\d+[.):]?\s")  # #1 A person sits
_RULE = re.compile(r"[-_=*~+#.`\s\[\](){}<>|,:]+")  # also the brackets of a list in a program
_HEADER = re.compile(r"\s*[\w.-]+\s*[\t|]\s*(?:caption|text|prompt)s?\s*", re.IGNORECASE)


def read_lines(file: PromptFile) -> Iterator[Entry]:
    """Every line, without comment lines, rules, and the bullets, numbers and quotation marks that nearly all have."""
    if file.column is not None:
        raise file.error(1, "a .txt file has no columns; leave prompts.column out, or save the file as .tsv")
    lines = [(number, normalize_caption(line)) for number, line in enumerate(file.lines, 1)]
    lines = [(number, line) for number, line in lines if line]
    numbered = nearly_all(sum(map(bool, (_NUMBERED.match(line) for _, line in lines))), len(lines))
    tally = Tally(file)
    captions: list[tuple[int, str]] = []
    for number, line in lines:
        if _RULE.fullmatch(line):
            tally.add("rule")
        elif _COMMENT.match(line) and not (numbered and _NUMBERED.match(line)):
            tally.add("comment line")
        elif not captions and _HEADER.fullmatch(line):
            tally.add("header")
        else:
            captions.append((number, line))
    tally.report()
    for form in LIST_FORMS:
        captions = form.apply(captions, file)
    _refuse_columns(captions, file)
    for _, caption in captions:
        yield Entry(caption)


_MIN_COLUMNS: Final = 3


def _refuse_columns(captions: list[tuple[int, str]], file: PromptFile) -> None:
    """Raise where the lines are those of a table: which of its columns the captions are in is not known."""
    columns = [caption.count("\t") + 1 for _, caption in captions]
    wide = [count for count in columns if count >= _MIN_COLUMNS]
    if wide and nearly_all(len(wide), len(columns)):
        raise file.error(
            captions[0][0],
            f"{wide[0]} cells separated by tabs; save the file as .tsv, its first line names the columns",
        )
