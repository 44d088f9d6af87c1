"""One run of one shard: its writers and its statistics."""
