#!/usr/bin/env python3
"""Whether the audit log of crm-auth is what was written: exports judged by nothing but public keys.

This file needs Python 3.11 and `cryptography`, and nothing else of crm-auth: copy it to a machine that whoever runs
the service has no say on (`crm-auth audit verifier` prints it).

    verify_audit.py EXPORT --public-key KEYS.pem [--heads HEADS.jsonl]

EXPORT is what `crm-auth audit export` wrote, `-` for standard input. KEYS.pem has the public keys that are trusted;
those they name as their successors are trusted with them. HEADS.jsonl has heads that were kept elsewhere: only they
show whether the end of the log was cut off; it may be the service's log, as JSON or not. Exit codes: 0 intact, 1 not
readable, 4 not as it was written.

It is written apart from the code that seals, on purpose: what both understand differently, a test finds.
"""

import argparse
import base64
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

EXIT_UNREADABLE = 1
EXIT_ALTERED = 4
MOST_FINDINGS = 100

_GENESIS = sha256(b"crm-auth audit genesis v1\0").digest()
_HEAD_BEGINS = re.compile(r"\{\W{1,9}kind\W{3,15}head\b")
"""Also inside a string of JSON, where its quotation marks are escaped."""
_MESSAGES = ("event", "message", "log", "MESSAGE")
"""In which logs of JSON have what was said: ours, and those that carry ours on."""
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


class Unreadable(Exception):
    """The export, the keys or the heads are not what they should be; the message says which."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written; ``sequence`` is the entry's, or the first of several."""

    kind: str
    """altered, missing, out_of_order, unsigned, head_forged, head_missing, head_contradicted, cut_off, malformed."""
    sequence: int
    detail: str


