"""The command line. Imports nothing heavy: ``crm-auth --help`` answers before the service could be loaded."""
