"""What a fork server imports once, for the writers of all runs in the process of the tests.

A writer of a run on its own is spawned and imports all that itself, in a second of a core: so it is in the tests that
start the command in a process of its own.
"""

import mardm_batch.dataset.formats.registry
import mardm_batch.render.renderer
import mardm_batch.run.writers  # noqa: F401
