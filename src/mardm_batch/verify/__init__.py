"""`python -m mardm_batch.verify`: what is in an output folder against what was requested."""
