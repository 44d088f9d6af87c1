"""The choices of Hydra's config groups, as the files in the configuration folders have them."""

from collections.abc import Sequence
from pathlib import Path

from mardm_batch.config.schema import conf_dir


def group_choices(group: str, further_folders: Sequence[Path] = ()) -> dict[str, str]:
    """The names that `GROUP=NAME` may have, each with the first line of its file's comment ("" where there is none)."""
    files = [file for folder in (conf_dir(), *further_folders) for file in sorted((folder / group).glob("*.yaml"))]
    return {file.stem: description_of(file) for file in files}


def description_of(file: Path) -> str:
    """The first line of a YAML file's comment that is not for Hydra (`# @package …`)."""
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            return ""
        if not line.startswith("# @"):
            return line.removeprefix("#").strip()
    return ""
