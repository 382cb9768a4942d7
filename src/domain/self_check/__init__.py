"""Whether the service can tell who is asking."""
