"""An explicit-state model of one session: refreshing, late answers, log-out, disabling and signing in, interleaved."""
