"""Audit an output folder: what is there against what was asked for, file by file. Only a repair writes.

python -m mardm_batch.verify OUTPUT_DIR [--prompts FILE] [--repair] [--no-pictures] [--json]
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from rich.console import Console

from mardm_batch.dataset.layout import RECORDS
from mardm_batch.dataset.locks import shard_lock
from mardm_batch.dataset.metadata import rebuild_metadata
from mardm_batch.dataset.progress import read_progress
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import ExitCode, InputError
from mardm_batch.prompts.names import Prompt
from mardm_batch.system.terminal import printable, replace_unencodable_output
from mardm_batch.verify.audit import REMOVED, audit, expected_prompts, files_of
from mardm_batch.verify.findings import NOTES, Asked, Kind, Repair, Report

EXAMPLES_SHOWN: Final = 10

USAGE = """\
  python -m mardm_batch.verify SinglePose                          is all that the newest run asked for there and whole?
  python -m mardm_batch.verify SinglePose --prompts captions.md    is a pose there for each of these captions?
  python -m mardm_batch.verify SinglePose --repair                 set aside what is broken; the next run makes it again

Exit codes: 0 all as asked; 1 something is off (notes do not count); 2 bad arguments, or a run is at work on what is to
be repaired.
"""


def verify(output: Path, prompt_file: Path | None = None, repair: bool = False, decode: bool = True) -> Report:
    """Audit an output folder; `decode`: the pictures too.

    Raises:
        InputError: no output folder, no readable prompt file, or a run is at work on what is to be repaired.
    """
    sizes, folders = files_of(output)
    if RECORDS not in folders and not any(path.endswith(".json") for path in sizes):
        raise InputError(f"{output}: no poses and no record of a run; name the folder that a run wrote to")
    shards = read_progress(output)
    asked = expected_prompts(prompt_file, shards, pictures=any(path.endswith(".png") for path in sizes))
    store = PoseStore(output, asked.pictures)
    if not repair:
        return audit(store, asked, shards, decode)
    for shard in shards:
        if shard.alive:
            who = f"{shard.shard} (process {shard.pid} on {shard.host})"
            raise InputError(f"{output}: {who} is at work: wait for it or stop it, then repair")
    store.prepare()
    with shard_lock(output, shard=None, num_shards=1):  # no run starts meanwhile
        report = audit(store, asked, shards, decode)
        return replace(report, repair=set_aside(report, store, asked)) if report.problems else report


def set_aside(report: Report, store: PoseStore, asked: Asked) -> Repair:
    """Move what is broken or stray into a new folder of the hidden records, and list anew what is finished."""
    removed = store.output / REMOVED
    number = 1 + max((int(path.name) for path in removed.glob("*") if path.name.isdecimal()), default=0)
    paths = dict.fromkeys(path for problem in report.problems for path in problem.files)
    for path in paths:
        target = removed / str(number) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        (store.output / path).rename(target)
    rebuild_metadata(store)
    to_make = report.counts["damaged"]
    if asked.captions is not None:
        to_make = len(store.survey([Prompt(*item) for item in asked.captions.items()], {}).unfinished)
    return Repair(str(removed / str(number)) if paths else None, len(paths), to_make)


def show(report: Report) -> None:
    """The report for people: counts first, then at most ten of a kind."""
    console = Console(markup=False, emoji=False, highlight=False, soft_wrap=True)
    counts = ", ".join(f"{number:,} {what}" for what, number in report.counts.items())
    console.print(f"poses: {counts}", style="bold")
    console.print(printable(f"asked for: {report.asked}"))
    for kind in Kind:
        found = [each for each in (*report.problems, *report.notes) if each.kind is kind]
        if found:
            style = "bold" if kind in NOTES else "bold red"
            console.print(f"{'note: ' if kind in NOTES else ''}{kind.value}: {len(found):,}", style=style)
        for each in found[:EXAMPLES_SHOWN]:
            console.print(printable(f"  {each.where}" + (f": {each.detail}" if each.detail else "")))
        if len(found) > EXAMPLES_SHOWN:
            console.print(f"  and {len(found) - EXAMPLES_SHOWN:,} more")
    console.print("disk use", style="bold")
    for what, (files, size) in report.disk.items():
        console.print(printable(f"  {what:<10} {files:>7,} files {size / 1e6:>10,.1f} MB"))
    if not report.problems:
        console.print("all as asked", style="bold green")
    elif report.repair is None:
        console.print("--repair sets aside what is broken, and the generator's next run makes it again", style="bold")
    else:
        where = f", in {report.repair.folder}" if report.repair.folder else ""
        console.print(printable(f"set aside: {report.repair.moved:,} files{where}"))
        console.print(f"the generator's next run makes {report.repair.to_make:,} poses", style="bold")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m mardm_batch.verify",
        description=(__doc__ or "").partition("\n")[0],
        epilog=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("output_dir", type=Path, help="folder that a run wrote its poses to")
    parser.add_argument(
        "--prompts", type=Path, metavar="FILE", help="the captions asked for (default: those of the newest run)"
    )
    parser.add_argument("--repair", action="store_true", help="set aside what is broken or stray; nothing is deleted")
    parser.add_argument("--no-pictures", action="store_true", help="do not decode the pictures: much faster")
    parser.add_argument("--json", action="store_true", help="print one JSON object, with every finding")
    options = parser.parse_args(arguments)
    replace_unencodable_output()
    try:
        report = verify(options.output_dir, options.prompts, options.repair, decode=not options.no_pictures)
    except (InputError, OSError) as error:
        parser.exit(2, f"{error}\n")
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    if options.json:
        print(json.dumps({**asdict(report), "exit_code": report.exit_code}, default=str, indent=1))
    else:
        show(report)
    return report.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
