"""The version of the rules by which captions are rewritten, without the rules: settings need it at every start."""

from typing import Final

RULES_VERSION: Final = 2
"""Part of the provenance of poses. To be raised with every change of the rules that changes how a caption is read."""
