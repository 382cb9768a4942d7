"""The composition root: the one place that knows every part, reads the settings and puts the whole together."""
