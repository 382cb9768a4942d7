"""What the processes that run have told of themselves (``infrastructure.postgres.processes``)."""

from bootstrap.doctor.check import Patient, failed, ok, warning
from domain.self_check.sightings import Suspicion, suspicions, together
from infrastructure.postgres.processes import RECENT, Process, own_version, processes_of
from interfaces.cli.operations import Finding

_RUNS = 60.0
"""Seconds since it was last heard of; it says so every ten."""
_MUCH_AHEAD = 2.0


async def servers(patient: Patient) -> Finding:
    """Whether any serves, and all the same version with the same public URL and the right time."""
    running = [each for each in await _running(patient) if each.serves]
    if not running:
        return warning("servers", "none was heard of within a minute", "start one with `crm-auth serve`")
    said = f"{len(running)} on {len({each.host for each in running})} machine(s), heard of {_ages(running)} ago"
    if others := {each.version for each in running} - {own_version()}:
        return warning("servers", f"{said}; also of version {', '.join(sorted(others))}", "finish the upgrade")
    if others := {each.public_url for each in running} - {patient.settings.public_url}:
        remedy = "give them, and this command, the same CRM_AUTH_PUBLIC_URL: it is the issuer of tokens"
        return failed("servers", f"{said}; also for {', '.join(sorted(others))}", remedy)
    if late := [each for each in running if abs(each.clock_ahead) > _MUCH_AHEAD]:
        hosts = ", ".join(sorted({f"{each.host} {each.clock_ahead:+.1f} s" for each in late}))
        return failed("servers", f"clocks differ from the database's: {hosts}", "have them follow a time server (NTP)")
    return ok("servers", said)


async def worker(patient: Patient) -> Finding:
    """Whether somebody delivers what is in the outbox."""
    running = [each for each in await _running(patient) if each.works]
    if not running:
        remedy = "start `crm-auth worker`, or servers without CRM_AUTH_WORKER=off: no mail is sent meanwhile"
        return failed("worker", "none was heard of within a minute", remedy)
    return ok("worker", f"{len(running)}, heard of {_ages(running)} ago")


async def proxies(patient: Patient) -> Finding:
    """Whether the servers can tell who is asking."""
    seen = together(each.sightings for each in await _running(patient) if each.serves)
    told = suspicions(seen)
    found = [told[which] for which in (Suspicion.SHARED_ADDRESS, Suspicion.UNTRUSTED_FORWARDER) if which in told]
    if found:
        return failed("proxies", "; ".join(found), "see the operator guide, `Behind a reverse proxy`")
    if not seen.requests:
        return ok("proxies", "no requests were seen in the last ten minutes")
    return ok("proxies", f"{seen.addresses} addresses or more in {seen.requests} requests of the last ten minutes")


async def public_url_seen(patient: Patient) -> Finding:
    """Whether clients ask for the host of the public URL."""
    seen = together(each.sightings for each in await _running(patient) if each.serves)
    if said := suspicions(seen).get(Suspicion.PUBLIC_URL_UNSEEN):
        return warning("public_url_seen", said, "set CRM_AUTH_PUBLIC_URL, or the proxy's Host header")
    return ok("public_url_seen", f"{seen.by_public_host} of {seen.requests} requests named its host")


async def _running(patient: Patient) -> list[Process]:
    return [each for each in processes_of(await patient.database.fetch(RECENT)) if each.age < _RUNS]


def _ages(running: list[Process]) -> str:
    return " and ".join(sorted({f"{age:.0f} s" for age in (min(e.age for e in running), max(e.age for e in running))}))
