"""`python -m mardm_batch.benchmark`: the stages of the work, measured."""
