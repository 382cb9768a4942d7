"""Telling the rest of the world what happened: at least once, in order for each user, and never lost."""
