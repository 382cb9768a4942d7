"""The background worker: what happens without anybody asking for it."""
