"""The keys of the audit log, where its heads go, and the verifier that needs nothing else of ours."""
