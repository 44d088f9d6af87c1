"""What a sweep leaves in the output folders of its jobs, for the monitor."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from mardm_batch.dataset.sweeps import SweepJob, SweepRecord, read_sweep
from mardm_batch.launch.jobs import Job
from mardm_batch.launch.plan import EXIT_CODE, SIGNAL, queue_file, status_folder, sweep_name
from mardm_batch.prompts.shards import shard_name
from mardm_batch.run.shard import count_finished


def record_sweep(jobs: Sequence[Job], folder: str) -> None:
    """Write the record of a sweep into each output folder, and leave the prompts there that its runs read. Where it
    cannot be written the runs say so themselves."""
    by_output: defaultdict[Path, list[SweepJob]] = defaultdict(list)
    for job in jobs:
        finished, total = count_finished(job.config, job.reading)
        exit_code, signal = (str(status_folder(folder) / f"{job.number}.{key}") for key in (EXIT_CODE, SIGNAL))
        by_output[job.output].append(
            SweepJob(
                shard=shard_name(job.config.shard, job.config.num_shards),
                finished=0 if job.config.existing == "overwrite" else finished,
                total=total,
                run_folder=str(Path(folder) / str(job.number)),
                exit_code_file=exit_code,
                signal_file=signal,
                number=job.number,
            )
        )
    for output, recorded in by_output.items():
        with suppress(OSError):
            SweepRecord(sweep_name(folder), tuple(recorded), queue_file=queue_file(folder)).write(output)
    for job in jobs:
        job.reading.hand_on(job.config)


def record_end(jobs: Sequence[Job], folder: str) -> None:
    """Add to the records of a sweep that has ended the poses that are finished: a run that was killed left no last
    record of its own."""
    counts = {
        (job.output, job.number): count_finished(job.config, job.reading)[0]
        for job in jobs
        if job.config.existing != "overwrite" and job.config.retry != "rejected"
    }
    for output in {job.output for job in jobs}:
        record = read_sweep(output)
        if record is None or record.name != sweep_name(folder):
            continue  # another sweep has begun here
        ended = [replace(each, finished_at_end=counts.get((output, each.number))) for each in record.jobs]
        with suppress(OSError):
            replace(record, jobs=tuple(ended)).write(output)
