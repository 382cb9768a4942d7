"""What can be said of how sign-ins go."""

from bootstrap.doctor.check import Patient, ok, warning
from interfaces.cli.operations import Finding

_OPEN = """
SELECT count(*) FILTER (WHERE kind = 'one_source') AS one, count(*) FILTER (WHERE kind = 'many_sources') AS many,
    coalesce(sum(failed), 0) AS failed
FROM stuffing_episodes WHERE ended_at IS NULL
"""


async def sign_ins(patient: Patient) -> Finding:
    """Whether lists of stolen passwords are being tried."""
    row = await patient.database.fetchrow(_OPEN)
    if row is None or not row["one"] + row["many"]:
        return ok("sign_ins", "no lists of stolen passwords are being tried")
    kinds = [f"{row['one']} source(s) by themselves"] * bool(row["one"]) + ["many sources together"] * bool(row["many"])
    said = f"lists of stolen passwords are being tried, by {' and '.join(kinds)}: {row['failed']} failed"
    remedy = "see the operator guide, `Credential stuffing`" + (
        "" if patient.settings.stuffing == "on" else ", and set CRM_AUTH_STUFFING=on to slow them down"
    )
    return warning("sign_ins", said, remedy)
