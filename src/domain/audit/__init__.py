"""The audit log: what its entries say, how they hang together, and what is signed."""
