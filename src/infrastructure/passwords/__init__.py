"""Password hashing and strength."""
