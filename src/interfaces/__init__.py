"""The ways into the product: HTTP and the command line."""
