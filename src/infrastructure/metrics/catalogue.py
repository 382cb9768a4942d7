"""Every metric there is. A new one is declared here, listed in ``INSTRUMENTS``, and counted where it happens."""

from infrastructure.metrics.instruments import Across, Counter, Gauge, Histogram, Instrument

PREFIX = "crm_auth_"

HTTP_DURATION = Histogram(
    "http_request_duration_seconds",
    "Time from a request's head to the end of its answer.",
    "method",
    "route",
    # From what a refused token takes to what a hash that waits for others does.
    bounds=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
HTTP_REQUESTS = Counter(
    "http_requests", "Requests answered; status none where the client left first.", "method", "route", "status"
)

SIGN_INS = Counter("sign_ins", "Sign-ins by what came of them: succeeded, or the error code.", "outcome")
SIGN_UPS = Counter("sign_ups", "Sign-ups by what came of them: succeeded, or the error code.", "outcome")
REFRESHES = Counter("refreshes", "Refreshes by what came of them: succeeded, or the error code.", "outcome")
PASSWORD_CHANGES = Counter("password_changes", "Changes by their owner: succeeded, or the error code.", "outcome")
SESSIONS_ENDED = Gauge(
    "sessions_ended_last_hour", "Sessions that ended within the hour, by the reason.", "reason", across=Across.HIGHEST
)
LIMITS_REFUSED = Counter("limits_refused", "Requests that a limit refused, by its rule.", "rule")

MAILS = Counter("mails", "Mails by kind and by what came of the attempt: sent, rejected or failed.", "kind", "outcome")
OUTBOX_DELIVERIES = Gauge(
    "outbox_deliveries", "Deliveries that wait, or that were given up.", "state", across=Across.HIGHEST
)
OUTBOX_OLDEST = Gauge("outbox_oldest_seconds", "Age of the oldest delivery that waits.", across=Across.HIGHEST)

AUDIT_UNSEALED = Gauge(
    "audit_unsealed_events", "Events that wait to be sealed into the audit log.", across=Across.HIGHEST
)
AUDIT_OLDEST = Gauge("audit_oldest_seconds", "Age of the oldest event that waits for it.", across=Across.HIGHEST)
AUDIT_UNWRITTEN = Gauge(
    "audit_unwritten_heads", "Heads of the audit log not written off the host yet.", across=Across.HIGHEST
)

HASHES = Gauge("password_hashes", "Password hashes being made, or waiting to be.", "state")
HASH_WAIT = Histogram(
    "password_hash_wait_seconds",
    "How long password hashes waited for a thread.",
    bounds=(0.005, 0.025, 0.1, 0.25, 0.5, 1.0),
)
HASHES_REFUSED = Counter(
    "password_hashes_refused", "Refused: the queue was full, the wait too long, or who asked gone.", "reason"
)

DATABASE_CONNECTIONS = Gauge(
    "database_connections", "Connections in_use and idle, and how many there may be (limit).", "state"
)
DATABASE_WAITING = Gauge("database_waiting", "Statements that wait for a connection.")

SUSPICIONS = Gauge(
    "suspicions", "1 while something looks wrong in who is asking: see the log.", "what", across=Across.HIGHEST
)

STUFFING_EPISODES = Gauge(
    "stuffing_episodes", "Episodes that are open in which lists of passwords are tried.", "kind", across=Across.HIGHEST
)
SIGN_INS_SLOWED = Counter("sign_ins_slowed", "Sign-ins that were refused because of such an episode.", "kind")

INSTRUMENTS: tuple[Instrument, ...] = (
    HTTP_DURATION,
    HTTP_REQUESTS,
    SIGN_INS,
    SIGN_UPS,
    REFRESHES,
    PASSWORD_CHANGES,
    SESSIONS_ENDED,
    LIMITS_REFUSED,
    MAILS,
    OUTBOX_DELIVERIES,
    OUTBOX_OLDEST,
    AUDIT_UNSEALED,
    AUDIT_OLDEST,
    AUDIT_UNWRITTEN,
    HASHES,
    HASH_WAIT,
    HASHES_REFUSED,
    DATABASE_CONNECTIONS,
    DATABASE_WAITING,
    SUSPICIONS,
    STUFFING_EPISODES,
    SIGN_INS_SLOWED,
)
