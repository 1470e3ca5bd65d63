"""The proxy agent ends no request and no upgraded connection by itself, however quiet they are; run by the real Envoy."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.agent_programs.pods import lay_out
from tests.agent_programs.processes import free_ports, running
from tests.agent_programs.test_proxy_in_earnest import QUIET, TABLE

UPGRADE = b"GET /socket HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


class Application(socketserver.StreamRequestHandler):
    """Switches to a protocol that echoes bytes, or answers after the seconds that the path names."""

    def handle(self) -> None:
        while request := self.rfile.readline():
            headers = iter(self.rfile.readline, b"\r\n")
            if any(header.lower().startswith(b"upgrade:") for header in headers):
                self.wfile.write(SWITCHED)
                while data := self.request.recv(100):
                    self.wfile.write(data)
                return
            time.sleep(float(request.split()[1].removeprefix(b"/")))
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def proxied(folder: Path, program: Path, inbound: dict[str, Any], egress: bool = False) -> Iterator[tuple[int, int, int]]:
    """Run the proxy in front of that application; yield the ports of the application, the listener and the egress proxy."""
    port, admin, probe, out, listener = free_ports(5)
    values = {
        "inbound": {"portOffset": listener - port, **inbound},
        "egress": {"enabled": egress, "port": out},
        "admin": {"port": admin},
        "probes": {"port": probe},
    }
    agent = lay_out(folder, "proxy", values, program, ports={"web": port})
    with Server(("127.0.0.1", port), Application) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            with running(agent):
                yield port, listener, out
        finally:
            server.shutdown()


def connected(port: int, seconds: float) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=seconds + 10)


def head(connection: socket.socket) -> bytes:
    """Read an answer up to its empty line; return its first line."""
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, f"closed after {text!r}"
        text += byte
    return text.split(b"\r\n")[0]


def stays_quiet(port: int, seconds: float, by_connect: int = 0) -> None:
    """Hold an upgraded connection quiet; then both directions still work. `by_connect`: through CONNECT to that port first."""
    with connected(port, seconds) as connection:
        if by_connect:
            connection.sendall(f"CONNECT 127.0.0.1:{by_connect} HTTP/1.1\r\nHost: 127.0.0.1:{by_connect}\r\n\r\n".encode())
            assert b" 200 " in head(connection)
        connection.sendall(UPGRADE)
        assert b" 101 " in head(connection)
        time.sleep(seconds)
        connection.sendall(b"still there")
        assert connection.recv(100) == b"still there"


def answered(port: int, seconds: float, wait: float) -> bytes:
    """Ask for an answer after `seconds`; return its first line."""
    with connected(port, wait) as connection:
        connection.sendall(f"GET /{seconds} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
        return head(connection)


def all_stay(folder: Path, program: Path, inbound: dict[str, Any], seconds: float) -> None:
    """Hold a quiet request and quiet upgraded connections, in front of the application and from it, at the same time."""
    with proxied(folder, program, inbound, egress=True) as (port, listener, out):
        failures: list[str] = []

        def run(name: str, call: Any) -> None:
            start = time.monotonic()
            try:
                call()
            except (AssertionError, OSError) as error:
                failures.append(f"{name} after {time.monotonic() - start:.0f} s: {error!r}")

        def request() -> None:
            assert b" 200 " in answered(listener, seconds, seconds)

        calls = {
            "request": request,
            "websocket": lambda: stays_quiet(listener, seconds),
            "CONNECT": lambda: stays_quiet(out, seconds, by_connect=port),
        }
        threads = [threading.Thread(target=run, args=call) for call in calls.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures, "\n".join(failures)


INBOUND = pytest.mark.parametrize("inbound", [{}, {"protocol": "tcp"}], ids=["http", "tcp"])


@INBOUND
def test_quiet_requests_and_upgraded_connections_stay(inbound: dict[str, Any], tmp_path: Path, envoy_program: Path) -> None:
    all_stay(tmp_path, envoy_program, inbound, 2)


@pytest.mark.long
@INBOUND
def test_they_stay_for_longer_than_any_default_of_envoy_for_streams(
    inbound: dict[str, Any], tmp_path: Path, envoy_program: Path
) -> None:
    """Envoy ends a quiet stream after 5 minutes by default, and a request after 15 seconds; a quiet TCP connection only after
    an hour, which this does not reach."""
    all_stay(tmp_path, envoy_program, inbound, 620)
    TABLE.record(f"{QUIET} ({inbound.get('protocol', 'http')})", "3", "0", "")


def test_a_limit_that_is_set_ends_requests_and_no_upgraded_connection(tmp_path: Path, envoy_program: Path) -> None:
    with proxied(tmp_path, envoy_program, {"requestTimeoutSeconds": 1}) as (_, listener, _):
        assert b" 504 " in answered(listener, 2, 5)
        assert b" 200 " in answered(listener, 0.1, 5)
        stays_quiet(listener, 2)
