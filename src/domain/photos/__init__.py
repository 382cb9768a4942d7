"""Photos: the picture of themselves that people may add to their account."""
