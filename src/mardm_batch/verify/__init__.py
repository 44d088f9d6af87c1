"""`python -m mardm_batch.verify`: audit and repair an output folder."""
