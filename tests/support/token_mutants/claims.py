"""Claims that are missing, of another type, or of somebody else."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.support.token_mutants.mutant import Mutant


def _claim(**changes: Any) -> Mutant:
    return lambda forge: forge.token(claims=changes)


def claims() -> Iterator[tuple[str, Mutant]]:
    """K04."""
    required = ("iss", "aud", "exp", "iat", "sub", "sid", "jti")
    for name in required:
        yield f"{name} missing", _claim(**{name: ...})
        for value in (None, True, False, [], {}, "", 1.5):
            yield f"{name} {value!r}", _claim(**{name: value})
    yield "none at all", lambda forge: forge.raw(payload=b"{}")
    for name in ("exp", "iat"):
        yield f"{name} a string", lambda forge, name=name: forge.token(claims={name: str(forge.claims[name])})
        yield f"{name} a float", lambda forge, name=name: forge.token(claims={name: float(forge.claims[name])})
        yield f"{name} in a list", lambda forge, name=name: forge.token(claims={name: [forge.claims[name]]})
        for huge in (2**31, 2**53, 2**64, 10**400, -1, 0, -(10**400)):
            yield f"{name} {huge:.3g}" if abs(huge) < 10**300 else f"{name} huge, {huge < 0}", _claim(**{name: huge})
    yield "expired now", lambda forge: forge.token(claims={"exp": forge.now, "iat": forge.now - 300})
    yield "expired", lambda forge: forge.token(claims={"exp": forge.now - 1, "iat": forge.now - 301})
    yield "expires before it is issued", lambda forge: forge.token(claims={"exp": forge.now + 5, "iat": forge.now + 9})
    yield "expires as it is issued", lambda forge: forge.token(claims={"exp": forge.now + 5, "iat": forge.now + 5})
    yield "lives too long", lambda forge: forge.token(claims={"exp": forge.now + 901})
    yield "issued long ago", lambda forge: forge.token(claims={"iat": forge.now - 601})
    yield "issued in the future", lambda forge: forge.token(claims={"iat": forge.now + 31, "exp": forge.now + 300})
    yield "not before later", lambda forge: forge.token(claims={"nbf": forge.now + 31})
    for nbf in (None, "0", 0.5, True):
        yield f"nbf {nbf!r}", _claim(nbf=nbf)
    yield from _parties()
    yield from _ids()


def _parties() -> Iterator[tuple[str, Mutant]]:
    for name in ("iss", "aud"):
        for change in (str.upper, lambda url: url + "/", lambda url: url + ".evil.example", lambda url: url[:-1]):
            yield (
                f"{name} {change('https://us')}",
                lambda forge, name=name, change=change: forge.token(claims={name: change(forge.claims[name])}),
            )
        yield f"{name} of another", _claim(**{name: "https://evil.example"})
    yield "iss in a list", lambda forge: forge.token(claims={"iss": [forge.claims["iss"]]})
    yield "aud of others", _claim(aud=["https://a.example", "https://b.example"])
    yield "aud with a number", lambda forge: forge.token(claims={"aud": [forge.claims["aud"], 1]})
    yield "aud in a list in a list", lambda forge: forge.token(claims={"aud": [[forge.claims["aud"]]]})
    yield "aud a member", lambda forge: forge.token(claims={"aud": {forge.claims["aud"]: True}})


def _ids() -> Iterator[tuple[str, Mutant]]:
    spellings: dict[str, Callable[[str], Any]] = {
        "in upper case": lambda text: "0189ABCD" + text[8:].upper(),
        "in braces": lambda text: f"{{{text}}}",
        "as URN": lambda text: f"urn:uuid:{text}",
        "without hyphens": lambda text: text.replace("-", ""),
        "with a blank": lambda text: text + " ",
        "with a NUL": lambda text: text + "\0",
        "cut": lambda text: text[:-1],
        "a name": lambda text: "ada",
        "a number": lambda text: 7,
        "in a list": lambda text: [text],
    }
    for name in ("sub", "sid"):
        for how, spell in spellings.items():
            yield (
                f"{name} {how}",
                lambda forge, name=name, spell=spell: forge.token(claims={name: spell(forge.claims[name])}),
            )
    yield "jti a number", _claim(jti=7)
    yield "jti too long", _claim(jti="x" * 129)
