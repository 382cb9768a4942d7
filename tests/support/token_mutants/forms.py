"""Other encodings, other JSON, other signatures, and what is no token at all."""

import json
import string
from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from infrastructure.tokens.refresh_tokens import RefreshTokenCodec
from infrastructure.tokens.secret_keys import SecretKeys
from tests.support.builders import new_id
from tests.support.token_mutants.mutant import Mutant
from tests.support.tokens import SECRET, Forge, as_json, b64

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256."""


def encodings() -> Iterator[tuple[str, Mutant]]:
    """T9 and Wycheproof's lax paddings. Header and payload are signed as they stand: only their form is wrong."""

    def respelt(segment: int, spell: Callable[[str], str]) -> Mutant:
        def mutant(forge: Forge) -> str:
            header, payload, signature = forge.token().split(".")
            if segment < 2:
                parts = [spell(header), payload] if segment == 0 else [header, spell(payload)]
                return forge.segments(*parts)
            return f"{header}.{payload}.{spell(signature)}"

        return mutant

    spellings: dict[str, Callable[[str], str]] = {
        "padded": lambda text: text + "=" * (-len(text) % 4 or 1),
        "padded by one": lambda text: text + "=",
        "padded by two": lambda text: text + "==",
        "padded by four": lambda text: text + "====",
        "padded in front": lambda text: "=" + text,
        "padded inside": lambda text: text[:4] + "=" + text[4:],
        "blank behind": lambda text: text + " ",
        "blank in front": lambda text: " " + text,
        "line end inside": lambda text: text[:8] + "\n" + text[8:],
        "tab inside": lambda text: text[:8] + "\t" + text[8:],
        "NUL inside": lambda text: text[:8] + "\0" + text[8:],
        "percent-encoded": lambda text: text[:8] + f"%{ord(text[8]):02X}" + text[9:],
        "foreign letter": lambda text: text[:8] + "!" + text[8:],
        "full-width letter": lambda text: chr(ord(text[0]) + 0xFEE0) + text[1:],
    }
    for segment, name in enumerate(("header", "payload", "signature")):
        for how, spell in spellings.items():
            yield f"{name} {how}", respelt(segment, spell)
    yield "signature with unused bits set", respelt(2, _with_unused_bits)
    yield (
        "payload with unused bits set",
        lambda forge: forge.segments(
            b64(as_json(forge.header)), _with_unused_bits(b64(_of_length(forge, remainder=1)))
        ),
    )
    yield (
        "payload in plain base64",
        lambda forge: forge.segments(
            b64(as_json(forge.header)),
            b64(as_json({**forge.claims, "x": "\u00ff~~~???>>>"})).translate({45: "+", 95: "/"}) + "+/",
        ),
    )


def _of_length(forge: Forge, remainder: int) -> bytes:
    payload = as_json(forge.claims)
    return payload + b" " * ((remainder - len(payload)) % 3)


def _with_unused_bits(text: str) -> str:
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    assert len(text) % 4 == 2, "four bits of the last letter are unused"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


def json_forms() -> Iterator[tuple[str, Mutant]]:
    def twice(member: str, value: Any, *, first: bool, part: str) -> Mutant:
        def mutant(forge: Forge) -> str:
            text = as_json(getattr(forge, part)).decode()
            extra = f'"{member}":{json.dumps(value)}'
            text = f"{{{extra},{text[1:]}" if first else f"{text[:-1]},{extra}}}"
            return forge.raw(**{"header" if part == "header" else "payload": text.encode()})

        return mutant

    for member, value in (("alg", "none"), ("alg", "ES256"), ("kid", "attacker"), ("typ", "JWT")):
        for first in (True, False):
            yield f"{member} {value} twice, {first}", twice(member, value, first=first, part="header")
    for member, value in (("exp", 2**40), ("sub", str(new_id())), ("aud", "x"), ("iss", "x")):
        for first in (True, False):
            yield f"{member} twice, {first}", twice(member, value, first=first, part="claims")

    rewritten: dict[str, Callable[[bytes], bytes]] = {
        "behind a BOM": lambda text: b"\xef\xbb\xbf" + text,
        "in UTF-16": lambda text: text.decode().encode("utf-16-le"),
        "in UTF-32": lambda text: text.decode().encode("utf-32"),
        "not UTF-8": lambda text: text[:-1] + b',"x":"\xff"}',
        "with a surrogate in UTF-8": lambda text: text[:-1] + b',"x":"\xed\xa0\x80"}',
        "in a list": lambda text: b"[" + text + b"]",
        "in a string": lambda text: json.dumps(text.decode()).encode(),
        "twice": lambda text: text + text,
        "with a comma too many": lambda text: text[:-1] + b",}",
        "with a comment": lambda text: text + b"/**/",
        "with NaN": lambda text: text[:-1] + b',"x":NaN}',
        "with Infinity": lambda text: text[:-1] + b',"x":-Infinity}',
        "cut": lambda text: text[:-1],
        "null": lambda text: b"null",
        "nested deeply": lambda text: b"[" * 1300,
        "nested deeply inside": lambda text: text[:-1] + b',"x":' + b'{"x":' * 480 + b"1" + b"}" * 481,
        "a number of many digits": lambda text: b"1" * 2000,
    }
    for how, rewrite in rewritten.items():
        yield f"header {how}", lambda forge, rewrite=rewrite: forge.raw(header=rewrite(as_json(forge.header)))
        if how != "nested deeply inside":  # of claims nobody asked for, depth is no matter
            yield f"claims {how}", lambda forge, rewrite=rewrite: forge.raw(payload=rewrite(as_json(forge.claims)))


