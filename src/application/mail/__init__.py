"""Writing to people, and being sure that they are written to."""
