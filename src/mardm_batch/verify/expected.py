"""The poses and files that an output folder should hold: by a prompt file, or by the settings of the newest run."""

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from mardm_batch.dataset.formats.registry import formats_in_use
from mardm_batch.dataset.progress import Progress
from mardm_batch.errors import InputError
from mardm_batch.prompts.names import Prompt, max_name_bytes
from mardm_batch.prompts.prompt_list import read_prompts
from mardm_batch.run.saved_settings import RunSettings, read_run_settings
from mardm_batch.system.garbage import no_garbage_search
from mardm_batch.verify.findings import Expected


@no_garbage_search()
def expected_poses(
    output: Path, prompt_file: Path | None, shards: Sequence[Progress], suffixes: Collection[str]
) -> Expected:
    """The poses of the prompt file, which is read as by the newest run, else of that run.

    Args:
        suffixes: of the poses' files. Without the settings of a run they show whether poses have pictures.

    Raises:
        InputError: the prompt file cannot be used.
    """
    if prompt_file is not None and not prompt_file.exists():
        raise InputError(f"--prompts {prompt_file}: no such file; name the list of captions")
    newest = max(shards, key=lambda shard: shard.started, default=None)
    run, reason = None, "there is no record of a run"
    if newest is not None:
        try:
            run = read_run_settings(Path(newest.run_folder))
        except ValueError as error:
            reason = f"the settings of the newest run cannot be read: {error}"
    formats = formats_in_use(suffixes) if run is None else run.formats
    if prompt_file is not None:
        source = str(prompt_file)
        if run is None and newest is not None:
            source += f", read with default settings, as {reason}"
        run = RunSettings(prompt_file, None, formats) if run is None else replace(run, limit=None)
        column = run.column if prompt_file.suffix == run.prompts.suffix else None  # of another kind of file
        run = replace(run, prompts=prompt_file, column=column)
        return Expected(prompts_by_name(run, output), source, prompt_file, formats, run.list_rejected)
    if run is None:
        return Expected(None, f"unknown: {reason}; name the captions with --prompts", None, formats)
    source = f"{os.path.normpath(run.prompts)}, by the newest run" + (
        "" if run.limit is None else f" with limit={run.limit}"
    )
    try:
        prompts = prompts_by_name(run, output)
        left_out = {} if run.limit is None else prompts_by_name(replace(run, limit=None), output)
        return Expected(prompts, source, run.prompts, formats, run.list_rejected, left_out)
    except InputError as error:
        reason = (
            str(error) if run.prompts.exists() else f"{run.prompts}: no such file; name the captions with --prompts"
        )
        return Expected(None, f"unknown: {reason}", None, formats, run.list_rejected)


def prompts_by_name(run: RunSettings, output: Path) -> dict[str, Prompt]:
    longest = max_name_bytes(output)
    listed = read_prompts(run.prompts, run.column, run.names, longest, run.poses_per_caption)
    return {prompt.name: prompt for prompt in listed.first(run.limit)}
