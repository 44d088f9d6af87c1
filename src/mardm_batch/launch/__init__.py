"""Many runs: which engine starts them, what it is told, the report at the end."""
