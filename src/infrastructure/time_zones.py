"""The names of the IANA time zone database."""

from importlib.resources import files

_NO_PLACE = frozenset({"Factory"})
"""What a computer is delivered with, so that somebody sets its time zone."""


def time_zones() -> frozenset[str]:
    """All of them, as the release of the database that we depend on has them.

    Not what is found among the files of the machine, where names like ``localtime`` lie beside those of the database:
    what one node takes, all take.
    """
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()) - _NO_PLACE
