"""The prompts of a shard, and which of their poses are finished and which are to be made."""

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mardm_batch.config.schema import Config
from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.obstacles import ObstacleError
from mardm_batch.dataset.records import Provenance
from mardm_batch.dataset.reviews import ReviewList, Reviews
from mardm_batch.dataset.store import PoseStore, Survey
from mardm_batch.errors import InputError
from mardm_batch.prompts.names import Prompt
from mardm_batch.prompts.parsed_list import ShardPrompts
from mardm_batch.run.reading import Reading, read_run_prompts
from mardm_batch.sampling.provenance import pose_provenance, settings_provenance
from mardm_batch.system.folders import obstacle
from mardm_batch.system.terminal import finished_of

log = logging.getLogger(__name__)

KEYS_SHOWN = 6
VALUES_SHOWN = 3
"""Of the differences between finished poses and a run, in the message about them."""


def load_prompts_with_warnings(config: Config) -> ShardPrompts:
    """The prompts of the shard; warnings of the file, and how many captions it repeats, are logged.

    Raises:
        InputError: as `read_prompts`.
    """
    loaded = read_run_prompts(config)
    for warning in loaded.warnings:
        log.warning("%s", warning)
    if loaded.merged:
        log.info("merged repeated captions: %d", loaded.merged)
    return loaded


def count_finished(config: Config, reading: Reading) -> tuple[int, int]:
    """The numbers of finished and of all poses of a run, by the files in its output folder when `reading` looked."""
    key = reading.job_key(config)
    if key not in reading.counts:
        prompts, store = reading.prompts(config), reading.store(config)
        finished = store.survey(prompts).finished if store.output.is_dir() else ()
        reading.counts[key] = len(finished), len(prompts)
    return reading.counts[key]


def check_folders(config: Config) -> None:
    """Check that the paths of poses and of unfinished files can be folders. Raises InputError."""
    for setting, folder in (("paths.output", config.paths.output), ("paths.temp", config.paths.temp)):
        if (reason := obstacle(Path(folder).expanduser())) is not None:
            raise InputError(f"{setting}={folder}: cannot be written to: {reason}; name another folder: {setting}=DIR")


def check_run(config: Config, reading: Reading) -> None:
    """Check that a run can read its prompts and may write beside the poses that are finished.

    Raises:
        InputError: it may not; see `read_prompts` and `survey_poses`; or its folders can be none.
    """
    check_folders(config)
    prompts, store = reading.prompts(config), reading.store(config)
    if store.output.is_dir():
        survey = survey_poses(prompts, store, config)
        reading.counts[reading.job_key(config)] = len(survey.finished), len(prompts)


def select_pending(requested: Sequence[Prompt], survey: Survey, config: Config) -> Sequence[Prompt]:
    """The prompts whose poses are to be made, by what is finished and by `existing`.

    Args:
        requested: the prompts of the shard that `retry` leaves.
        survey: of all prompts of the shard.
    """
    if survey.other_captions:
        log.warning("poses of other captions that have the same names and are replaced: %d", survey.other_captions)
    if config.existing == "overwrite" or config.retry == "rejected":
        return requested
    if survey.other_settings:
        log.info("finished poses of other settings or weights that are kept: %d", survey.other_settings)
    unfinished = set(survey.unfinished)
    pending = [prompt for prompt in requested if prompt in unfinished]
    if survey.finished and pending:
        log.info("%s already", finished_of(len(survey.finished), survey.total))
    return pending


def requested_prompts(
    prompts: Sequence[Prompt], store: PoseStore, failures: FailureList, reviews: Reviews, config: Config
) -> Sequence[Prompt]:
    """The prompts that `retry` leaves. Raises InputError where a list or a pose cannot be read."""
    if config.retry == "failed":
        return failed_prompts(failures, prompts)
    return prompts if config.retry is None else rejected_prompts(prompts, store, reviews)


def count_left_out(prompts: Sequence[Prompt], requested: Sequence[Prompt], survey: Survey) -> tuple[int, int]:
    """How many prompts of the shard `retry` leaves out, and how many of these are finished. `survey`: of all."""
    if requested is prompts:
        return 0, 0
    names = {prompt.name for prompt in requested}
    return len(prompts) - len(names), sum(prompt.name not in names for prompt in survey.finished)


def read_reviews(store: PoseStore) -> Reviews:
    """The reviews of the poses. Raises InputError where the list cannot be read."""
    listed = ReviewList(store.output)
    try:
        reviews = listed.read()
    except OSError as error:
        raise InputError(unreadable_list(listed.path, error)) from None
    if reviews.ignored_lines:
        log.warning("%s: lines that are not reviews and are ignored: %d", listed.path, reviews.ignored_lines)
    return reviews


