"""`python -m mardm_batch.evaluate`: score a model on captions with conditions."""
