"""The rules of accounts, credentials and sessions: standard library only, no I/O, no framework."""