@dataclass(slots=True)
class Report:
    """What was looked at, and what was found. ``last_signed`` is when the last head was signed, in UTC."""

    entries: int = 0
    heads: int = 0
    held_heads: int = 0
    opened: int = 0
    """Entries that have what is personal in clear beside them, which no hash covers."""
    first: int = 0
    last: int = 0
    last_signed: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_intact(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def add(self, kind: str, sequence: int, detail: str) -> None:
        """Note a finding, unless there are plenty already."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(kind, sequence, detail))


class TrustedKeys:
    """Public keys by the name that heads give them. A key that a trusted one names as its successor is trusted too.

    From then on it alone: whoever steals a key that was put away for another must not be able to go on with it.
    """

    def __init__(self, public_keys: Iterable[bytes]) -> None:
        """Each is an Ed25519 public key of 32 bytes."""
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._retired: dict[str, tuple[int, str]] = {}
        """By a key's name: the number of the last head it may sign, and the successor that it names."""
        for public_key in public_keys:
            self.trust(public_key)

    def trust(self, public_key: bytes) -> None:
        """Trust one more."""
        self._keys[sha256(public_key).hexdigest()[:16]] = Ed25519PublicKey.from_public_bytes(public_key)

    def admit(self, key: str, number: int, successor: str) -> bool:
        """Whether the key still signed when there were so many heads; with a successor, it does not any more."""
        if key in self._retired:
            last = self._retired[key]
            return number < last[0] if not successor else (number, successor) == last
        if successor:
            self.trust(bytes.fromhex(successor))
            self._retired[key] = (number, successor)
        return True

    def signed(self, key: str, message: bytes, signature: bytes) -> bool:
        """Whether a trusted key of that name signed the message."""
        if key not in self._keys:
            return False
        try:
            self._keys[key].verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head whose signature is right."""

    number: int
    sequence: int
    hash: bytes
    at: str
    previous: str
    begins_after: int
    begins_hash: bytes
    erased: Sequence[str]
    digest: str


def head_of(line: Mapping[str, Any], keys: TrustedKeys) -> SignedHead | None:
    """The head of a line; ``None`` unless a trusted key signed it."""
    try:
        body, signature = str(line["body"]), bytes.fromhex(line["signature"])
        said = json.loads(body)
        if not keys.signed(str(said["key"]), b"crm-auth audit head v1\0" + body.encode(), signature):
            return None
        if not keys.admit(str(said["key"]), int(said["number"]), str(said["successor"])):
            return None
        return SignedHead(
            number=int(said["number"]),
            sequence=int(said["sequence"]),
            hash=bytes.fromhex(said["hash"]),
            at=str(said["at"]),
            previous=str(said["previous"]),
            begins_after=int(said["begins_after"]),
            begins_hash=bytes.fromhex(said["begins_hash"]),
            erased=tuple(map(str, said["erased"])),
            digest=sha256(body.encode() + signature).hexdigest(),
        )
    except (KeyError, TypeError, ValueError, RecursionError):
        return None


class Verification:
    """Walks the lines of an export in their order: entries by their sequence, and each head behind its last entry."""

    def __init__(
        self, keys: TrustedKeys, held: Sequence[Mapping[str, Any]] = (), unreadable: Sequence[int] = ()
    ) -> None:
        """``held`` are heads that were kept elsewhere, ``unreadable`` the numbers of the lines there that are torn."""
        self.report = Report()
        self._keys = keys
        self._previous: set[bytes] = {_GENESIS}
        """What the next entry may follow: two, when the last was altered and either of its hashes may be the right."""
        self._head: SignedHead | None = None
        self._held: dict[int, list[SignedHead]] = {}
        self._signed_up_to = 0
        self._front: int | None = None
        """What is there begins behind this entry."""
        self._front_link: Callable[[bytes], bool] = lambda _: True
        """Whether what is there follows this hash."""
        self._begins: dict[int, bytes] = {}
        """Behind which entries the log began by what heads say, and the hashes that those had."""
        for number in unreadable:
            self.report.add("malformed", 0, f"line {number} of the held heads cannot be read")
        self._take_held(held)

    def run(self, lines: Iterable[Mapping[str, Any]]) -> Report:
        """The report on all of the lines."""
        for line in lines:
            self.take(line)
        return self.end()

    def take(self, line: Mapping[str, Any]) -> None:
        """The next line."""
        match line.get("kind"):
            case "entry":
                self._entry(line)
            case "head":
                self._take_head(line)

    def end(self) -> Report:
        """The report, once all lines have been taken."""
        self._end()
        return self.report

    def _take_held(self, lines: Sequence[Mapping[str, Any]]) -> None:
        for number, line in enumerate(lines, start=1):
            head = head_of(line, self._keys)
            if head is None:
                self.report.add("head_forged", 0, f"number {number} of the held heads is signed by none of the keys")
                continue
            self.report.held_heads += 1
            self._held.setdefault(head.sequence, []).append(head)

    def _entry(self, line: Mapping[str, Any]) -> None:
        report = self.report
        try:
            sequence, kept = int(line["sequence"]), bytes.fromhex(line["hash"])
            entry, personal = str(line["entry"]).encode(), _decoded(line["personal"])
            sequence.to_bytes(8)  # neither negative nor out of all proportion
        except (KeyError, TypeError, ValueError, OverflowError):
            report.add("malformed", report.last, f"the entry behind {report.last} cannot be read")
            return
        if report.entries and sequence <= report.last:
            report.add("out_of_order", sequence, f"entry {sequence} comes behind {report.last}")
            return
        expected = report.last + 1 if report.entries or self._head else sequence
        if not report.entries:
            report.first = sequence
            if self._front is None:
                self._front = sequence - 1
                self._previous = {_GENESIS} if sequence == 1 else set()
                self._front_link = lambda previous: _link(previous, sequence, entry, personal) == kept
        if sequence > expected:
            report.add("missing", expected, f"{_range(expected, sequence - 1)} missing")
            self._previous = set()
        self._judge(sequence, entry, personal, kept)
        report.entries += 1
        report.opened += "opened" in line
        report.last = sequence
        self._compare_held()

    def _judge(self, sequence: int, entry: bytes, personal: bytes, kept: bytes) -> None:
        """Compare the hash that is kept with the one that follows. Where what is before is unknown, it is believed."""
        hashes = {_link(previous, sequence, entry, personal) for previous in self._previous}
        if hashes and kept not in hashes:
            self.report.add("altered", sequence, f"entry {sequence} is not what was written, or not behind what was")
        self._previous = hashes | {kept} if kept not in hashes else {kept}

    def _take_head(self, line: Mapping[str, Any]) -> None:
        report, last = self.report, self._head
        head = head_of(line, self._keys)
        if head is None:
            report.add("head_forged", report.last, f"the head behind entry {report.last} is signed by none of the keys")
            return
        if last and (head.number != last.number + 1 or head.previous != last.digest):
            report.add("head_missing", head.sequence, f"head {head.number} does not follow head {last.number}")
        if last is None and not report.entries:
            # The front of the log: what comes next follows what this head signed.
            self._previous, report.last, self._front = {head.hash}, head.sequence, head.sequence
            self._front_link = lambda previous: previous == head.hash
        elif head.sequence > report.last:
            report.add("missing", report.last + 1, f"{_range(report.last + 1, head.sequence)} missing")
            self._previous, report.last = {head.hash}, head.sequence
        elif head.sequence < report.last:
            report.add("head_contradicted", head.sequence, f"head {head.number} is out of its place")
        elif head.hash not in self._previous:
            report.add(
                "head_contradicted",
                self._signed_up_to + 1,
                f"head {head.number} signs other entries from {self._signed_up_to + 1} to {head.sequence}",
            )
            self._previous |= {head.hash}
        else:
            self._previous = {head.hash}
        self._head, self._signed_up_to = head, max(self._signed_up_to, head.sequence)
        self._begins[head.begins_after] = head.begins_hash
        report.heads += 1
        report.last_signed = head.at
        self._compare_held()

    def _compare_held(self) -> None:
        self._compare(self._held.pop(self.report.last, ()), self._previous)

    def _compare(self, heads: Iterable[SignedHead], hashes: set[bytes]) -> None:
        for held in heads:
            if held.hash not in hashes:
                self.report.add(
                    "head_contradicted",
                    held.sequence,
                    f"the held head {held.number} of {held.at} signs other entries up to {held.sequence}",
                )

    def _end(self) -> None:
        report, head = self.report, self._head
        if report.entries and report.last > self._signed_up_to:
            first = max(self._signed_up_to + 1, report.first)
            report.add("unsigned", first, f"{_range(first, report.last)} signed by no head")
        if head and self._front is not None:
            self._judge_front(head, self._front)
        begins_after = head.begins_after if head else 0
        for sequence in sorted(self._held):
            if sequence in self._begins:
                self._compare(self._held[sequence], {self._begins[sequence]})
                continue
            if sequence > report.last:
                held = self._held[sequence][0]
                report.add(
                    "cut_off",
                    report.last + 1,
                    f"the log ends at {report.last}; the held head {held.number} of {held.at} is at {sequence}",
                )
                return
            if sequence > begins_after and sequence:
                report.add("missing", sequence, f"entry {sequence}, which a held head signs, is missing")

    def _judge_front(self, head: SignedHead, front: int) -> None:
        """What is there has to begin where a head says so, and behind the hash that it says."""
        if front in self._begins:
            if not self._front_link(self._begins[front]):
                self.report.add("altered", front + 1, f"entry {front + 1} does not follow what retention dropped")
        elif front > head.begins_after:
            first = head.begins_after + 1
            self.report.add("missing", first, f"{_range(first, front)} missing from the front")
        else:
            self.report.add("altered", front + 1, f"{_range(front + 1, head.begins_after)} dropped, and there again")


def _link(previous: bytes, sequence: int, entry: bytes, personal: bytes) -> bytes:
    parts = (entry, personal)
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return sha256(b"crm-auth audit entry v1\0" + previous + sequence.to_bytes(8, "big") + framed).digest()


def _decoded(text: str) -> bytes:
    """Base64 in its one spelling: decoders let others pass. Raises ValueError."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("not canonical base64")
    return data


def _range(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"


def lines_of(file: Iterable[str], name: str) -> Iterator[Mapping[str, Any]]:
    """Each line of JSON. Raises Unreadable."""
    for number, text in enumerate(file, start=1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            raise Unreadable(f"line {number} of {name} is not JSON") from None
        if isinstance(line, dict):
            yield line


@dataclass(frozen=True, slots=True)
class HeldHeads:
    """Heads that were kept elsewhere. ``unreadable`` are the numbers of the lines that begin as one and do not end."""

    heads: Sequence[Mapping[str, Any]]
    unreadable: Sequence[int] = ()


def held_heads_in(path: str) -> HeldHeads:
    """All in a file that has a head a line, or is the service's log. Raises Unreadable, also when there is none."""
    heads: list[Mapping[str, Any]] = []
    unreadable: list[int] = []
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            for number, text in enumerate(file, start=1):
                found = list(_heads_in(text))
                heads += found
                if not found and _is_torn(text):
                    unreadable.append(number)
    except OSError as error:
        raise Unreadable(f"{error.filename}: {error.strerror}") from None
    if not heads:
        raise Unreadable(f"{path} holds no head: nothing can be told from it")
    return HeldHeads(heads, unreadable)


def _heads_in(text: str) -> Iterator[Mapping[str, Any]]:
    """Those in a line: on its own, behind half of another, between what a log says of it, or in a log's JSON."""
    decoder, start = json.JSONDecoder(), text.find("{")
    while start >= 0:
        try:
            line, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            match = _HEAD_BEGINS.search(text, start + 1)
            start = match.start() if match else -1
            continue
        if line.get("kind") == "head":
            yield line
        for said in _said_in(line):
            yield from _heads_in(said)
        start = text.find("{", end)


def _is_torn(text: str) -> bool:
    """Whether it begins as JSON or as a head, and is none; or a log's JSON has such a one."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return text.lstrip().startswith('{"') or _HEAD_BEGINS.search(text) is not None
    return isinstance(line, dict) and any(map(_is_torn, _said_in(line)))


def _said_in(line: Mapping[str, Any]) -> list[str]:
    """What a line of a log says; nothing, when it is one of ours."""
    return [] if "kind" in line else [line[name] for name in _MESSAGES if isinstance(line.get(name), str)]


def public_keys_of(pem: str) -> list[bytes]:
    """All in the text. Raises Unreadable."""
    keys = []
    for part in _PEM.findall(pem):
        try:
            key = load_pem_public_key(part.encode())
        except ValueError:
            raise Unreadable("a public key cannot be read") from None
        if not isinstance(key, Ed25519PublicKey):
            raise Unreadable("a public key is not an Ed25519 key")
        keys.append(key.public_bytes_raw())
    if not keys:
        raise Unreadable("there is no public key in the file")
    return keys


def verify_files(export: str, public_key: str, heads: str | None) -> Report:
    """The report on files; ``-`` for an export on standard input. Raises Unreadable."""
    try:
        keys = TrustedKeys(public_keys_of(Path(public_key).read_text(encoding="utf-8")))
        held = held_heads_in(heads) if heads is not None else HeldHeads(())
        verification = Verification(keys, held.heads, held.unreadable)
        if export == "-":
            return verification.run(lines_of(sys.stdin, "standard input"))
        with Path(export).open(encoding="utf-8") as file:
            return verification.run(lines_of(file, export))
    except OSError as error:
        raise Unreadable(f"{error.filename}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Unreadable("a file is not text in UTF-8") from None


def told(report: Report) -> Iterator[str]:
    """The report for people, a line each."""
    for finding in report.findings:
        yield f"{finding.kind} at {finding.sequence}: {finding.detail}"
    if len(report.findings) == MOST_FINDINGS:
        yield "There is more that is not told."
    if report.opened:
        yield f"{report.opened} entries have what was opened in clear beside them: whether that is true is not proved."
    what = f"{report.entries} entries ({report.first} to {report.last}), {report.heads} heads"
    held = f", {report.held_heads} held heads" if report.held_heads else ""
    signed = f"; signed last at {report.last_signed}" if report.last_signed else ""
    yield f"{'intact' if report.is_intact else 'NOT AS IT WAS WRITTEN'}: {what}{held}{signed}"


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Verify an export of the audit log of crm-auth.")
    parser.add_argument("export", help="what `crm-auth audit export` wrote, - for standard input")
    parser.add_argument("--public-key", required=True, help="PEM file with the public keys that are trusted")
    parser.add_argument("--heads", help="heads that were kept elsewhere, a line each")
    options = parser.parse_args()
    try:
        report = verify_files(options.export, options.public_key, options.heads)
    except Unreadable as reason:
        print(f"verify_audit: {reason}", file=sys.stderr)  # noqa: T201 - a program of its own
        return EXIT_UNREADABLE
    for line in told(report):
        print(line)  # noqa: T201 - as above
    return 0 if report.is_intact else EXIT_ALTERED


if __name__ == "__main__":
    sys.exit(main())
