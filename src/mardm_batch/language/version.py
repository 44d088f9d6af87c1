"""The versions of the rules by which captions are read, without the rules: settings need them at every start."""

from typing import Final

RULES_VERSION: Final = 7
"""Part of the provenance of poses. To be raised with every change of the rules that changes how a caption is read."""
STATEMENTS_VERSION: Final = 5
"""Part of the provenance of poses that are adjusted. To be raised with every change of what statements are read as, or
of how poses are changed for them."""
