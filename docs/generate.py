"""Write what docs/ has from the code: settings.md, commands.md and the JSON schemas.

python docs/generate.py            writes them
python docs/generate.py --check    ends with 1 where one is not what the code says; a test runs this
"""

import io
import os
import re
import runpy
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout, suppress
from pathlib import Path

import yaml

from mardm_batch.config.compose import SettingRow, setting_rows
from mardm_batch.config.groups import group_choices
from mardm_batch.config.schema import conf_dir
from mardm_batch.dataset.schemas import schema_files
from mardm_batch.registries import register_schemas
from mardm_batch.system.commands import command_summaries
from mardm_batch.train.judge_settings import register_judge_schema
from mardm_batch.train.settings import register_train_schema

DOCS = Path(__file__).resolve().parent
NOTE = "<!-- Written by docs/generate.py; do not edit. -->\n"
SETTINGS_HEADING = "Settings (KEY=VALUE)"
"""Ends the part of a help text that is shown in commands.md; the settings have a page of their own."""
SECTIONS = {
    "": "General",
    "paths": "Files and folders",
    "prompts": "Reading captions",
    "sampling": "Sampling",
    "output": "What is written",
    "render": "Pictures",
    "tracking": "Tracking",
    "data": "Training data",
    "sizes": "Sizes of the networks",
    "autoencoder": "First stage: autoencoder",
    "network": "Second stage: transformer, diffusion head, word encoder",
}


SETTINGS_INTRODUCTION = """\
# Settings

Every setting of `python -m mardm_batch`, `python -m mardm_batch.train` and `python -m mardm_batch.train.judge`, with
its default, what it means and what it may be. Settings are [Hydra](https://hydra.cc)'s: `key=value` on the command
line, with defaults in the files of `conf/`. A mistyped key, an unknown choice or a value out of range ends the command
with exit code 2 and one line that names the key, the value and what is allowed. `null` is no value.

`python -m mardm_batch --help` prints the same in the terminal; with `model=NAME` that model's settings.
"""
COMMANDS_INTRODUCTION = """\
# Commands

The `--help` text of every command. `python -m mardm_batch.NAME` and `mardm-batch NAME` are the same.
"""
EXIT_CODES = """
Exit codes of all commands: 0 done; 1 some poses failed or problems were found; 2 bad settings, arguments or input, and
nothing was done; 3 a crash, with the traceback in the log; 129, 130 and 143 interrupted by
SIGHUP, Ctrl-C or SIGTERM.
"""


# settings.md ----------------------------------------------------------------------------------------------------------


def settings_page() -> str:
    register_schemas()
    register_train_schema()
    register_judge_schema()
    models = group_choices("model")
    rows = {model: setting_rows("config", [f"model={model}"]) for model in models}
    shared = [row for row in rows["embedded"] if not row.key.startswith("model.")]
    parts = [
        NOTE,
        SETTINGS_INTRODUCTION,
        "## Presets\n",
        "`+preset=NAME` sets several settings at once; words after it still override.\n",
        *presets(),
        "## Generating: `python -m mardm_batch`\n",
        "`sampling.cfg` follows the model's `model.cfg`; shown is the embedded model's.\n",
        *sections(shared),
        "## Models: `model=NAME`\n",
    ]
    for model, description in models.items():
        parts += [f"### `model={model}`\n", f"{description}\n"]
        parts += table([row for row in rows[model] if row.key.startswith("model.")])
    parts += ["## Looks: `render=NAME`\n", *choices("render"), "## Experiments: `--multirun +experiment=NAME`\n"]
    parts += [*choices("experiment"), "## Training: `python -m mardm_batch.train`\n"]
    parts += sections(setting_rows("train", []))
    parts += ["## Training the judge: `python -m mardm_batch.train.judge`\n", *table(setting_rows("judge", []))]
    return "\n".join(parts)


def sections(rows: Sequence[SettingRow]) -> Iterator[str]:
    """A heading and a table for each group of settings."""
    for section in dict.fromkeys(row.key.rpartition(".")[0] for row in rows):
        yield f"### {SECTIONS.get(section, section)}\n"
        yield from table([row for row in rows if row.key.rpartition(".")[0] == section])


def table(rows: Sequence[SettingRow]) -> Iterator[str]:
    yield "| setting | default | meaning | allowed |"
    yield "|---|---|---|---|"
    for row in rows:
        yield f"| `{row.key}` | `{row.value}` | {cell(row.help)} | {cell(row.allowed or row.type)} |"
    yield ""


def presets() -> Iterator[str]:
    yield "| preset | sets | for |"
    yield "|---|---|---|"
    for name, description in group_choices("preset").items():
        values = yaml.safe_load((conf_dir() / "preset" / f"{name}.yaml").read_text("utf-8"))
        sets = ", ".join(f"`{key}={value}`" for key, value in flat(values, ""))
        yield f"| `+preset={name}` | {sets} | {description} |"
    yield ""


def choices(group: str) -> Iterator[str]:
    yield from (f"- `{name}`: {description}" for name, description in group_choices(group).items())
    yield ""


def flat(values: dict[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def cell(text: str) -> str:
    return text.replace("|", "\\|")


# commands.md ----------------------------------------------------------------------------------------------------------


def commands_page() -> str:
    summaries = {"": "Turn captions into 3D human poses.", **command_summaries()}
    parts = [NOTE, COMMANDS_INTRODUCTION, "| command | does |", "|---|---|"]
    for name, summary in summaries.items():
        anchor = re.sub(r"[^\w -]", "", command(name)).replace(" ", "-")
        parts.append(f"| [`{command(name)}`](#{anchor}) | {cell(summary)} |")
    parts.append(EXIT_CODES)
    for name in summaries:
        text, has_settings, _ = help_text(name).partition(SETTINGS_HEADING)
        parts += [f"## {command(name)}\n", "```text", text.rstrip(), "```\n"]
        if has_settings:
            parts += ["Its settings are in [settings.md](settings.md).\n"]
    return "\n".join(parts)


def command(name: str) -> str:
    return "python -m mardm_batch" + (f".{name}" if name else "")


def help_text(name: str) -> str:
    os.environ["COLUMNS"] = "100"
    output = io.StringIO()
    sys.argv = [name, "--help"]
    with redirect_stdout(output), suppress(SystemExit):
        runpy.run_module(f"mardm_batch.{name}" if name else "mardm_batch", run_name="__main__")
    return output.getvalue()


def generated() -> dict[Path, str]:
    """The content of every generated file."""
    schemas = {DOCS / "schemas" / name: content.decode() for name, content in schema_files().items()}
    return {DOCS / "settings.md": settings_page(), DOCS / "commands.md": commands_page(), **schemas}


def write(pages: dict[Path, str]) -> int:
    for path, text in pages.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


def check(pages: dict[Path, str]) -> int:
    """The exit code. Space does not count: how argparse breaks lines differs between Python versions."""
    stale = [
        path for path, text in pages.items() if not path.exists() or path.read_text("utf-8").split() != text.split()
    ]
    for path in stale:
        print(f"{path.relative_to(DOCS.parent)} is not what the code says: run python docs/generate.py")
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(check(generated()) if sys.argv[1:] == ["--check"] else write(generated()))
