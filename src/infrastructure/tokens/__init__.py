"""Secrets, signing keys, and the two kinds of token made with them."""
