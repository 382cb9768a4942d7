"""Sealing what happened, reading it, and proving that nobody altered it."""
