"""Accounts: who a user is, and by which identifiers they are found."""
