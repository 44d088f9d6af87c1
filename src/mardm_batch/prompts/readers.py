"""Read the captions out of a prompt file: Markdown, text, CSV or JSONL.

A place where a caption would be lost or cut without notice is an error that names its line.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from mardm_batch.errors import InputError

CAPTION_COLUMNS: Final = ("caption", "text")


def read_captions(path: Path) -> tuple[list[str], list[str]]:
    """The captions of a file in its order, each one line, and one-line warnings about it.

    Raises:
        InputError: one line with file and line number.
    """
    text = _read_text(path)
    file = _PromptFile(path, text, text.split("\n"))
    captions = [caption for text in _READERS[path.suffix.lower()](file) if (caption := _tidy(text))]
    if not captions:
        hint = file.warnings[0] if file.warnings else f"{path}: no caption found; write one caption a line"
        raise InputError(hint)
    return captions, file.warnings


@dataclass(frozen=True)
class _PromptFile:
    """A prompt file as it is read, and what there is to say about it.

    Lines end in \\n alone. Not splitlines(): a caption may hold what else Unicode calls a line end.
    """

    path: Path
    text: str
    lines: list[str]
    warnings: list[str] = field(default_factory=list)

    def error(self, line: int, what: str) -> InputError:
        return InputError(f"{self.path}:{line}: {what}")

    def warn(self, line: int, what: str) -> None:
        self.warnings.append(f"{self.path}:{line}: {what}")


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; set paths.prompts to a prompt file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; name a prompt file ({', '.join(_READERS)})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check path and permissions") from None
    if path.suffix.lower() not in _READERS:
        kind = f"extension {path.suffix!r} is not known" if path.suffix else "has no extension"
        raise InputError(f"{path}: {kind}; prompt files are {', '.join(_READERS)}")
    data = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = error.start - data.rfind(b"\n", 0, error.start)
        what = f"byte {byte} of this line (0x{data[error.start]:02x}) is not UTF-8"
        raise InputError(f"{path}:{line}: {what}; save the file as UTF-8") from None
    if not text.strip():
        raise InputError(f"{path}: the file is empty; write one caption a line")
    return text


def _tidy(text: str) -> str:
    """A caption is one line without surrounding space."""
    return re.sub(r"\s*\n\s*", " ", text.replace("\r", "\n").strip())


def _shown(value: str) -> str:
    return repr(value if len(value) <= 60 else value[:60] + "…")


def _caption_column(header: Sequence[str]) -> int | None:
    """Which column holds the captions: `caption`, else `text`, else the only one, else None."""
    names = [cell.strip().casefold() for cell in header]
    for name in CAPTION_COLUMNS:
        if name in names:
            return names.index(name)
    return 0 if len(names) == 1 else None


def _read_lines(file: _PromptFile) -> Iterator[str]:
    yield from file.lines


def _read_csv(file: _PromptFile) -> Iterator[str]:
    column: int | None = None
    width = 0
    for line, row in _csv_rows(file):
        if column is None:
            column, width = _caption_column(row), len(row)
            if column is None:
                columns = ", ".join(map(_shown, row))
                raise file.error(line, f"no column 'caption' or 'text' among {columns}; name one so")
            cells = re.split(r"[;\t]", row[0])
            if len(cells) > 1 == width and _caption_column(cells) is not None:
                raise file.error(line, f"no comma in the header {_shown(row[0])}; separate columns by commas")
            if width > 1 or re.fullmatch(r"[\w.-]+", row[0].strip(), re.ASCII):
                if width == 1 and row[0].strip().casefold() not in CAPTION_COLUMNS:
                    file.warn(line, f"{_shown(row[0])} is taken as the column's header, not as a caption")
                continue
            file.warn(line, f"one column without a header; {_shown(row[0])} is taken as a caption")
        if len(row) != width:
            what = f"{len(row)} cells where the header has {width}"
            raise file.error(line, f"{what}; put a caption that has a comma in double quotes")
        yield row[column]


def _csv_rows(file: _PromptFile) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with the number of the line it starts in."""
    reader = csv.reader(io.StringIO(file.text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            advice = "close each double quote, and double those inside a caption"
            raise file.error(line, f"not valid CSV ({error}); {advice}") from None
        if any(cell.strip() for cell in row):
            yield line, row


def _read_jsonl(file: _PromptFile) -> Iterator[str]:
    for line, source in enumerate(file.lines, 1):
        if not source.strip():
            continue
        try:
            record = json.loads(source)
        except (ValueError, RecursionError):
            raise file.error(line, f'not JSON: {_shown(source)}; write {{"caption": "…"}}') from None
        if not isinstance(record, dict):
            raise file.error(line, f'not an object: {_shown(source)}; write {{"caption": "…"}}')
        key = next((key for key in CAPTION_COLUMNS if key in record), None)
        if key is None:
            keys = ", ".join(map(_shown, record)) or "nothing"
            raise file.error(line, f"no key 'caption' or 'text', but {keys}; add one with the caption")
        caption = record[key]
        if not isinstance(caption, str):
            raise file.error(line, f"{key!r} is not a string in {_shown(source)}; make it one")
        if any("\ud800" <= character <= "\udfff" for character in caption):
            raise file.error(line, f"{key!r} has half of a surrogate pair (\\ud800…); write both halves")
        yield caption


# --- Markdown ------------------------------------------------------------------------------------------

_MARKS = re.compile(r"[\\`*_~<!\[\n]")  # what can begin something other than text
_TASK_MARK = re.compile(r"\[[ xX]\](?:\s+|$)")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_OUTER_BORDERS = re.compile(r"^\||(?<!\\)\|$")
_FRONT_MATTER = re.compile(
    r"---[ \t]*\n(?:[\w-]+:(?:[ \t]+\S.*\n|[ \t]*\n(?:-[ \t].*\n)*)(?:[ \t].*\n|#.*\n|\n)*)+---[ \t]*(?:\n|$)"
)
_MAX_NESTING: Final = 200  # Markdown levels; a list takes two


def _read_markdown(file: _PromptFile) -> Iterator[str]:
    # What `_comment` finds to be wrong it leaves in here.
    notes: dict[str, int] = {}
    text = file.text
    if front_matter := _FRONT_MATTER.match(text):
        file.warn(1, "the YAML between the two --- is taken as front matter, not as captions")
        text = "\n" * front_matter[0].count("\n") + text[front_matter.end() :]
    tokens = _MARKDOWN.parse(text, notes)
    if "unclosed_comment" in notes:
        raise file.error(notes["unclosed_comment"], "this comment is never closed; end it with -->")
    yield from _captions_below(SyntaxTreeNode(tokens), file, in_list=False)


def _captions_below(node: SyntaxTreeNode, file: _PromptFile, in_list: bool) -> Iterator[str]:
    for child in node.children:
        if child.type == "table":
            yield from _captions_in_table(child, file)
        elif child.type == "fence":
            first, end = _lines_of(child)
            last_line = file.lines[end - 1].strip()
            if end - first < 2 or not last_line.startswith(child.markup) or last_line.strip(child.markup):
                raise file.error(first + 1, f"this code fence is never closed; end it with {child.markup}")
        elif child.type == "paragraph":
            text = _text(child)
            if in_list and _TASK_MARK.match(child.children[0].content):
                text = _TASK_MARK.sub("", text, count=1)
            if text.strip("= "):  # a line of = alone is drawn as a rule
                yield text
        elif child.type in ("bullet_list", "ordered_list", "list_item"):
            if child.level == _MAX_NESTING - 1:  # the parser drops what is deeper, and all after it
                raise file.error(_lines_of(child)[0] + 1, f"a list {_MAX_NESTING // 2} deep; nest it less")
            yield from _captions_below(child, file, in_list=True)


def _captions_in_table(table: SyntaxTreeNode, file: _PromptFile) -> Iterator[str]:
    header, *rows = [row for part in table.children for row in part.children]
    names = [_text(cell) for cell in header.children]
    column = _caption_column(names)
    if column is None:
        found = ", ".join(map(_shown, names))
        what = f"table skipped, no column 'caption' or 'text' among {found}"
        file.warn(_lines_of(table)[0] + 1, f"{what}; name one so to have its captions")
    for row in rows:
        line = _lines_of(row)[0]
        source = file.lines[line].strip()
        if not _CELL_BORDER.search(source):
            # a plain line right below a table: Markdown gives it to the table, we do not
            yield _text(row.children[0])
        elif column is not None:
            count = len(_CELL_BORDER.split(_OUTER_BORDERS.sub("", source)))
            if count > len(names):
                what = f"{count} cells where the header has {len(names)}"
                raise file.error(line + 1, f"{what}; write | in a caption as \\|")
            yield _text(row.children[column])


def _lines_of(node: SyntaxTreeNode) -> tuple[int, int]:
    """First line and the line after the last, counted from 0."""
    assert node.map is not None  # every block has its place; only inline tokens do not
    return node.map


def _text(block: SyntaxTreeNode) -> str:
    """The text of a paragraph or cell without its marks. HTML is text like any other, comments aside."""
    content = block.children[0].content
    if not _MARKS.search(content):
        return content
    tokens: list[Token] = []
    _MARKDOWN.inline.parse(content, _MARKDOWN, {}, tokens)
    return "".join(_plain(tokens))


def _plain(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type in ("softbreak", "hardbreak"):
            yield "\n"
        elif token.type == "image":
            yield from _plain(token.children or ())
        elif not (token.type == "html_inline" and token.content.startswith("<!--")):
            yield token.content


def _comment(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """Block rule: a comment that starts a line goes on to its `-->`, past empty lines and list items too.

    A comment with a caption behind it in the same line is left to the inline rules.
    """
    start = state.bMarks[first] + state.tShift[first]
    if not state.src.startswith("<!--", start):
        return False
    close = state.src.find("-->", start + 2)
    if close < 0:
        state.env.setdefault("unclosed_comment", first + 1)
        close = state.eMarks[end - 1]
    last = first
    while state.eMarks[last] < close:
        last += 1
    rest = state.src[close + 3 : state.eMarks[last]]
    if rest.strip() and last == first:
        return False
    if not silent:
        state.line = last + 1
        if rest.strip():  # what follows the comment is read as a line of its own
            state.line = last
            state.bMarks[last] = close + 3
            state.tShift[last] = len(rest) - len(rest.lstrip(" \t"))
    return True


def _quote(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """Block rule: a quote is the lines that are marked as such; Markdown would give it a plain line below, too."""
    if not state.src.startswith(">", state.bMarks[first] + state.tShift[first]):
        return False
    if not silent:
        state.line = first + 1
    return True


def _line(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """Block rule: outside lists and quotes every line is a paragraph, so that each is its own caption."""
    if state.level or silent:
        return False
    state.line = first + 1
    state.push("paragraph_open", "p", 1)
    inline = state.push("inline", "", 0)
    inline.content = state.src[state.bMarks[first] + state.tShift[first] : state.eMarks[first]].strip()
    inline.children = []
    state.push("paragraph_close", "p", -1)
    return True


def _markdown() -> MarkdownIt:
    """CommonMark with tables, less what would change the text of a caption or lose one.

    Off are indented code (such a line is a caption), underlined headings (a caption above --- stays
    one), link definitions, HTML blocks and HTML entities (both are plain text here).
    """
    markdown = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable(["table", "strikethrough"])
    # Inline marks are read by `_text`, caption by caption: 10,000 captions have few of them.
    markdown.disable(["inline", "text_join", "normalize", "code", "lheading", "reference", "html_block", "entity"])
    markdown.block.ruler.before("table", "comment", _comment, {"alt": ["paragraph", "blockquote", "list"]})
    markdown.block.ruler.at("blockquote", _quote, {"alt": ["paragraph", "blockquote", "list"]})
    markdown.block.ruler.before("paragraph", "line", _line)
    return markdown


_MARKDOWN: Final = _markdown()
_READERS: Final[dict[str, Callable[[_PromptFile], Iterator[str]]]] = {
    ".md": _read_markdown,
    ".txt": _read_lines,
    ".csv": _read_csv,
    ".jsonl": _read_jsonl,
}
