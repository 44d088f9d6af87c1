"""The gallery's page: served, where it asks for its poses, or with all of them in one file."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from mardm_batch.dataset.progress import Progress, read_progress
from mardm_batch.errors import InputError
from mardm_batch.gallery.blocks import duplicate_groups, next_block
from mardm_batch.gallery.exports import exports
from mardm_batch.gallery.index import OutputFolder, PoseIndex
from mardm_batch.library.caption_conditions import caption_conditions
from mardm_batch.overview.measures import MEASURES
from mardm_batch.pages.page import FIGURE_SCRIPTS, Page, script_json
from mardm_batch.run.saved_settings import read_command, read_output, read_run_settings

FOLDER: Final = Path(__file__).parent
SCRIPTS: Final = ("poses", "selection", "reviews", "grid", "large", "retry", "filters", "main")
PAGE: Final = Page(
    FOLDER / "gallery.html.jinja",
    (FOLDER / "gallery.css",),
    (*FIGURE_SCRIPTS, *(FOLDER / "script" / f"{name}.js" for name in SCRIPTS)),
    connects=True,
)
OWN_SETTINGS: Final = ("shard", "num_shards", "gpu_ids", "retry", "limit")
"""Of the command that made the poses; the command that makes rejected ones again does not have them."""


def open_folders(outputs: Sequence[Path]) -> list[OutputFolder]:
    """The folders to show. Raises InputError where one is not there, or its conditions cannot be read."""
    return [OutputFolder(each, caption_conditions(prompts_of(each))) for each in outputs]


def newest_run(output: Path) -> Progress | None:
    return max(read_progress(output), key=lambda shard: shard.started, default=None)


def prompts_of(output: Path) -> Path | None:
    """The prompt file of the newest run; None where it is not known."""
    newest = newest_run(output)
    if newest is None:
        return None
    try:
        return read_run_settings(Path(newest.run_folder)).prompts
    except ValueError:
        return None


def retry_command(output: Path) -> str:
    """The command that makes the rejected poses of a folder again, from any folder.

    That of the run that made them; where that is not known, an ellipsis stands for its settings. A folder that was
    copied or moved since is named in it, as the run wrote to another one.
    """
    newest, named = newest_run(output), shlex.quote(f"paths.output={output.resolve()}")
    try:
        if newest is None:
            raise ValueError("no run has left a record")
        run_folder = Path(newest.run_folder)
        if wrote_to(run_folder, output):
            command, started_in = read_command(run_folder, OWN_SETTINGS)
        else:
            command, started_in = read_command(run_folder, (*OWN_SETTINGS, "paths.output"))
            command = f"{command} {named}"
    except ValueError:
        return f"python -m mardm_batch … {named} retry=rejected"
    return f"cd {shlex.quote(started_in)} && {command} retry=rejected"


def wrote_to(run_folder: Path, output: Path) -> bool:
    """Whether a run is known to have written to a folder."""
    try:
        return read_output(run_folder).resolve() == output.resolve()
    except ValueError:
        return False


def folder_names(folders: Sequence[Path]) -> list[str]:
    """The shortest ends of the folders' paths that tell them apart."""
    names: list[str] = []
    for depth in range(1, max(len(folder.parts) for folder in folders) + 1):
        names = ["/".join(folder.parts[-depth:]) for folder in folders]
        if len(set(names)) == len(folders):
            break
    return names


def render_gallery(index: PoseIndex, blocks: Sequence[Any] = (), pictures: str | None = None) -> str:
    """The page as HTML.

    Args:
        blocks: of all poses; none: the page asks its server.
        pictures: of a page with all poses, the path from it to their pictures; None: it shows none.
    """
    names = folder_names([folder.output.resolve() for folder in index.folders])
    settings = {
        "folders": names,
        "measures": [{"key": key, **vars(measure)} for key, measure in MEASURES.items()],
        "retry": [retry_command(folder.output) for folder in index.folders],
        "served": not blocks,
        "exports": [] if blocks else exports(),
        "pictures": pictures,
        "duplicates": duplicate_groups(index) if blocks else None,
    }
    return PAGE.render(
        title=" and ".join(names),
        settings=script_json(json.dumps(settings, ensure_ascii=False)),
        blocks=[script_json(json.dumps(block, ensure_ascii=False)) for block in blocks],
        served=not blocks,
    )


def static_page(index: PoseIndex, file: Path) -> str:
    """One page that holds all poses and needs no server.

    Where it lies above the one folder of poses, it shows their pictures from there.

    Raises:
        InputError: there is no pose.
    """
    index.refresh()
    blocks, revision = [], 0
    while True:
        block = next_block(index, revision)
        if block["ids"]:
            blocks.append(block)
        if not block["more"]:
            break
        revision = block["revision"]
    if not blocks:
        raise InputError(
            f"{index.folders[0].output}: no finished poses; name the folder that a run wrote to (its paths.output)"
        )
    pictures = None
    if len(index.folders) == 1:
        output, parent = index.folders[0].output.resolve(), file.resolve().parent
        pictures = output.relative_to(parent).as_posix() + "/" if output.is_relative_to(parent) else None
    return render_gallery(index, blocks, pictures)
