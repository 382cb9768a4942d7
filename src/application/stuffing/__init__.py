"""Watching how sign-ins go, to see when lists of stolen passwords are tried."""
