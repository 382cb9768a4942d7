"""Getting back in: one-time tokens and what they open."""
