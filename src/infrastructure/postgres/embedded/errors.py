"""What keeps the embedded PostgreSQL from starting: each message is one sentence for the operator.

EmbeddedPostgresError
├── DataFolderInUse      another server owns the data folder
├── NoBinaries           no PostgreSQL 15 to 18 was found that may be run
├── WrongMajorVersion    the data was written by a major version that none of the binaries found has
├── NoSuitableAccount    run as root, and no unprivileged account to run PostgreSQL as
├── NotRunning           no server runs that could be joined
└── StartFailed          initdb or postgres refused; the end of its log is in the message
"""


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL cannot be used; the message says why and what to do."""


class DataFolderInUse(EmbeddedPostgresError):
    """Another server owns the data folder."""


class NoBinaries(EmbeddedPostgresError):
    """No usable PostgreSQL binaries were found."""


class WrongMajorVersion(EmbeddedPostgresError):
    """The data belongs to a major version of which no binaries were found."""


class NoSuitableAccount(EmbeddedPostgresError):
    """PostgreSQL refuses to run as root and there is no account to run it as."""


class NotRunning(EmbeddedPostgresError):
    """No server runs on the data folder that could be joined."""


class StartFailed(EmbeddedPostgresError):
    """PostgreSQL was started and did not become ready."""


ERRORS_BY_NAME: dict[str, type[EmbeddedPostgresError]] = {
    error.__name__: error
    for error in (
        EmbeddedPostgresError,
        DataFolderInUse,
        NoBinaries,
        WrongMajorVersion,
        NoSuitableAccount,
        StartFailed,
    )
}
