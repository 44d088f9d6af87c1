"""The prompts of a shard, and which of their poses are finished and which are to be made."""

import logging
from collections.abc import Sequence
from pathlib import Path

from mardm_batch.config.schema import Config
from mardm_batch.dataset.formats.registry import enabled_formats
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import InputError
from mardm_batch.prompts.names import Prompt, max_name_bytes
from mardm_batch.prompts.prompt_list import PromptList, bundled_prompts, read_prompts
from mardm_batch.prompts.shards import shard_of
from mardm_batch.sampling.provenance import pose_provenance

log = logging.getLogger(__name__)


def open_store(config: Config) -> PoseStore:
    """The poses of the run's output folder, which need not exist yet."""
    return PoseStore(Path(config.paths.output).expanduser(), enabled_formats(config))


def load_prompts(config: Config) -> tuple[Prompt, ...]:
    """The prompts of the shard. Raises InputError as `read_prompts`."""
    return select_shard(read_prompt_file(config), config)


def load_prompts_with_warnings(config: Config) -> tuple[Prompt, ...]:
    """The prompts of the shard; warnings of the file, and how many captions it repeats, are logged."""
    prompt_list = read_prompt_file(config)
    for warning in prompt_list.warnings:
        log.warning("%s", warning)
    if prompt_list.merged:
        log.info("merged repeated captions: %d", prompt_list.merged)
    return select_shard(prompt_list, config)


def read_prompt_file(config: Config) -> PromptList:
    path = config.paths.prompts
    return read_prompts(
        bundled_prompts() if path is None else Path(path).expanduser(),
        config.prompts.column,
        config.prompts.names,
        max_name_bytes(Path(config.paths.output).expanduser()),
    )


def select_shard(prompt_list: PromptList, config: Config) -> tuple[Prompt, ...]:
    return shard_of(prompt_list.prompts[: config.limit], config.shard, config.num_shards)


def count_finished(config: Config) -> tuple[int, int]:
    """The numbers of finished and of all poses of a run, by the files in its output folder."""
    prompts, store = load_prompts(config), open_store(config)
    finished = store.survey(prompts).finished if store.output.is_dir() else ()
    return len(finished), len(prompts)


def select_pending(requested: Sequence[Prompt], store: PoseStore, config: Config) -> Sequence[Prompt]:
    """The prompts whose poses are to be made, by what is finished and by `existing`.

    Raises:
        InputError: there are finished poses and `existing` is error.
    """
    survey = store.survey(requested, pose_provenance(config))
    if survey.finished and config.existing == "error":
        raise InputError(
            f"existing=error: {len(survey.finished)} of {len(requested)} poses are finished in {store.output} already"
        )
    if survey.other_captions and config.existing == "error":
        raise InputError(
            f"existing=error: {survey.other_captions} poses of other captions have the names of these in {store.output}"
        )
    if survey.other_captions:
        log.warning("%d poses of other captions have the names of these and are replaced", survey.other_captions)
    if config.existing == "overwrite":
        return requested
    if survey.other_settings:
        log.warning(
            "%d finished poses were made with other settings or weights and stay (existing=overwrite makes them again)",
            survey.other_settings,
        )
    if survey.finished and survey.unfinished:
        log.info("%d of %d poses are finished already", len(survey.finished), len(requested))
    return survey.unfinished
