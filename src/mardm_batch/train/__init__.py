"""`python -m mardm_batch.train`: train the embedded model."""
