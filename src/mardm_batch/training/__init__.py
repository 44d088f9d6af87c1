"""Data, captions and loops that make the embedded model. Not needed to generate poses."""
