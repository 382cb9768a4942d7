"""A server on this machine that nobody has a reason to call: it counts who comes."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Listener:
    """``url`` leads here; ``calls`` are the paths that were asked for."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                listener.calls.append(self.path)
                self.send_response(200)
                self.end_headers()

            def do_HEAD(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()
    thread = Thread(target=listener.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield listener
    finally:
        listener.server.shutdown()
        thread.join()
        listener.server.server_close()
