"""The ports' implementations, grouped by technology."""
