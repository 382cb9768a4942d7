"""Deliveries of events: how long they are tried."""
