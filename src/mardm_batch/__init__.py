"""Text to 3D human poses by the ten thousand. Kept free of all but the lightest imports: every command starts fast."""

import os
import sys

__version__ = "0.1.0"

# Before numpy is imported, here and in the processes that this one starts: its products are small, and threads for
# them do little but wait at full speed for the cores on which others sample and draw.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# `python -m mardm_batch` and `python -m mardm_batch.NAME`, of which this is the first line that Python runs: a signal
# ends them from here on with one line. While Python looks for the module, the first word of its arguments is -m.
if sys.argv[:1] == ["-m"] and sys.orig_argv[-len(sys.argv)].partition(".")[0] == __name__:
    from mardm_batch.system.early_signals import exit_on_signals

    exit_on_signals()
