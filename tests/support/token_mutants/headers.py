"""Another algorithm, key, header or type."""

import hmac
from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm

from tests.support.token_mutants.mutant import Mutant
from tests.support.tokens import Forge, as_json, es256


def _header(**changes: Any) -> Mutant:
    return lambda forge: forge.token(changes)


def _unsigned(_: bytes) -> bytes:
    return b""


def algorithms() -> Iterator[tuple[str, Mutant]]:
    for alg in ("none", "None", "NONE", "nOnE"):
        yield f"{alg}, unsigned", lambda forge, alg=alg: forge.token({"alg": alg}, sign=_unsigned)
        yield f"{alg}, signed", _header(alg=alg)
    for alg in ("", " ES256", "es256", "ES256K", "ES384", "ES512", "RS256", "PS256", "EdDSA", "Ed25519", "HS256"):
        yield repr(alg), _header(alg=alg)
    yield "missing", _header(alg=...)
    for alg in (None, 256, True, ["ES256"], {"ES256": 1}):
        yield repr(alg), _header(alg=alg)
    private_key = rsa.generate_private_key(65537, 2048)
    yield (
        "RSA key of the attacker",
        lambda forge: forge.token(
            {"alg": "RS256"}, sign=lambda message: private_key.sign(message, padding.PKCS1v15(), SHA256())
        ),
    )


def hmac_keys() -> Iterator[tuple[str, Mutant]]:
    """What an attacker knows, as the secret of an HMAC (PyJWT CVE-2022-29217)."""
    known: dict[str, Callable[[Forge], bytes]] = {
        "PEM": lambda forge: forge.key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "PEM, stripped": lambda forge: forge.key.public_key.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ).strip(),
        "DER": lambda forge: forge.key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "point": lambda forge: forge.key.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        "OpenSSH": lambda forge: forge.key.public_key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        "JWK": lambda forge: as_json(forge.key.public_jwk),
        "kid": lambda forge: forge.key.kid.encode(),
        "nothing": lambda forge: b"",
    }

    def signed(key: Callable[[Forge], bytes], bits: str) -> Mutant:
        return lambda forge: forge.token(
            {"alg": f"HS{bits}"}, sign=lambda message: hmac.digest(key(forge), message, f"sha{bits}")
        )

    for name, key in known.items():
        for bits in ("256", "384", "512"):
            yield f"HS{bits} with the {name}", signed(key, bits)
        yield (
            f"ES256 in name, HMAC with the {name}",
            lambda forge, key=key: forge.token(sign=lambda message: hmac.digest(key(forge), message, "sha512")),
        )


def keys() -> Iterator[tuple[str, Mutant]]:
    yield "attacker's under our kid", lambda forge: forge.token(sign=es256(forge.attacker))
    yield "attacker's under their kid", lambda forge: forge.token({"kid": "attacker"}, sign=es256(forge.attacker))
    yield "missing", _header(kid=...)
    names = ("", "unknown", "../../../../dev/null", "/dev/null", "' OR '1'='1", "http://127.0.0.1/key", "\0", "*")
    for kid in (*names, None, 0, True, [], {}, ["kid"], "\ud800"):
        yield repr(kid), _header(kid=kid)
    yield "padded", lambda forge: forge.token({"kid": forge.key.kid + " "})
    yield "in a list", lambda forge: forge.token({"kid": [forge.key.kid]})
    yield "lower case", lambda forge: forge.token({"kid": forge.key.kid.swapcase()})


def headers() -> Iterator[tuple[str, Mutant]]:
    def with_attackers(member: str, value: Callable[[Forge], Any], kid: Any, *, ours: bool) -> Mutant:
        def mutant(forge: Forge) -> str:
            changes = {member: value(forge)} | ({} if kid is None else {"kid": kid})
            return forge.token(changes, sign=None if ours else es256(forge.attacker))

        return mutant

    foreign: dict[str, Callable[[Forge], Any]] = {
        "jwk": lambda forge: ECAlgorithm.to_jwk(forge.attacker.public_key(), as_dict=True),
        "jku": lambda forge: f"{forge.attacker_url}/jwks.json",
        "x5u": lambda forge: f"{forge.attacker_url}/chain.pem",
        "x5c": lambda forge: ["MIIB"],
        "x5t#S256": lambda forge: "A" * 43,
    }
    for member, value in foreign.items():
        yield f"{member}, our kid, their signature", with_attackers(member, value, None, ours=False)
        yield f"{member}, their kid, their signature", with_attackers(member, value, "attacker", ours=False)
        yield f"{member}, no kid, their signature", with_attackers(member, value, ..., ours=False)
        yield f"{member}, our signature", with_attackers(member, value, None, ours=True)
    for crit in ([], ["exp"], ["b64"], ["urn:example:unknown"], "exp", None, {}):
        yield f"crit {crit!r}", _header(crit=crit)
    yield "crit of a member that is there", _header(crit=["urn:example:x"], **{"urn:example:x": True})
    yield "b64 false", _header(b64=False)
    yield "b64 false and critical", _header(b64=False, crit=["b64"])
    yield "zip", _header(zip="DEF")
    yield "cty", _header(cty="JWT")
    yield "claims in the header", _header(iss="https://evil.example")


def types() -> Iterator[tuple[str, Mutant]]:
    yield "missing", _header(typ=...)
    wrong = ("", "JWT", "jwt", "at", "at+jwt ", " at+jwt", "at+jwt\0", "application/jwt", "text/at+jwt", "at+jwt;v=1")
    others = ("application/application/at+jwt", "id+jwt", "logout+jwt", "dpop+jwt", "rt+jwt", "\u0430t+jwt")
    for typ in (*wrong, *others, None, 1, True, ["at+jwt"], {"at+jwt": 1}):
        yield repr(typ), _header(typ=typ)
