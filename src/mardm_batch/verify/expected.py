"""The poses and files that an output folder should hold: by a prompt file, or by the settings of the newest run."""

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from mardm_batch.dataset.formats.format import Format
from mardm_batch.dataset.formats.registry import FORMATS, enabled_formats
from mardm_batch.dataset.progress import Progress
from mardm_batch.errors import InputError
from mardm_batch.prompts.names import max_name_bytes
from mardm_batch.prompts.prompt_list import bundled_prompts, read_prompts
from mardm_batch.system.files import read_regular
from mardm_batch.verify.findings import Expected


@dataclass(frozen=True)
class RunSettings:
    """The settings that a run saved when it started, as far as an audit needs them. `prompts`: the file."""

    prompts: Path
    limit: int | None
    formats: tuple[Format, ...]
    column: str | None = None
    names: str = "caption"


def expected_poses(
    output: Path, prompt_file: Path | None, shards: Sequence[Progress], file_names: Collection[str]
) -> Expected:
    """The poses of the prompt file, which is read as by the newest run, else of that run.

    Args:
        file_names: in the output folder. Without the settings of a run they show whether poses have pictures.

    Raises:
        InputError: the prompt file cannot be used.
    """
    newest = max(shards, key=lambda shard: shard.started, default=None)
    run = None if newest is None else read_run_settings(Path(newest.run_folder))
    formats = formats_in_use(file_names) if run is None else run.formats
    if prompt_file is not None:
        run = RunSettings(prompt_file, None, formats) if run is None else replace(run, prompts=prompt_file, limit=None)
        return Expected(captions_by_name(run, output), str(prompt_file), prompt_file, formats)
    if run is None:
        reason = "unknown: the settings of the newest run are missing; name the captions with --prompts"
        return Expected(None, reason, None, formats)
    source = f"{run.prompts}, by the newest run" + ("" if run.limit is None else f" with limit={run.limit}")
    try:
        return Expected(captions_by_name(run, output), source, run.prompts, formats)
    except InputError as error:
        return Expected(None, f"unknown: {error}", None, formats)


def captions_by_name(run: RunSettings, output: Path) -> dict[str, str]:
    listed = read_prompts(run.prompts, run.column, run.names, max_name_bytes(output)).prompts
    return {prompt.name: prompt.caption for prompt in listed[: run.limit]}


def formats_in_use(file_names: Collection[str]) -> tuple[Format, ...]:
    """The formats that are always on, and the optional ones of which a file exists."""
    return tuple(
        each
        for each in FORMATS.values()
        if each.setting is None or any(name.endswith(each.suffix) for name in file_names)
    )


def read_run_settings(run_folder: Path) -> RunSettings | None:
    """The settings that Hydra saved in a run's folder; None where they are missing or not a run's."""
    try:
        config, hydra = (
            OmegaConf.load(io.BytesIO(read_regular(run_folder / ".hydra" / name)))
            for name in ("config.yaml", "hydra.yaml")
        )
        prompts, limit = OmegaConf.select(config, "paths.prompts"), OmegaConf.select(config, "limit")
        started_in = Path(OmegaConf.select(hydra, "hydra.runtime.cwd"))
        file = bundled_prompts() if prompts is None else started_in / Path(prompts).expanduser()
        column, names = (OmegaConf.select(config, f"prompts.{key}") for key in ("column", "names"))
        return RunSettings(file, limit, enabled_formats(config), column, names or "caption")
    except (OSError, ValueError, TypeError, AttributeError, YAMLError, OmegaConfBaseException):
        return None
