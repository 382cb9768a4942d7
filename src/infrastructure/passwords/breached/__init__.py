"""Passwords that were published in breaches, known by a filter file and by no call to anybody."""
