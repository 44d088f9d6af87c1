"""Pages of one file that load nothing from elsewhere, light or dark by the reader's system.

Style and script are parts of the page. Its Content-Security-Policy names their hashes, so that even markup that escaped
the templates' escaping would neither run nor load anything.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

FOLDER: Final = Path(__file__).parent
BASE_STYLE: Final = FOLDER / "base.css"
FIGURE_SCRIPTS: Final = (FOLDER / "body.js", FOLDER / "figure.js")
IMPORT: Final = re.compile(r"^import\s.*?;\n", re.MULTILINE | re.DOTALL)
EXPORT: Final = re.compile(r"^export\s+(?=(?:const|function|async function|class)\s+(\w+))", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """What a page is made of: a template that extends `base.html.jinja`, style sheets, and scripts in their order."""

    template: Path
    styles: Sequence[Path] = ()
    scripts: Sequence[Path] = ()
    filters: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    connects: bool = False
    """Whether its script asks the server that it came from."""

    def render(self, style: str = "", **values: Any) -> str:
        """The page as HTML. All texts among the values are escaped. `style`: rules that depend on the content."""
        from jinja2 import Environment, FileSystemLoader, StrictUndefined  # here, as runs start without a page

        environment = Environment(
            loader=FileSystemLoader([self.template.parent, FOLDER]),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            undefined=StrictUndefined,
        )
        environment.filters.update(self.filters)
        style = "".join(path.read_text("utf-8") for path in (BASE_STYLE, *self.styles)) + style
        script = join_modules(self.scripts)
        return environment.get_template(self.template.name).render(
            policy=self.policy(style, script), style=Markup(style), script=Markup(script), **values
        )

    def policy(self, style: str, script: str) -> str:
        """The Content-Security-Policy."""
        rules = {
            "default-src": "'none'",
            "img-src": "'self' data: blob:" if self.connects else "data: blob: 'self' file:",
            "style-src": source_hash(style),
            "script-src": source_hash(script) if script else "'none'",
            "connect-src": "'self'" if self.connects else "'none'",
            "base-uri": "'none'",
            "form-action": "'none'",
        }
        return "; ".join(f"{key} {value}" for key, value in rules.items())


def join_modules(paths: Sequence[Path]) -> str:
    """Modules as one script, which a page can hold; each comes after those that it imports.

    What a module exports is known to all that follow, under its own name; everything else stays the module's own.
    """
    parts = []
    for path in paths:
        source = path.read_text("utf-8")
        names = ", ".join(EXPORT.findall(source))
        own = EXPORT.sub("", IMPORT.sub("", source))
        parts.append(f"const {{ {names} }} = (() => {{\n{own}return {{ {names} }};\n}})();\n")
    return "".join(parts)


def source_hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def script_json(text: str) -> Markup:
    """JSON as the content of a `<script type="application/json">`, which it cannot end."""
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))
