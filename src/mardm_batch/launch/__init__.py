"""Many runs: the engine that starts them, their settings, and the report at the end."""
