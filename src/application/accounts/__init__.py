"""Registering an account and reading it."""
