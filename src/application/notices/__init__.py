"""Telling people what happened to their accounts, in case it was not they who did it."""
