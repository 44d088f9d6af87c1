"""THE MAIN PATH: one shard of a prompt file to poses on disk, in the order in which the data flows.

prompts file -> prompts -> shard -> unfinished -> batches -> clips -> poses -> PNG, NPY, JSON -> manifest
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mardm_batch.batch_size import BatchSize
from mardm_batch.config import Config, EmbeddedSettings
from mardm_batch.console import clock
from mardm_batch.errors import ConfigurationError, InputError
from mardm_batch.interruption import Interrupted, held_back
from mardm_batch.locks import shard_lock, shard_name
from mardm_batch.manifest import Failure, FailureList, rebuild_metadata
from mardm_batch.model.embedded import file_hash, find_embedded
from mardm_batch.pose import Pose, canonical_position, frame_change
from mardm_batch.processes import available_cores
from mardm_batch.progress import Progress
from mardm_batch.prompts import Prompt, bundled_prompts, read_prompts
from mardm_batch.record import RunRecord
from mardm_batch.render import RenderOptions
from mardm_batch.sharding import shard_of
from mardm_batch.store import DiskFullError, PoseStore, Provenance, staging_folder
from mardm_batch.tracking import OpeningTracker, open_tracker
from mardm_batch.writers import PoseWriters, WriterSettings

if TYPE_CHECKING:
    from mardm_batch.sampler import PoseSampler

log = logging.getLogger(__name__)

ALL_FINISHED, SOME_FAILED = 0, 1
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
    render = render_options(config)
    prompts = prompts_of(config, say=True)
    store = PoseStore(Path(config.paths.output).expanduser(), pictures=config.render.enabled)
    store.prepare()
    shard = shard_name(config.shard, config.num_shards)
    with shard_lock(store.output, config.shard, config.num_shards):
        failures = FailureList(store.output)
        asked = prompts if config.retry is None else failures.only_failed(prompts)
        todo = unfinished(asked, store, config)
        progress = Progress(shard, str(run_folder), sweep, total=len(asked), finished_before=len(asked) - len(todo))
        record = RunRecord(progress, todo, store.output, asdict(config), failures, bar=sweep is None)
        code = make_poses(todo, store, config, render, record) if todo else ALL_FINISHED
        with held_back():
            code = close(asked, store, record, code, time.monotonic() - started)
            summary = record.finish(code)
        record.tracker.finish(summary)
        return code


def prompts_of(config: Config, say: bool = False) -> tuple[Prompt, ...]:
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
    prompts = prompts_of(config)
    output = Path(config.paths.output).expanduser()
    if not output.is_dir():
        return 0, len(prompts)
    survey = PoseStore(output, pictures=config.render.enabled).survey(prompts, {})
    return len(survey.finished), len(prompts)


def unfinished(prompts: Sequence[Prompt], store: PoseStore, config: Config) -> Sequence[Prompt]:
    """The prompts whose poses are to be made, after `existing`.

    Raises:
        InputError: there are finished poses and `existing` is error.
    """
    survey = store.survey(prompts, settings_of(config))
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


def settings_of(config: Config) -> Provenance:
    """What decides what a pose is, as every pose's JSON records it, as far as it is known before the model is loaded.

    Raises:
        InputError: the file of weights is not there or none.
    """
    sampling = config.sampling
    precision = {} if sampling.precision == "auto" else {"precision": sampling.precision}
    embedded = isinstance(config.model, EmbeddedSettings)
    weights = {"weights_sha256": file_hash(find_embedded(config.model.weights))} if embedded else {}
    return {
        **precision,
        **weights,
        "model": config.model.name,
        "frame_index": sampling.chosen_frame,
        "seed": config.seed,
        "sampling": {
            "sequence_length": sampling.sequence_length,
            "time_steps": sampling.time_steps,
            "cfg": sampling.cfg,
            **config.model.sampler_settings(),
        },
    }


def make_poses(
    todo: Sequence[Prompt], store: PoseStore, config: Config, render: RenderOptions | None, record: RunRecord
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
            PoseWriters(WriterSettings(store.output, staging, render), cores) as writers,
            accounted_for(writers, record),
        ):
            # torch takes seconds to import: bad input and "nothing to do" are answered without it
            with held_back():  # its C++ parts end the process where an exception comes in from outside
                from mardm_batch.sampler import load_sampler

            sampler = load_sampler(config, sampling_threads(config, cores))
            log.info("%d poses to make with %s, into %s", len(todo), sampler.description, store.output)
            tracking = partial(open_tracker, config.tracking, record.run_folder, record.settings, shard, sweep)
            record.tracker = OpeningTracker(tracking)
            captions = [prompt.caption for prompt in todo]
            record.unknown(sampler.unknown_words(captions))
            sampler.read(captions, temp, shard)
            provenance = {
                **settings_of(config),
                "weights_sha256": sampler.weights_hash,
                "precision": sampler.precision,
            }
            for result in sample_poses(todo, sampler, record.sampled):
                if isinstance(result, Failure):
                    record.failed(result)
                else:
                    record.written(writers.write(result, provenance))
            record.written(writers.finish())
            sampler.forget()
    except Interrupted as interruption:
        log.warning("interrupted: what is finished stays; %s", how_to_go_on(config))
        return interruption.exit_code
    except DiskFullError:
        log.error("the disk of %s is full: free some space, then run the same command again", store.output)
        return SOME_FAILED
    return ALL_FINISHED


def how_to_go_on(config: Config) -> str:
    if config.existing == "overwrite":
        return "the same command makes all of them again, with existing=skip only those that are missing"
    words = "the same command" if config.existing == "skip" else "the same command with existing=skip"
    return f"{words} goes on from there"


@contextmanager
def accounted_for(writers: PoseWriters, record: RunRecord) -> Iterator[None]:
    """What is being written while a run ends early is in its record too."""
    try:
        yield
    except BaseException:
        record.written(writers.stop())
        raise


def sampling_threads(config: Config, cores: int) -> int:
    """How many of the cores sample. The drawing processes take what sampling leaves, as they give way to it.

    Large networks take all cores: pictures are few then. The embedded model takes half of them, as it takes about as
    long for a pose as drawing does, and a thread whose core draws makes all others wait.
    """
    balanced = isinstance(config.model, EmbeddedSettings) and config.render.enabled
    return (cores + 1) // 2 if balanced else cores


@dataclass(frozen=True)
class Trial:
    """A pose to be sampled, for the first time or, as what came was not usable, with other noise."""

    prompt: Prompt
    attempt: int = 0


def sample_poses(
    prompts: Sequence[Prompt], sampler: "PoseSampler", sampled: Callable[[float, str, float], None]
) -> Iterator[Pose | Failure]:
    """Sample batch after batch; what is to be sampled anew goes with the next one.

    `sampled` is told of each batch its seconds, the device and the most memory (MB) that was taken there.

    A batch that fails is tried again in halves, so that one bad caption costs only itself; where memory runs out, the
    batches that follow are smaller too.
    """
    size = BatchSize(sampler.batch_size, sampler.largest_batch)
    waiting, halves = deque(map(Trial, prompts)), deque[Sequence[Trial]]()
    while waiting or halves:
        batch = halves.popleft() if halves else [waiting.popleft() for _ in range(min(size.now, len(waiting)))]
        started = time.perf_counter()
        try:
            results = sample_batch(batch, sampler)
        except Exception as error:
            if len(batch) == 1:
                log.debug("sampling failed", exc_info=error)
                yield failure(batch[0].prompt, f"{type(error).__name__}: {error}")
                continue
            half = (len(batch) + 1) // 2
            if sampler.out_of_memory(error) and half < size.now:
                size.limit(half)
                log.warning("out of memory with %d poses at once: going on with %d", len(batch), half)
                waiting.extendleft(reversed(batch))
            else:
                halves.extendleft((batch[half:], batch[:half]))
            continue
        seconds = time.perf_counter() - started
        size.sampled(len(batch), seconds)
        sampled(seconds, sampler.device, sampler.device_memory_mb())
        for result in results:
            if isinstance(result, Trial):
                waiting.appendleft(result)
            else:
                yield result


def sample_batch(batch: Sequence[Trial], sampler: "PoseSampler") -> list[Pose | Failure | Trial]:
    """Clips of a batch, and of each the one frame in canonical position, or the next trial where it is not usable.

    The last trial's pose is taken where it is finite, usable or not.
    """
    clips = sampler.sample([trial.prompt.caption for trial in batch], [trial.attempt for trial in batch])
    usable = sampler.usable(clips)  # (b,)
    with np.errstate(invalid="ignore"):  # not all need be finite
        joints = canonical_position(clips[:, sampler.frame_index])  # (b, 22, 3)
        changes = frame_change(clips, sampler.frame_index)  # (b,)
    results: list[Pose | Failure | Trial] = []
    for row, trial in enumerate(batch):
        if not usable[row] and trial.attempt + 1 < sampler.tries:
            results.append(replace(trial, attempt=trial.attempt + 1))
        elif np.isfinite(clips[row]).all():
            pose = Pose(trial.prompt, joints[row], sampler.frame_index, trial.attempt, float(changes[row]))
            results.append(pose)
        else:
            results.append(failure(trial.prompt, "joints are not finite, with other noise too"))
    return results


def failure(prompt: Prompt, error: str) -> Failure:
    return Failure(prompt.caption, prompt.name, "sample", error)


def render_options(config: Config) -> RenderOptions | None:
    """How to draw; None where no pictures are wanted."""
    options = asdict(config.render)
    if not options.pop("enabled"):
        return None
    try:
        return RenderOptions(**options)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def close(asked: Sequence[Prompt], store: PoseStore, record: RunRecord, code: int, seconds: float) -> int:
    """Bring the lists up to date, count what is there against what was asked for, and say so.

    Returns:
        The exit code.
    """
    there = store.survey(asked, {}).finished
    finished = [prompt for prompt in there if prompt.name not in record.not_made]
    try:
        record.failures.update([], {prompt.caption for prompt in finished})
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
    return code or (SOME_FAILED if missing else ALL_FINISHED)