def rejected_prompts(prompts: Sequence[Prompt], store: PoseStore, reviews: Reviews) -> Sequence[Prompt]:
    """The prompts whose poses are rejected, or were and have none in their place yet."""
    rejections = reviews.rejections()
    survey = store.survey([prompt for prompt in prompts if rejections.get(prompt.name)])
    rejected = set(survey.unfinished)
    for prompt in survey.finished:
        document = store.read(prompt.name)
        if document is None or reviews.is_rejected(prompt.name, document):
            rejected.add(prompt)
    return [prompt for prompt in prompts if prompt in rejected]


def unreadable_list(path: Path, error: OSError) -> str:
    """Why a list of the output folder cannot be read."""
    return f"{path}: {'' if isinstance(error, ObstacleError) else 'cannot be read: '}{error.strerror}"


def failed_prompts(failures: FailureList, prompts: Sequence[Prompt]) -> Sequence[Prompt]:
    """The prompts that are listed as failed. Raises InputError where the list cannot be read."""
    try:
        failed, ignored = failures.failed_prompts(prompts)
    except OSError as error:
        raise InputError(unreadable_list(failures.path, error)) from None
    if ignored:
        log.warning("%s: lines that are not failures and are ignored: %d", failures.path, ignored)
    return failed


def survey_poses(prompts: Sequence[Prompt], store: PoseStore, config: Config) -> Survey:
    """The state of the prompts in the output folder, which `existing` must allow.

    Raises:
        InputError: finished poses were made with another model, other weights, another seed or other settings, and
            `existing` is skip; or there are finished poses, or poses of other captions, and `existing` is error; or the
            model's weights are missing, or the folder cannot be read.
    """
    problem: InputError | None = None
    try:
        provenance = pose_provenance(config)
    except InputError as error:
        provenance, problem = settings_provenance(config), error
    survey = survey_for(prompts, store, provenance)
    if config.existing == "error" and survey.finished:
        raise InputError(f"existing=error: {finished_of(len(survey.finished), len(prompts))} in {store.output} already")
    if config.existing == "error" and survey.other_captions:
        raise InputError(
            "existing=error: poses of other captions that have the same names in "
            f"{store.output}: {survey.other_captions}"
        )
    refuse_other_settings(survey, store, config)
    if problem is not None:
        raise problem
    return survey


def survey_for(prompts: Sequence[Prompt], store: PoseStore, provenance: Provenance) -> Survey:
    try:
        return store.survey(prompts, provenance)
    except OSError as error:
        raise InputError(f"paths.output={store.output}: cannot be read: {error.strerror}") from None


def check_loaded_weights(prompts: Sequence[Prompt], store: PoseStore, config: Config, loaded: Provenance) -> None:
    """Compare the finished poses with weights whose hash is known only now that they are loaded.

    Raises:
        InputError: as `survey_poses`.
    """
    if pose_provenance(config).weights_sha256 is None and config.existing == "skip":
        known = replace(settings_provenance(config), weights_sha256=loaded.weights_sha256)
        refuse_other_settings(survey_for(prompts, store, known), store, config)


def refuse_other_settings(survey: Survey, store: PoseStore, config: Config) -> None:
    """Raises InputError where the poses of this run would be mixed with poses of other settings unasked."""
    if survey.other_settings and config.existing == "skip":
        differences = [
            f"{key}: the folder's {' or '.join(shown(key, each) for each in found[:VALUES_SHOWN])}, "
            f"this command's {shown(key, own)}"
            for key, (found, own) in survey.differences.items()
        ]
        more = f"; {len(differences) - KEYS_SHOWN} more" if len(differences) > KEYS_SHOWN else ""
        if config.retry == "rejected":
            ways = "existing=keep makes the rejected again with the settings of this run, and leaves the others"
        else:
            ways = (
                "existing=keep leaves them, existing=overwrite makes them again, another paths.output leaves the "
                "folder alone"
            )
        finished = len(survey.finished)
        poses_were = "finished pose was" if finished == 1 else "finished poses were"
        raise InputError(
            f"paths.output={store.output}: {survey.other_settings} of {finished} {poses_were} made otherwise "
            f"({'; '.join(differences[:KEYS_SHOWN])}{more}); {ways}"
        )


def shown(key: str, value: object) -> str:
    """A setting's value in a message: a hash is cut, and of `sampling.adjust` the version is recorded."""
    text = {"None": "none", "True": "true", "False": "false"}.get(str(value), str(value))
    if key == "adjust":
        return "false" if text == "none" else f"true (version {text})"
    return text[:8] if re.fullmatch("[0-9a-f]{64}", text) else text