def signatures() -> Iterator[tuple[str, Mutant]]:
    def resigned(change: Callable[[bytes], bytes]) -> Mutant:
        def mutant(forge: Forge) -> str:
            return forge.token(sign=lambda message: change(forge.sign(message)))

        return mutant

    changes: dict[str, Callable[[bytes], bytes]] = {
        "none": lambda raw: b"",
        "one byte short": lambda raw: raw[:-1],
        "half": lambda raw: raw[:32],
        "one byte long": lambda raw: raw + b"\0",
        "a zero in front": lambda raw: b"\0" + raw,
        "each half longer": lambda raw: b"\0" + raw[:32] + b"\0" + raw[32:],
        "first bit": lambda raw: bytes([raw[0] ^ 0x80]) + raw[1:],
        "last bit": lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
        "halves swapped": lambda raw: raw[32:] + raw[:32],
        "twice": lambda raw: raw * 2,
        "zeros": lambda raw: bytes(64),
        "ones": lambda raw: b"\xff" * 64,
        "r zero": lambda raw: bytes(32) + raw[32:],
        "s zero": lambda raw: raw[:32] + bytes(32),
        "r and s one": lambda raw: (1).to_bytes(32) * 2,
        "r the order": lambda raw: ORDER.to_bytes(32) + raw[32:],
        "s the order": lambda raw: raw[:32] + ORDER.to_bytes(32),
        "both the order": lambda raw: ORDER.to_bytes(32) * 2,
        "r zero, s one": lambda raw: bytes(32) + (1).to_bytes(32),
    }
    for how, change in changes.items():
        yield how, resigned(change)
    yield "in DER", lambda forge: forge.token(sign=lambda message: _der(forge, message))
    yield "of another token", _spliced
    yield "over the payload alone", lambda forge: forge.token(sign=lambda message: forge.sign(message.split(b".")[1]))
    yield "over other separators", lambda forge: forge.token(sign=lambda m: forge.sign(m.replace(b".", b"")))


def _der(forge: Forge, message: bytes) -> bytes:
    assert forge.key.private_key is not None
    return forge.key.private_key.sign(message, ec.ECDSA(SHA256()))


def _spliced(forge: Forge) -> str:
    return forge.token().rpartition(".")[0] + "." + forge.token(claims={"sub": str(new_id())}).rpartition(".")[2]


def shapes() -> Iterator[tuple[str, Mutant]]:
    changes: dict[str, Callable[[str], str]] = {
        "blank in front": lambda text: " " + text,
        "blank behind": lambda text: text + " ",
        "line end behind": lambda text: text + "\r\n",
        "NUL behind": lambda text: text + "\0",
        "scheme in front": lambda text: "Bearer " + text,
        "quoted": lambda text: f'"{text}"',
        "two": lambda text: f"{text},{text}",
        "dot in front": lambda text: "." + text,
        "dot behind": lambda text: text + ".",
        "a fourth part": lambda text: text + ".AAAA",
        "five parts": lambda text: text + ".AAAA.AAAA",
        "no signature": lambda text: text.rpartition(".")[0],
        "empty signature": lambda text: text.rpartition(".")[0] + ".",
        "empty payload": lambda text: "..".join(text.split(".")[::2]),
        "empty header": lambda text: "." + text.partition(".")[2],
        "parts swapped": lambda text: ".".join(text.split(".")[::-1]),
        "two dots": lambda text: text.replace(".", "..", 1),
        "other dots": lambda text: text.replace(".", "\u3002"),
        "upper case": lambda text: text.upper(),
        "a letter beyond ASCII": lambda text: text + "\u00e9",
        "a lone surrogate": lambda text: text + "\ud800",
        "very long": lambda text: text + "A" * 100_000,
        "JSON serialisation": lambda text: json.dumps(
            dict(zip(("protected", "payload", "signature"), text.split("."), strict=True))
        ),
    }
    for how, change in changes.items():
        yield how, lambda forge, change=change: change(forge.token())
    yield "good but too long", lambda forge: forge.token(claims={"x": "x" * 3000})
    yield "another subject under the signature", lambda forge: _with_payload(forge, {"sub": str(new_id())})
    yield "a later end under the signature", lambda forge: _with_payload(forge, {"exp": forge.now + 301})
    yield "a refresh token", lambda forge: RefreshTokenCodec(SecretKeys([SECRET])).first(new_id()).text


def _with_payload(forge: Forge, changes: dict[str, Any]) -> str:
    header, _, signature = forge.token().split(".")
    return f"{header}.{b64(as_json({**forge.claims, **changes}))}.{signature}"
