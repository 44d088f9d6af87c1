"""THE MAIN PATH: one shard of a prompt file to poses on disk, in the order in which the data flows.

prompts file -> prompts -> shard -> unfinished -> batches -> clips -> poses -> PNG, NPY, JSON -> manifest
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

from mardm_batch.config.schema import Config
from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.formats import enabled_formats
from mardm_batch.dataset.locks import shard_lock
from mardm_batch.dataset.metadata import rebuild_metadata
from mardm_batch.dataset.progress import Progress
from mardm_batch.dataset.records import Failure
from mardm_batch.dataset.staging import staging_folder
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import ExitCode, InputError
from mardm_batch.prompts.names import Prompt
from mardm_batch.prompts.prompt_list import bundled_prompts, read_prompts
from mardm_batch.prompts.shards import shard_name, shard_of
from mardm_batch.render.theme import RenderSettings
from mardm_batch.run.statistics import RunStatistics
from mardm_batch.run.writers import PoseWriters, WriterSettings
from mardm_batch.sampling.batching import sample_poses
from mardm_batch.sampling.provenance import complete_provenance, pose_provenance
from mardm_batch.sampling.sampler import load_sampler
from mardm_batch.system.files import DiskFullError
from mardm_batch.system.processes import available_cores
from mardm_batch.system.signals import Interrupted, defer_signals
from mardm_batch.system.terminal import clock
from mardm_batch.tracking.tracker import DeferredTracker, TrackedRun

log = logging.getLogger(__name__)

FAILURES_SHOWN = 5


def generate(config: Config, run_folder: Path, sweep: str | None) -> int:
    """Make every pose of the shard that is not finished yet.

    Args:
        run_folder: where the log, the metrics and the tracking files of this run go.
        sweep: the name of the sweep that this shard is part of; None for a run on its own.

    Returns:
        The exit code: 0 all finished, 1 some failed, 130 or 143 interrupted.

    Raises:
        InputError, ConfigurationError: bad input or settings; nothing was generated.
    """
    started = time.monotonic()
    render = config.render if config.render.enabled else None
    prompts = load_prompts(config, say=True)
    store = PoseStore(Path(config.paths.output).expanduser(), enabled_formats(config))
    store.prepare()
    shard = shard_name(config.shard, config.num_shards)
    with shard_lock(store.output, config.shard, config.num_shards):
        failures = FailureList(store.output)
        asked = prompts if config.retry is None else failures.failed_prompts(prompts)
        todo = unfinished(asked, store, config)
        progress = Progress(shard, str(run_folder), sweep, total=len(asked), finished_before=len(asked) - len(todo))
        record = RunStatistics(progress, todo, store.output, asdict(config), failures, bar=sweep is None)
        code = make_poses(todo, store, config, render, record) if todo else ExitCode.ALL_FINISHED
        with defer_signals():
            code = close(asked, store, record, code, time.monotonic() - started)
            summary = record.finish(code)
        record.tracker.finish(summary)
        return code


def load_prompts(config: Config, say: bool = False) -> tuple[Prompt, ...]:
    """The prompts of this shard. `say` what there is to say about the file."""
    path = bundled_prompts() if config.paths.prompts is None else Path(config.paths.prompts).expanduser()
    listed = read_prompts(path)
    if say:
        for warning in listed.warnings:
            log.warning("%s", warning)
        if listed.merged:
            log.info("merged repeated captions: %d", listed.merged)
    return shard_of(listed.prompts[: config.limit], config.shard, config.num_shards)


def count_finished(config: Config) -> tuple[int, int]:
    """How many poses of a run are finished, of how many that are asked for, by what is on disk."""
    prompts = load_prompts(config)
    output = Path(config.paths.output).expanduser()
    if not output.is_dir():
        return 0, len(prompts)
    survey = PoseStore(output, enabled_formats(config)).survey(prompts)
    return len(survey.finished), len(prompts)


def unfinished(prompts: Sequence[Prompt], store: PoseStore, config: Config) -> Sequence[Prompt]:
    """The prompts whose poses are to be made, after `existing`.

    Raises:
        InputError: there are finished poses and `existing` is error.
    """
    survey = store.survey(prompts, pose_provenance(config))
    if survey.finished and config.existing == "error":
        raise InputError(
            f"existing=error: {len(survey.finished)} of {len(prompts)} poses are finished in {store.output} already"
        )
    if survey.other_captions and config.existing == "error":
        raise InputError(
            f"existing=error: {survey.other_captions} poses of other captions have the names of these in {store.output}"
        )
    if survey.other_captions:
        log.warning("%d poses of other captions have the names of these and are replaced", survey.other_captions)
    if config.existing == "overwrite":
        return prompts
    if survey.other_settings:
        log.warning(
            "%d finished poses were made with other settings or weights and stay (existing=overwrite makes them again)",
            survey.other_settings,
        )
    if survey.finished and survey.unfinished:
        log.info("%d of %d poses are finished already", len(survey.finished), len(prompts))
    return survey.unfinished


def make_poses(
    todo: Sequence[Prompt], store: PoseStore, config: Config, render: RenderSettings | None, record: RunStatistics
) -> int:
    """Sample, draw and write. While the device samples a batch, worker processes draw and write the one before.

    Returns:
        0, or the exit code of what ended the run early.
    """
    shard, sweep, temp = record.progress.shard, record.progress.sweep, Path(config.paths.temp).expanduser()
    cores = config.cpu_threads or available_cores()
    try:
        with (
            record,
            staging_folder(temp, store.output, shard) as staging,
            # the writers come up while the model is loaded
            PoseWriters(WriterSettings(store, staging, render), cores) as writers,
            record_outcomes_on_error(writers, record),
        ):
            sampler = load_sampler(config, sampling_threads(config, cores))
            log.info("%d poses to make with %s, into %s", len(todo), sampler.description, store.output)
            tracked = TrackedRun(record.run_folder, record.settings, shard, sweep)
            record.tracker = DeferredTracker(partial(config.tracking.open, tracked))
            captions = [prompt.caption for prompt in todo]
            record.unknown(sampler.unknown_words(captions))
            sampler.model.cache_text_embeddings(captions, temp, shard)
            provenance = complete_provenance(config, sampler.model)
            for result in sample_poses(todo, sampler, record.sampled):
                if isinstance(result, Failure):
                    record.failed(result)
                else:
                    record.written(writers.write(result, provenance))
            record.written(writers.finish())
            sampler.model.clear_text_embeddings()
    except Interrupted as interruption:
        log.warning("interrupted: what is finished stays; %s", resume_hint(config))
        return interruption.exit_code
    except DiskFullError:
        log.error("the disk of %s is full: free some space, then run the same command again", store.output)
        return ExitCode.SOME_FAILED
    return ExitCode.ALL_FINISHED


def resume_hint(config: Config) -> str:
    if config.existing == "overwrite":
        return "the same command makes all of them again, with existing=skip only those that are missing"
    words = "the same command" if config.existing == "skip" else "the same command with existing=skip"
    return f"{words} goes on from there"


@contextmanager
def record_outcomes_on_error(writers: PoseWriters, record: RunStatistics) -> Iterator[None]:
    """What is being written while a run ends early is in its record too."""
    try:
        yield
    except BaseException:
        record.written(writers.stop())
        raise


def sampling_threads(config: Config, cores: int) -> int:
    """How many of the cores sample. The drawing processes take what sampling leaves, as they give way to it.

    Large networks take all cores: pictures are few then. A small model takes half of them, as it takes about as long
    for a pose as drawing does, and a thread whose core draws makes all others wait.
    """
    balanced = config.model.IS_SMALL and config.render.enabled
    return (cores + 1) // 2 if balanced else cores


def close(asked: Sequence[Prompt], store: PoseStore, record: RunStatistics, code: int, seconds: float) -> int:
    """Bring the lists up to date, count what is there against what was asked for, and say so.

    Returns:
        The exit code.
    """
    there = store.survey(asked).finished
    finished = [prompt for prompt in there if prompt.name not in record.pending_names]
    try:
        record.failures.remove({prompt.caption for prompt in finished})
        rebuild_metadata(store)
    except OSError as error:
        log.warning("the lists in %s were not brought up to date: %s", store.output, error.strerror)
    if not record.todo:
        what = f"all {len(asked)} poses are finished in {store.output}" if asked else "no pose is asked for"
        log.info("nothing to do: %s", what)
        return code
    missing = len(asked) - len(finished)
    log.info(
        "%d of %d poses are finished in %s, after %s%s",
        len(finished),
        len(asked),
        store.output,
        clock(seconds),
        f"; {missing} are missing" if missing else "",
    )
    wanted = {prompt.caption for prompt in asked}
    listed = [each for each in record.failures.read() if each.caption in wanted]
    for each in listed[:FAILURES_SHOWN]:
        log.error("failed: %s (%s): %s", each.name, each.stage, each.error)
    if len(listed) > FAILURES_SHOWN:
        log.error("and %d more, see %s", len(listed) - FAILURES_SHOWN, record.failures.path)
    return code or (ExitCode.SOME_FAILED if missing else ExitCode.ALL_FINISHED)
