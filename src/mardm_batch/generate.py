"""THE MAIN PATH: one shard of a prompt file to poses on disk, in the order in which the data flows.

prompts file -> prompts -> shard -> pending -> batches -> clips -> poses -> PNG, NPY, JSON -> lists and summary
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

from mardm_batch.config.schema import Config
from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.leftovers import clear_caption_cache, clear_leftovers
from mardm_batch.dataset.locks import shard_lock
from mardm_batch.dataset.progress import Progress
from mardm_batch.dataset.records import Failure, Pose
from mardm_batch.dataset.staging import caption_cache_name, staging_folder
from mardm_batch.dataset.store import PoseStore
from mardm_batch.prompts.names import Prompt
from mardm_batch.prompts.shards import shard_name
from mardm_batch.run.conclusion import conclude_run, update_metadata_last
from mardm_batch.run.reading import open_store, parsed_lists
from mardm_batch.run.shard import (
    check_folders,
    check_loaded_weights,
    count_left_out,
    load_prompts_with_warnings,
    read_reviews,
    requested_prompts,
    select_pending,
    survey_poses,
)
from mardm_batch.run.statistics import RunStatistics
from mardm_batch.run.writers import PoseWriters, WriterSettings
from mardm_batch.sampling.batching import sample_batches
from mardm_batch.sampling.cores import sampling_threads
from mardm_batch.sampling.device import check_device
from mardm_batch.sampling.provenance import complete_provenance
from mardm_batch.sampling.sampler import load_sampler
from mardm_batch.sampling.vocabulary import read_captions
from mardm_batch.system.processes import available_cores
from mardm_batch.system.terminal import counted
from mardm_batch.tracking.tracker import DeferredTracker, TrackedRun

log = logging.getLogger(__name__)


def generate(config: Config, run_folder: Path, sweep: str | None) -> int:
    """Make every pose of the shard that is not finished yet.

    Args:
        run_folder: where the log, the metrics and the tracking files of this run go.
        sweep: the name of the sweep that this shard is part of; None for a run on its own.

    Returns:
        The exit code: 0 all finished, 1 some failed, 3 crashed, 129, 130 or 143 interrupted.

    Raises:
        InputError, ConfigurationError: bad input or settings; nothing was generated.
    """
    loaded = load_prompts_with_warnings(config)
    check_device(config.shard, config.gpu_ids)
    check_folders(config)
    prompts, store = loaded.prompts, open_store(config)
    store.prepare()
    loaded.keep(parsed_lists(config))
    shard = shard_name(config.shard, config.num_shards)
    with shard_lock(store.output, config.shard, config.num_shards):
        temp = Path(config.paths.temp).expanduser()
        clear_leftovers(store.output, temp, shard)
        failures, progress = FailureList(store.output), Progress(shard, str(run_folder), sweep)
        statistics = RunStatistics(progress, prompts, store.output, asdict(config), failures)
        with store.keeping_ledger(shard), conclude_run(statistics, store, config) as conclusion:
            reviews = read_reviews(store)
            requested = requested_prompts(prompts, store, failures, reviews, config)
            survey = survey_poses(prompts, store, config)
            pending = select_pending(requested, survey, config)
            statistics.begin(requested, pending, *count_left_out(prompts, requested, survey))
            conclusion.survey = survey if requested is prompts and not pending else None
            if pending:
                make_poses(pending, store, config, statistics, reviews.rejections())
            else:
                clear_caption_cache(store.output, temp, shard)
    return update_metadata_last(statistics, store, conclusion.exit_code)


def make_poses(
    pending: Sequence[Prompt],
    store: PoseStore,
    config: Config,
    statistics: RunStatistics,
    rejections: Mapping[str, int],
) -> None:
    """Sample, draw and write. While the device samples a batch, worker processes draw and write the one before.

    Args:
        rejections: by name the number of earlier poses that a review rejected.
    """
    shard, sweep, temp = statistics.progress.shard, statistics.progress.sweep, Path(config.paths.temp).expanduser()
    cores = config.cpu_threads or available_cores()
    render = config.render if config.render.enabled else None
    store.snapshot = None  # it takes memory, and poses change
    store.find_views()
    with (
        statistics,
        store.settling(),
        staging_folder(temp, store.output, shard) as staging,
        PoseWriters(WriterSettings(store, staging, render), cores) as writers,  # they start as the model loads
        record_outcomes_on_error(writers, statistics, store),
    ):
        sampler = load_sampler(config, sampling_threads(config, cores))
        log.info(
            "%s to make with %s, into %s", counted(len(pending), "pose"), sampler.describe(len(pending)), store.output
        )
        tracked = TrackedRun(statistics.run_folder, statistics.settings, shard, sweep)
        statistics.tracker = DeferredTracker(partial(config.tracking.open, tracked))
        provenance = complete_provenance(config, sampler.model)
        check_loaded_weights(statistics.requested, store, config, provenance)
        read = read_captions(pending, sampler.model, config.unknown_words)
        statistics.record_reading(read)
        cache = caption_cache_name(store.output, shard)
        sampler.model.cache_text_embeddings(list({prompt.caption: None for prompt in read.prompts}), temp, cache)
        for results in sample_batches(read.prompts, sampler, statistics.record_batch, rejections):
            statistics.record_failures([each for each in results if isinstance(each, Failure)])
            poses = [read.describe(each) for each in results if isinstance(each, Pose)]
            statistics.record_outcomes(store.noted(writers.write(poses, provenance)))
        statistics.record_outcomes(store.noted(writers.finish()))
        sampler.model.clear_text_embeddings()


@contextmanager
def record_outcomes_on_error(writers: PoseWriters, statistics: RunStatistics, store: PoseStore) -> Iterator[None]:
    """Record the poses too that are being written while an error ends the run."""
    try:
        yield
    except BaseException:
        statistics.record_outcomes(store.noted(writers.stop()))
        raise
