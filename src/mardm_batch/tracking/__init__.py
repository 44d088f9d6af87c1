"""Where the metrics and sample pictures of a run go.

Adding a tracker is a module here and a file in `conf/tracking/`.
"""

from typing import Final

from mardm_batch.config.registry import Registry
from mardm_batch.tracking.wandb_tracker import PoseWandbSettings

TRACKERS: Final = Registry("tracking", {"wandb": PoseWandbSettings})
