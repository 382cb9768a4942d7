"""HTTP/1.1 as uvicorn speaks it, within bounds: what a client may send, how slowly, and how little it may read.

The parser is llhttp in its strict mode, which refuses bad chunks and lengths that contradict each other. What it
leaves open is decided here (RFC 9112), and whatever cannot be a request is answered by a problem document (H11).
"""

from asyncio import AbstractEventLoop, TimerHandle, Transport, get_running_loop
from typing import Any, cast

import structlog
from httptools import HttpParserError, HttpParserUpgrade, parse_url
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from bootstrap.connections import Connections
from bootstrap.metrics import count_request
from bootstrap.one_write import OneWritePerTurn
from domain.errors import Overloaded
from interfaces.http.bare_answers import bare_answer
from interfaces.http.problems import BAD_REQUEST, HEAD_TOO_LARGE, REQUEST_TIMEOUT, ProblemType
from interfaces.http.request_context import SERVER_TAKES_VIEWS, UNMATCHED
from interfaces.http.sender import BODY_IS_HERE

HEAD_MAX_BYTES = 16 * 1024
HEADERS_MAX = 100
PIPELINED_MAX = 8
"""Requests that may wait behind the one at work: each is held in memory, and hardly any client sends two."""
_STALLED_SECONDS = 10
_STALLED_BYTES = 40 * 1024
"""What a client reads in that time at least, of what it has asked for; less holds up who writes."""
_REFUSED_SECONDS = 1

_OVERLOADED = ProblemType.of(Overloaded)

_log: structlog.stdlib.BoundLogger = structlog.get_logger("crm_auth.http")


class _Malformed(Exception):
    """Raised inside the parser, which then gives up the connection."""


