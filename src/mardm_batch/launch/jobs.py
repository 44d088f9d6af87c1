"""The jobs of a sweep, checked before anything is started."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

from mardm_batch.config.schema import Config
from mardm_batch.dataset.layout import RECORDS
from mardm_batch.dataset.locks import shard_lock
from mardm_batch.errors import ConfigurationError, InputError
from mardm_batch.launch.plan import JobPlan
from mardm_batch.prompts.shards import shard_gpu, shard_name, shards_overlap
from mardm_batch.run.reading import Reading
from mardm_batch.run.shard import check_run
from mardm_batch.sampling.device import check_device

CORES_PER_RUN = 4
"""On a CPU. A run with fewer cores is slower by more than the runs beside it gain."""


@dataclass(frozen=True)
class Job:
    """One run of a sweep: the command-line words that are its own, and its checked settings."""

    number: int
    overrides: Sequence[str]
    config: Config
    reading: Reading = field(default_factory=Reading, compare=False)
    """What the jobs of a sweep share: each file is read once for all of them."""

    @property
    def name(self) -> str:
        shard = self.config.shard
        return f"job {self.number}" if shard is None else f"shard {shard} of {self.config.num_shards}"

    @property
    def shard_name(self) -> str:
        """The name of the shard in its records."""
        return shard_name(self.config.shard, self.config.num_shards)

    @property
    def output(self) -> Path:
        """The folder of the job's poses."""
        return Path(self.config.paths.output).expanduser().resolve()


def check_jobs(jobs: Sequence[Job]) -> None:
    """Check that all jobs can run where they are to write, and that no two make the same poses in the same folder.

    Raises:
        ConfigurationError, InputError: one of the two does not hold.
    """
    for one, other in combinations(jobs, 2):
        a, b = one.config, other.config
        if a.shard is not None and a == b:
            raise ConfigurationError(f"shard={a.shard}: {one.name} is twice in this sweep; name each shard once")
        if one.output == other.output and shards_overlap(a.shard, a.num_shards, b.shard, b.num_shards):
            raise ConfigurationError(
                f"paths.output={a.paths.output}: jobs {one.number} and {other.number} of the sweep would make the same "
                "poses there; give each a folder of its own, such as 'paths.output=poses/${hydra:job.num}'"
            )
    for job in jobs:
        check_run(job.config, job.reading)


def check_locks(jobs: Sequence[Job]) -> None:
    """Check that at least one job can begin. Raises InputError where other processes work on the shards of all."""
    refusal = None
    for job in jobs:
        config = job.config
        try:
            if not (job.output / RECORDS).is_dir():
                return
            with shard_lock(job.output, config.shard, config.num_shards):
                return
        except OSError:
            return  # the run says why
        except InputError as error:
            refusal = error
    if refusal is not None:
        raise refusal


def omitted_shards(jobs: Sequence[Job]) -> list[tuple[Job, list[int]]]:
    """For each division into shards of which the sweep leaves some out: its first job, and these."""
    included: dict[tuple[Path, int], list[Job]] = {}
    for job in jobs:
        if job.config.shard is not None:
            included.setdefault((job.output, job.config.num_shards), []).append(job)
    omitted = [
        (together[0], sorted(set(range(count)) - {job.config.shard for job in together}))
        for (_, count), together in included.items()
    ]
    return [(job, shards) for job, shards in omitted if shards]


def omission_warnings(jobs: Sequence[Job]) -> list[str]:
    """A warning for each division into shards of which the sweep leaves some out."""
    return [
        f"num_shards={job.config.num_shards}, but shard={','.join(map(str, shards))} is not in this sweep; "
        "its captions are left out"
        for job, shards in omitted_shards(jobs)
    ]


def omitted_poses(jobs: Sequence[Job]) -> tuple[int, int]:
    """How many poses the sweep leaves out with their shards, and how many the lists of these shards have in all."""
    omitted = total = 0
    for job, shards in omitted_shards(jobs):
        omitted += sum(len(job.reading.prompts(replace(job.config, shard=shard))) for shard in shards)
        total += len(job.reading.prompts(replace(job.config, shard=None)))
    return omitted, total


def shared_gpus(jobs: Sequence[Job]) -> Sequence[int]:
    """The GPUs that the jobs share; none where the jobs name different ones or there are none."""
    named = [job.config.gpu_ids for job in jobs]
    if any(each != named[0] for each in named):
        return []
    if named[0] is not None:
        return named[0]
    import torch  # takes seconds to import, and is needed only where no GPUs are named

    return list(range(torch.cuda.device_count()))


def check_gpus(jobs: Sequence[Job]) -> None:
    """Check that the GPUs that the jobs name exist. Raises ConfigurationError."""
    for job in jobs:
        check_device(job.config.shard, job.config.gpu_ids)


def runs_that_pay(jobs: Sequence[Job], cores: int) -> int:
    """How many runs at once are the fastest where none shares GPUs with others.

    A run uses all of its cores, and on a CPU each further one loads its model and starts its processes on cores that
    the others need. So each has several cores, or as many as its setting says.
    """
    if any(job.config.gpu_ids is not None for job in jobs):
        return cores
    return max(1, cores // max(job.config.cpu_threads or CORES_PER_RUN for job in jobs))


def share_of_cores(number: int, jobs: int, processes: int, cores: int) -> int:
    """The cores of a run: an equal share; the last runs, when fewer than `processes` are left, share all of them."""
    last_round = number // processes == (jobs - 1) // processes
    return max(1, cores // ((jobs - 1) % processes + 1 if last_round else processes))


def plan_job(job: Job, gpu_ids: Sequence[int], cpu_threads: int) -> JobPlan:
    """The GPU of a job and the settings that it needs beside its own: its share of the cores, and that GPU."""
    shard = job.config.shard
    gpu = shard_gpu(job.number if shard is None else shard, gpu_ids) if gpu_ids else None
    overrides = [f"cpu_threads={cpu_threads}"] if job.config.cpu_threads is None else []
    if gpu is not None and shard is None:  # a shard finds the same GPU by itself
        overrides.append(f"gpu_ids=[{gpu}]")
    return JobPlan(overrides, gpu)
