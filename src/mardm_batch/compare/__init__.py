"""`python -m mardm_batch.compare`: runs side by side."""
