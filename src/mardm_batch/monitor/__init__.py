"""`python -m mardm_batch.monitor`: every shard of a sweep, live in the terminal."""
