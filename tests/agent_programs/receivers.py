"""What an agent talks to: an HTTP server that records what it is sent, a TCP server that does so too."""

import gzip
import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came in, unpacked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


def unpack_snappy(data: bytes) -> bytes:
    """Undo Snappy's block format (github.com/google/snappy, format_description.txt), which Prometheus remote write sends."""
    at, text = 0, bytearray()
    while data[at] & 0x80:  # the unpacked length in 7 bits a byte, not needed here
        at += 1
    at += 1
    while at < len(data):
        kind, length = data[at] & 3, data[at] >> 2
        at += 1
        if kind == 0:
            size = max(length - 59, 0)  # 60 to 63: the length stands in that many bytes behind
            length = (int.from_bytes(data[at : at + size], "little") if size else length) + 1
            text += data[at + size : at + size + length]
            at += size + length
        else:
            size = (1, 2, 4)[kind - 1]
            offset = int.from_bytes(data[at : at + size], "little")
            if kind == 1:
                offset, length = offset | length >> 3 << 8, (length & 7) + 3
            at += size
            for _ in range(length + 1):
                text.append(text[-offset])
    return bytes(text)


UNPACK: Mapping[str | None, Callable[[bytes], bytes]] = {None: bytes, "gzip": gzip.decompress, "snappy": unpack_snappy}
Answer = Callable[[Request], bytes]


class RefusalError(Exception):
    """An answer with another status than 200; 0 closes the connection without one."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class HttpServer:
    """A server, the requests it got, and how often a client did not trust it."""

    port: int
    requests: list[Request] = field(default_factory=list)
    refusals: list[ssl.SSLError] = field(default_factory=list)

    def received(self, *parts: bytes) -> Request | None:
        """Return the first request whose body has all these parts."""
        return next((request for request in self.requests if all(part in request.body for part in parts)), None)


@contextmanager
def http_server(
    answer: Answer = lambda _: b"{}",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    content_type: str = "application/json",
    keep: bool = True,
) -> Iterator[HttpServer]:
    """Serve on 127.0.0.1, with 200 and what a function answers, unless it raises RefusalError. `keep`: record the requests."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = b"".join(self.chunks()) if self.headers["transfer-encoding"] else b""
            body += self.rfile.read(int(self.headers["content-length"] or 0))
            body = UNPACK[self.headers["content-encoding"]](body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, body)
            if keep:
                recorded.requests.append(request)
            code = 200
            try:
                content = answer(request)
            except RefusalError as refused:
                content, code = b"{}", refused.status
            if not code:
                self.close_connection = True
                return
            self.send_response(code)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def chunks(self) -> Iterator[bytes]:
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            error = sys.exc_info()[1]
            if isinstance(error, ssl.SSLError):
                recorded.refusals.append(error)
            elif not isinstance(error, OSError):
                super().handle_error(request, client_address)

    server = Server(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    recorded = HttpServer(server.server_port)
    with serving(server):
        yield recorded


@dataclass(frozen=True, slots=True)
class TcpServer:
    """A server, the bytes it got, and how often a client did not trust it."""

    port: int
    recorded: bytearray = field(default_factory=bytearray)
    refusals: list[ssl.SSLError] = field(default_factory=list)

    def received(self, *parts: bytes) -> bytes | None:
        """Return all bytes if they have all these parts."""
        return bytes(self.recorded) if all(part in self.recorded for part in parts) else None


@contextmanager
def tcp_server(tls: ssl.SSLContext | None = None) -> Iterator[TcpServer]:
    """Take whatever comes on 127.0.0.1, and answer nothing."""

    class Handler(socketserver.BaseRequestHandler):
        request: socket.socket

        def handle(self) -> None:
            try:
                stream = tls.wrap_socket(self.request, server_side=True) if tls else self.request
                while data := stream.recv(65536):
                    recorded.recorded.extend(data)
            except ssl.SSLError as error:
                recorded.refusals.append(error)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    recorded = TcpServer(server.server_address[1])
    with serving(server):
        yield recorded


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """Let a server work in the background."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