class HttpProtocol(HttpToolsProtocol):
    """Named in the configuration of the server; one for each connection.

    A client *owes* a request from the moment it connects, and again with the first byte after an answer, until the
    head is there. The body is the application's to wait for (``Sender``), and after the answer nobody's.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
        connections: Connections | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # Each request begins with a copy of it.
        self.app_state[SERVER_TAKES_VIEWS] = True
        self._all = connections or Connections()
        self._due: TimerHandle | None = None
        self._stalled: TimerHandle | None = None
        self._is_deaf = False
        self._unparsed = 0
        self._follows = False
        self._has_head = False
        self._is_whole = False
        self._why: ProblemType = BAD_REQUEST

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Each connection writes through :class:`OneWritePerTurn`; one too many is told so."""
        admitted = self._all.admit(self.connections)
        super().connection_made(cast("Transport", OneWritePerTurn(transport, get_running_loop())))
        if admitted:
            self._all.wait_for(self)
            self._expect_head()
        else:
            self._refuse(_OVERLOADED)

    def connection_lost(self, exc: Exception | None) -> None:
        """Also of one that hung up."""
        self._all.has_gone(self)
        self._settle()
        self._unset_keepalive_if_required()
        if self._stalled:
            self._stalled.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """What the parser refuses is told to the client and to the log, in one line."""
        if self._is_deaf:
            return
        self._unset_keepalive_if_required()
        self._unparsed += len(data)
        try:
            self.parser.feed_data(data)
        except HttpParserError:
            self._refuse(self._why)
        except HttpParserUpgrade:
            # RFC 9110 7.8: it may be passed over. The parser would go on with what comes next.
            self._is_deaf = True
            self.cycle.keep_alive = False
        else:
            if not self._has_head:
                self._keep_waiting()
            elif not self._is_whole and self._unparsed > HEAD_MAX_BYTES:
                self._refuse(HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._has_head = self._is_whole = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of the head. What comes behind the body is passed over (RFC 9110 6.5.1): it was not judged with it."""
        if not self._has_head:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """A part of it; between two of them, and behind the last one, there is no more than a head may have."""
        self._unparsed = 0
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """Its head is there. Raises what the parser turns into a refusal."""
        self._judge_head()
        self._has_head = True
        self._unparsed = 0
        self._settle()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """It is there as a whole."""
        super().on_message_complete()
        self._is_whole = self._follows = True
        self.scope["state"][BODY_IS_HERE] = True
        self._unparsed = 1
        if not self.flow.write_paused:
            self._all.forget(self)
        if self.cycle.response_complete:
            self._settle()
            self._rest()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        """Answered. What is still to come of its body is waited for a little, so that the answer can be read."""
        super().on_response_complete()
        if self.transport.is_closing() or not self.cycle.response_complete:
            return
        if self._is_whole:
            self._rest()
        elif self._has_head:
            self._unset_keepalive_if_required()
            self._due = self.loop.call_later(self._all.patience, self.hang_up)

    def timeout_keep_alive_handler(self) -> None:
        """Idle for long enough, or never read its last answer."""
        if self.transport.get_write_buffer_size():
            self.hang_up()
        else:
            super().timeout_keep_alive_handler()

    def pause_writing(self) -> None:
        """The client does not read; the answer waits, and somebody in the application with it."""
        super().pause_writing()
        self._all.wait_for(self)
        self._watch_reading()

    def resume_writing(self) -> None:
        """It has read."""
        super().resume_writing()
        if self._is_whole and not self.cycle.response_complete:
            self._all.forget(self)
        if self._stalled:
            self._stalled.cancel()

    def hang_up(self) -> None:
        """End the connection at once, whatever is on its way."""
        self.transport.abort()

    def _rest(self) -> None:
        """Nothing is owed until the next byte."""
        self._has_head = self._follows = False
        self._all.wait_for(self)

    def _keep_waiting(self) -> None:
        """Something came, and no head is whole yet."""
        if self._unparsed > HEAD_MAX_BYTES:
            self._refuse(HEAD_TOO_LARGE)
        elif self._due is None:
            self._expect_head()

    def _expect_head(self) -> None:
        self._due = self.loop.call_later(self._all.patience, self._give_up)

    def _give_up(self) -> None:
        self._due = None
        if self._unparsed:
            self._refuse(REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _settle(self) -> None:
        if self._due:
            self._due.cancel()
            self._due = None

    def _judge_head(self) -> None:
        """What RFC 9112 has a server refuse and the parser lets pass."""
        may_be_large = self._follows or self._unparsed > HEAD_MAX_BYTES
        if len(self.headers) > HEADERS_MAX or (may_be_large and self._head_size() > HEAD_MAX_BYTES):
            self._why = HEAD_TOO_LARGE
            raise _Malformed
        version = self.parser.get_http_version()
        if version not in {"1.1", "1.0"} or len(self.pipeline) >= PIPELINED_MAX:
            raise _Malformed
        hosts = [value for name, value in self.headers if name == b"host"]
        # 3.2: one in HTTP/1.1, and never two.
        if len(hosts) != 1 and (hosts or version == "1.1"):
            raise _Malformed
        if not self.url.startswith(b"/") and not self._is_for(hosts):
            raise _Malformed
        # 6.1: HTTP/1.0 knows no chunks, and who sends them there means to be read in two ways.
        if version == "1.0" and any(name == b"transfer-encoding" for name, _ in self.headers):
            raise _Malformed

    def _is_for(self, hosts: list[bytes]) -> bool:
        """Whether a target in absolute form names the same host as the header (3.2.2), so that only one can count."""
        parsed = parse_url(self.url)
        if parsed.schema not in {b"http", b"https"} or parsed.userinfo or not parsed.path:
            return False
        authority = parsed.host + (b":%d" % parsed.port if parsed.port else b"")
        return hosts == [authority] if hosts else False

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _refuse(self, problem: ProblemType) -> None:
        """Say so if nobody else is speaking, and read nothing more of it.

        An answer that is under way to an earlier request is not to be mistaken for this one's, nor this for that: then
        the connection ends behind it, or at once when several wait.
        """
        self._is_deaf = True
        self._settle()
        self._all.forget(self)
        _log.info("request_refused", status=problem.status, code=problem.code)
        count_request("other", UNMATCHED, problem.status, 0.0)
        latest: RequestResponseCycle | None = self.cycle
        at_work = latest if latest and not latest.response_complete else None
        if self.pipeline or (at_work and at_work.more_body and at_work.response_started):
            self.hang_up()
        elif at_work and not at_work.more_body:
            at_work.keep_alive = False
        else:
            self._tell(problem)
            if at_work:
                # Its own body is what is broken. To the application that is a client that left.
                at_work.disconnected = True
                at_work.message_event.set()

    def _tell(self, problem: ProblemType) -> None:
        """Closing while the client still sends would make its system throw the answer away unread (9.6)."""
        self.connections.discard(self)
        self._all.let_linger(self)
        self.transport.write(bare_answer(problem, self.server_state.default_headers))
        self.loop.call_later(_REFUSED_SECONDS, self.hang_up)
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _watch_reading(self) -> None:
        left = self.transport.get_write_buffer_size()

        def look() -> None:
            if left - self.transport.get_write_buffer_size() < _STALLED_BYTES:
                self.hang_up()
            else:
                self._watch_reading()

        self._stalled = self.loop.call_later(_STALLED_SECONDS, look)
