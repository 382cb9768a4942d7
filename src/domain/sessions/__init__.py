"""Sessions: how long a sign-in lasts, and the chain of refresh tokens that carries it."""
