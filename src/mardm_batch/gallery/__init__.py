"""`python -m mardm_batch.gallery`: look through the poses of a folder in a browser."""
