"""What the product can do: one use case a module, and beside them the ports they need."""
