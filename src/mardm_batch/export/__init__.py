"""`python -m mardm_batch.export`: finished poses in the formats of other programs."""
