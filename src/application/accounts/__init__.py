"""Accounts: registering, reading, changing, exporting and ending them, by their users and by operators."""
