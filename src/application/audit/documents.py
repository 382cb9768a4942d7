"""The audit log as lines of JSON: what is exported, verified, and printed."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from application.audit.ports import KeptEntry, PersonalCipher
from domain.audit.head import SignedHead

Document = Mapping[str, Any]


def entry_line(kept: KeptEntry, cipher: PersonalCipher | None = None) -> Document:
    """An entry as it is verified; with a ``cipher`` what is personal stands beside it in clear, where it can be had."""
    link = kept.link
    line = {
        "kind": "entry",
        "sequence": link.sequence,
        "entry": link.entry,
        "personal": b64encode(link.personal).decode(),
        "hash": link.hash.hex(),
    }
    return line if cipher is None else {**line, "opened": opened(kept, cipher)}


def head_line(signed: SignedHead) -> Document:
    """A head as it is verified."""
    return {"kind": "head", "body": signed.body, "signature": signed.signature.hex()}


def read_entry(kept: KeptEntry, cipher: PersonalCipher) -> Document:
    """An entry as it is read: what happened, with what is personal where it can be had.

    ``personal``: ``none``, ``readable``, ``erased`` when its key was destroyed, ``altered`` when the key does not open
    it or is damaged itself.
    """
    said = _object(kept.link.entry)
    personal = opened(kept, cipher)
    if not kept.link.personal:
        state = "none"
    elif personal is None:
        state = "erased" if kept.key is None and not kept.is_key_damaged else "altered"
    else:
        state = "readable"
    shown = personal or {}
    return {
        "sequence": kept.link.sequence,
        "id": said.get("event"),
        "type": said.get("type"),
        "at": said.get("at"),
        "user_id": said.get("user"),
        "session_id": said.get("session"),
        "request_id": said.get("request"),
        "ip_address": shown.get("ip"),
        "user_agent": shown.get("user_agent"),
        "data": {**said.get("data", {}), **shown.get("data", {})},
        "personal": state,
    }


def opened(kept: KeptEntry, cipher: PersonalCipher) -> Document | None:
    """What is personal in an entry; ``None`` where nothing is, or it cannot be had."""
    if not kept.link.personal or kept.key is None:
        return None
    said = _object(kept.link.entry)
    clear = cipher.unseal(kept.key, kept.link.personal, str(said.get("event")))
    return None if clear is None else _object(clear)


def _object(text: str | bytes) -> dict[str, Any]:
    """What the text says; nothing, when somebody made it into something else."""
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
