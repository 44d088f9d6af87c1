"""Text to 3D human poses by the ten thousand. Kept free of imports but one, so that every command starts fast."""

import os

__version__ = "0.1.0"

# Before numpy is imported, here and in the processes that this one starts: its products are small, and threads for
# them do little but wait at full speed for the cores on which others sample and draw.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
