"""Captions of a Markdown file: list items, cells of the caption column of tables, and plain lines."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from mardm_batch.prompts.prompt_file import Entry, PromptFile, other_columns

_MARKUP = re.compile(r"[\\`*_~<!\[\n]")  # characters that may start inline markup
_TASK_MARK = re.compile(r"\[[ xX]\](?:\s+|$)")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_OUTER_BORDERS = re.compile(r"^\||(?<!\\)\|$")
_FRONT_MATTER = re.compile(
    r"---[ \t]*\n(?:[\w-]+:(?:[ \t]+\S.*\n|[ \t]*\n(?:-[ \t].*\n)*)(?:[ \t].*\n|#.*\n|\n)*)+---[ \t]*(?:\n|$)"
)
_MARK_AND_HARD_SPACE = re.compile(r"^([ \t]*(?:[-*+]|\d{1,9}[.)]))\u00a0+", re.MULTILINE)
_MAX_NESTING: Final = 200  # levels of Markdown blocks; a list and its item are two


def read_markdown(file: PromptFile) -> Iterator[Entry]:
    """The captions of a Markdown file. Headings, code, rules, quotes, comments and front matter are not captions."""
    environment: dict[str, int] = {}  # the parser's; `_comment_rule` reports an unclosed comment in it
    text = _MARK_AND_HARD_SPACE.sub(r"\1 ", file.text) if "\u00a0" in file.text else file.text
    if front_matter := _FRONT_MATTER.match(text):
        file.warn(1, "the YAML between the two --- is read as front matter, not as captions")
        text = "\n" * front_matter[0].count("\n") + text[front_matter.end() :]
    tokens = _MARKDOWN.parse(text, environment)
    if "unclosed_comment" in environment:
        raise file.error(environment["unclosed_comment"], "this comment is never closed; end it with -->")
    if file.column is not None and not any(token.type == "table_open" for token in tokens):
        raise file.error(1, "this file has no table, and so no columns; leave prompts.column out")
    yield from _captions_in(SyntaxTreeNode(tokens), file, in_list=False)


def _captions_in(node: SyntaxTreeNode, file: PromptFile, in_list: bool) -> Iterator[Entry]:
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
            if text.strip("= "):  # a line of = alone is a rule
                yield Entry(text)
        elif child.type in ("bullet_list", "ordered_list", "list_item"):
            if child.level == _MAX_NESTING - 1:  # the parser drops deeper levels and all text after them
                raise file.error(_lines_of(child)[0] + 1, f"lists nested {_MAX_NESTING // 2} deep; nest them less")
            yield from _captions_in(child, file, in_list=True)


def _captions_in_table(table: SyntaxTreeNode, file: PromptFile) -> Iterator[Entry]:
    header, *rows = [row for part in table.children for row in part.children]
    names = [_text(cell) for cell in header.children]
    column = file.find_caption_column(names)
    if column is None:
        file.warn(_lines_of(table)[0] + 1, f"table skipped, {file.no_caption_column(names)}")
    for row in rows:
        line = _lines_of(row)[0]
        source = file.lines[line].strip()
        if not _CELL_BORDER.search(source):
            # A plain line right below a table is a row of it in Markdown, but a caption here.
            yield Entry(_text(row.children[0]))
        elif column is not None:
            count = len(_CELL_BORDER.split(_OUTER_BORDERS.sub("", source)))
            if count > len(names):
                problem = f"{count} cells where the header has {len(names)}"
                raise file.error(line + 1, f"{problem}; write | in a caption as \\|")
            cells = [_text(cell) for cell in row.children]
            yield Entry(cells[column], other_columns(names, cells, column))


def _lines_of(node: SyntaxTreeNode) -> tuple[int, int]:
    """The first line of a block and the line after its last, counted from 0."""
    assert node.map is not None  # all blocks have a map; only inline tokens do not
    return node.map


def _text(block: SyntaxTreeNode) -> str:
    """The text of a paragraph or table cell without Markdown markup; HTML stays, except comments."""
    content = block.children[0].content
    if not _MARKUP.search(content):
        return content
    tokens: list[Token] = []
    _MARKDOWN.inline.parse(content, _MARKDOWN, {}, tokens)
    return "".join(_plain_text(tokens))


def _plain_text(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type in ("softbreak", "hardbreak"):
            yield "\n"
        elif token.type == "image":
            yield from _plain_text(token.children or ())
        elif not (token.type == "html_inline" and token.content.startswith("<!--")):
            yield token.content


def _comment_rule(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """Block rule: a comment that starts a line ends at its `-->`, also across empty lines and list items.

    A comment of a single line with text after it is left to the inline rules.
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
        if rest.strip():  # the text after the comment becomes a line of its own
            state.line = last
            state.bMarks[last] = close + 3
            state.tShift[last] = len(rest) - len(rest.lstrip(" \t"))
    return True


def _quote_rule(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """Block rule: a quote consists of lines that start with `>`; Markdown would add a plain line below them."""
    if not state.src.startswith(">", state.bMarks[first] + state.tShift[first]):
        return False
    if not silent:
        state.line = first + 1
    return True


def _line_rule(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """Block rule: outside lists and quotes every line is a paragraph of its own, and so a caption of its own."""
    if state.level or silent:
        return False
    state.line = first + 1
    state.push("paragraph_open", "p", 1)
    inline = state.push("inline", "", 0)
    inline.content = state.src[state.bMarks[first] + state.tShift[first] : state.eMarks[first]].strip()
    inline.children = []
    state.push("paragraph_close", "p", -1)
    return True


def _build_parser() -> MarkdownIt:
    """CommonMark with tables, without the rules that would change or drop captions.

    Disabled are indented code (an indented line is a caption), underlined headings (so is a line above ---), link
    definitions, HTML blocks and HTML entities (which are plain text here).
    """
    markdown = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable(["table", "strikethrough"])
    # `_text` parses inline markup, and only in captions that have some: it would take most of the time.
    markdown.disable(["inline", "text_join", "normalize", "code", "lheading", "reference", "html_block", "entity"])
    markdown.block.ruler.before("table", "comment", _comment_rule, {"alt": ["paragraph", "blockquote", "list"]})
    markdown.block.ruler.at("blockquote", _quote_rule, {"alt": ["paragraph", "blockquote", "list"]})
    markdown.block.ruler.before("paragraph", "line", _line_rule)
    return markdown


_MARKDOWN: Final = _build_parser()
