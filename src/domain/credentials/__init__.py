"""Credentials: what proves that a person is who they say."""
