"""Whether a pose shows what its caption says, whatever model made it. No torch here."""
