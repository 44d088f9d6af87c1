"""What the runs of one process read once: the prompt files, and what is known of the poses of their output folders."""

from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

from mardm_batch.config.schema import Config
from mardm_batch.dataset.formats.registry import VIEWS, enabled_formats
from mardm_batch.dataset.layout import PROMPTS, RECORDS
from mardm_batch.dataset.layouts.registry import check_layout
from mardm_batch.dataset.layouts.shards import ShardsLayout
from mardm_batch.dataset.ledger import Ledger
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import ConfigurationError, InputError
from mardm_batch.prompts.names import Prompt, max_name_bytes
from mardm_batch.prompts.parsed_list import PromptSource, ShardPrompts, read_shard
from mardm_batch.prompts.prompt_file import quote
from mardm_batch.prompts.prompt_list import bundled_prompts
from mardm_batch.prompts.shards import shard_of


class Reading:
    """Reads for the jobs of a sweep, one after the other, each file once. Memory: that of the longest lists."""

    def __init__(self) -> None:
        self.lists: dict[PromptSource, ShardPrompts] = {}
        """Whole lists."""
        self.ledgers: dict[Path, Ledger] = {}
        self.counts: dict[tuple[Any, ...], tuple[int, int]] = {}
        """Numbers of finished and of all poses of jobs, by their `job_key`, since the folders were looked at."""

    def prompts(self, config: Config) -> tuple[Prompt, ...]:
        """The prompts of a job. Raises InputError as `read_prompts`."""
        source = prompt_source(config)
        if source not in self.lists:
            self.lists[source] = checked(read_shard(source, folder=parsed_lists(config)), config)
        count = None if config.limit is None else config.limit * config.poses_per_caption
        return shard_of(self.lists[source].prompts[:count], config.shard, config.num_shards)

    def store(self, config: Config) -> PoseStore:
        """The poses of a job's output folder; the stores of one folder share what is known of its poses."""
        store = open_store(config)
        store.ledger = self.ledgers.setdefault(store.output.resolve(), store.ledger)
        return store

    def look_again(self) -> None:
        """Forget what was counted and that the ledgers were read: other processes have made poses since."""
        self.counts.clear()
        for ledger in self.ledgers.values():
            ledger.has_read_all = False

    def job_key(self, config: Config) -> tuple[Any, ...]:
        """Stands for the poses of a job."""
        output, views = Path(config.paths.output).expanduser().resolve(), setting_at(config, VIEWS)
        files = output, config.render.enabled, str(views), config.output.clip
        return prompt_source(config), config.limit, config.shard, config.num_shards, files

    def hand_on(self, config: Config) -> None:
        """Leave the list of a job for its run, which reads its own lines of it."""
        source = prompt_source(config)
        if source in self.lists:
            self.lists[source].keep(parsed_lists(config))


def open_store(config: Config) -> PoseStore:
    """The poses of the run's output folder, which need not exist yet.

    Raises:
        InputError: the poses in it lie otherwise than this run would write them.
    """
    output, settings = Path(config.paths.output).expanduser(), config.output
    check_layout(output, settings.layout)
    if settings.layout == ShardsLayout.NAME and not settings.list_rejected:
        raise InputError("output.list_rejected=false: with output.layout=shards the Parquet files list every pose")
    formats = enabled_formats(partial(setting_at, config))
    return PoseStore(output, formats, settings.list_rejected, settings.layout)


def setting_at(config: Config, key: str) -> Any:
    """The value at a dotted key; None for `render.views` where the chosen renderer has no such setting.

    Raises:
        AttributeError: a format names a key that is no setting.
    """
    return getattr(config.render, "views", None) if key == VIEWS else attrgetter(key)(config)


def read_run_prompts(config: Config) -> ShardPrompts:
    """The prompts of one run. Raises InputError as `read_prompts`."""
    source, folder = prompt_source(config), parsed_lists(config)
    return checked(read_shard(source, config.limit, config.shard, config.num_shards, folder), config)


def checked(prompts: ShardPrompts, config: Config) -> ShardPrompts:
    """The prompts. Raises InputError where there can be no clip of a length that the file says."""
    first = {prompt.frames: prompt for prompt in reversed(prompts.prompts)}
    for frames in sorted(each for each in first if each is not None):
        try:
            config.check_clip_length(frames)
        except ConfigurationError as error:
            path = prompt_source(config).path
            raise InputError(f"{path}: the length of {quote(first[frames].caption)}: {error}") from None
    return prompts


def parsed_lists(config: Config) -> Path:
    """The folder of lists that are parsed, in the output folder of a run."""
    return Path(config.paths.output).expanduser() / RECORDS / PROMPTS


def prompt_source(config: Config) -> PromptSource:
    path = config.paths.prompts
    return PromptSource(
        bundled_prompts() if path is None else Path(path).expanduser(),
        config.prompts.column,
        config.prompts.names,
        max_name_bytes(Path(config.paths.output).expanduser()),
        config.poses_per_caption,
        reads_lengths=config.output.clip,
    )
