"""What a user agent tells of browser and system, read by ua-parser."""

import asyncio
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ua_parser import PartialResult

_MAX_LENGTH = 64
_VARIANTS = frozenset({"Mobile", "iOS", "WebView", "UI/WKWebView"})
"""Words by which ua-parser tells apart what people call by one name."""
_SYSTEMS = {"Mac OS X": "macOS"}
_APPLE = ("iPhone", "iPad", "iPod")

_loading = Lock()


class UaParserDeviceDescriber:
    """Describes by ua-parser's expressions, on its engine in Rust, which never goes back in a text (D05).

    The expressions take 13 MiB and a tenth of a second to be compiled, so they are loaded for the first session of a
    process that has a user agent, in a thread; a worker that signs nobody in never loads them.
    """

    async def describe(self, user_agent: str | None) -> str | None:
        """See the port."""
        if not user_agent:
            return None
        resolve = await asyncio.to_thread(_resolver) if not _resolver_is_loaded() else _resolver()
        return _described(resolve(user_agent), user_agent)


def _described(found: "PartialResult", user_agent: str) -> str | None:
    browser = _browser(found.user_agent.family) if found.user_agent else None
    system = _system(found.os.family, user_agent) if found.os else None
    # Some families are taken from the text itself, and so as long as their client likes.
    return " on ".join(part[:_MAX_LENGTH] for part in (browser, system) if part) or None


def _browser(family: str) -> str:
    return " ".join(word for word in family.split() if word not in _VARIANTS) or family


def _system(family: str, user_agent: str) -> str:
    if family == "iOS":
        return next((device for device in _APPLE if device in user_agent), family)
    return _SYSTEMS.get(family, family)


def _resolver_is_loaded() -> bool:
    return _load.cache_info().currsize == 1


def _resolver() -> "Callable[[str], PartialResult]":
    # Two first sessions at once wait for one loading.
    with _loading:
        return _load()


@cache
def _load() -> "Callable[[str], PartialResult]":
    from ua_parser import Domain  # noqa: PLC0415 - see the class
    from ua_parser.loaders import load_lazy_builtins  # noqa: PLC0415
    from ua_parser.regex import Resolver  # noqa: PLC0415

    browsers, systems, _ = load_lazy_builtins()
    # Without the expressions for models of phones, which are half of all and say what people do not.
    resolver = Resolver((browsers, systems, []))
    return lambda user_agent: resolver(user_agent, Domain.USER_AGENT | Domain.OS)
