"""What poses are exported as: one module a format, and the registry of formats."""
