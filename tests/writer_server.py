"""What a fork server imports once, for the writers of all runs in the process of the tests.

A writer of a run on its own is spawned and imports all that itself, in a second of a core: so it is in the tests that
start the command in a process of its own.
"""

import multiprocessing

import mardm_batch.dataset.formats.registry
import mardm_batch.render.renderer  # noqa: F401
from mardm_batch.run import writers


def exit_with_parent(_: int) -> None:
    """As `writers.exit_with_parent`; the system's parent of a writer is the fork server, which outlives a run."""
    parent = multiprocessing.parent_process()
    while parent is not None and parent.is_alive() and not writers.Worker.stop_requested.wait(writers.POLL_SECONDS):
        pass
    with writers.Worker.writing:
        writers.os._exit(1)


writers.exit_with_parent = exit_with_parent
