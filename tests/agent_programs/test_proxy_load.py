"""The proxy agent under load loses no request and stays within its memory; run by the real Envoy with the default values."""

import asyncio
import http.client
import itertools
import random
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from tests.agent_programs.http_load import Connection, Load, load
from tests.agent_programs.proxy_agent import Proxy, application, proxy_before, running_application

MEBIBYTE = 1024 * 1024
GUNICORN_KEEP_ALIVE = 2.0  # seconds; the shortest default of the servers that are used much
"""https://docs.gunicorn.org/en/stable/settings.html#keepalive"""


def bodies_both_ways(listener: int, mebibytes: int) -> tuple[int, int]:
    """Fetch a body and send one; return how many mebibytes arrived of each."""
    connection = http.client.HTTPConnection("127.0.0.1", listener, timeout=60)
    connection.request("GET", f"/bytes/{mebibytes * MEBIBYTE}")
    answer = connection.getresponse()
    fetched = sum(map(len, iter(lambda: answer.read(MEBIBYTE), b"")))
    length = {"Content-Length": str(mebibytes * MEBIBYTE)}
    connection.request("POST", "/", itertools.repeat(bytes(MEBIBYTE), mebibytes), length)
    return fetched // MEBIBYTE, int(connection.getresponse().read()) // MEBIBYTE


def slow_clients(listener: int, number: int) -> int:
    """Ask for a gigabyte with so many clients that read nothing of it; return how many got the beginning of an answer."""
    with ExitStack() as opened:
        clients = []
        for _ in range(number):
            client = opened.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(60)
            client.connect(("127.0.0.1", listener))
            client.sendall(b"GET /bytes/1073741824 HTTP/1.1\r\nHost: shop\r\n\r\n")
            clients.append(client)
        time.sleep(2)
        return sum(b" 200 " in client.recv(100) for client in clients)


async def at_once(listener: int, number: int, path: str) -> list[object]:
    """Send so many requests at the same time; return what failed."""
    failures: list[object] = []

    async def ask() -> None:
        connection = Connection(None)
        try:
            await asyncio.wait_for(connection.ask("127.0.0.1", listener, path), 60)
        except (OSError, ValueError, EOFError, asyncio.TimeoutError) as error:
            failures.append(error)
        connection.close()

    await asyncio.gather(*(ask() for _ in range(number)))
    return failures


async def with_pauses(listener: int, connections: int, seconds: float, pause: float) -> Load:
    """Send requests over open connections, each about `pause` seconds after the last one."""
    result, end = Load(), time.monotonic() + seconds

    async def work() -> None:
        connection = Connection(None)
        while time.monotonic() < end:
            result.sent += 1
            try:
                await connection.ask("127.0.0.1", listener, "/")
            except (OSError, ValueError, EOFError) as error:
                result.failures.append(repr(error))
                connection.close()
            await asyncio.sleep(pause + random.uniform(-0.02, 0.02))

    await asyncio.gather(*(work() for _ in range(connections)))
    return result


def through_a_drain(folder: Path, program: Path, rate: float, application_stays: bool = True) -> Load:
    """Send requests to two pods at a rate for 12 seconds. One is deleted after 2, and its application ends at once or stays
    until its proxy ends; after one second more Services know of it."""
    with (
        application() as port,
        running_application() as (ending, ends),
        proxy_before(ending, folder / "one", program) as stopped,
        proxy_before(port, folder / "two", program) as other,
    ):
        ready = [stopped.listener, other.listener]
        turns = itertools.count()

        def delete() -> None:
            with stopped.pre_stop() as hook:
                if not application_stays:
                    ends.terminate()
                time.sleep(1)
                ready.remove(stopped.listener)
                assert hook.wait(30) == 0
            assert stopped.process.stop() == 0

        deletion = threading.Timer(2, delete)
        deletion.start()
        result = asyncio.run(load(lambda: ("127.0.0.1", ready[next(turns) % len(ready)]), rate, 12))
        deletion.join()
        return result


def through_renewals(folder: Path, program: Path, authority: trustme.CA, rate: float, renewals: int) -> tuple[Load, set[str]]:
    """Send requests by TLS, half of them over new connections, while the Secret is renewed each second; return what came of
    them and the certificates that clients were shown."""
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    shown: set[str] = set()
    with application() as port, proxy_before(port, folder, program, {"tls": {"secretName": "tls"}}, secret(authority)) as proxy:

        def renew() -> None:
            for number in range(renewals):
                time.sleep(1)
                shown.add(ssl.get_server_certificate(("127.0.0.1", proxy.listener)))
                mounted = proxy.agent.path("/etc/proxy-tls")
                (mounted / f"..{number}").mkdir()
                for name, content in secret(authority)["tls"].items():
                    (mounted / f"..{number}" / name).write_bytes(content)
                    (mounted / f"..{number}" / name).replace(mounted / name)

        renewing = threading.Thread(target=renew)
        renewing.start()
        result = asyncio.run(load(lambda: ("127.0.0.1", proxy.listener), rate, renewals + 1, tls=trusting, asks=2))
        renewing.join()
    return result, shown


def secret(authority: trustme.CA) -> dict[str, dict[str, bytes]]:
    """Return a new Secret of type kubernetes.io/tls for localhost."""
    leaf = authority.issue_cert("localhost")
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    return {"tls": {"tls.crt": chain, "tls.key": leaf.private_key_pem.bytes()}}


@pytest.fixture
def proxy(tmp_path: Path, envoy_program: Path) -> Iterator[Proxy]:
    """The proxy before an application."""
    with application() as port, proxy_before(port, tmp_path, envoy_program) as running:
        yield running


def test_large_bodies_pass_both_ways_in_bounded_memory(proxy: Proxy) -> None:
    assert bodies_both_ways(proxy.listener, 64) == (64, 64)
    assert proxy.memory() < proxy.limit()


@pytest.mark.slow
def test_clients_that_read_slowly_do_not_fill_the_memory(proxy: Proxy) -> None:
    """Envoy's own limit, a mebibyte for each connection, needs 201 MiB for 200 of them."""
    assert slow_clients(proxy.listener, 500) == 500
    assert proxy.memory() < proxy.limit()


@pytest.mark.slow
def test_as_many_requests_at_once_as_connections_are_allowed(proxy: Proxy) -> None:
    """Envoy's own limit is 1,024; the others would wait until those are answered."""
    begin = time.monotonic()
    assert asyncio.run(at_once(proxy.listener, 1_200, "/sleep/8")) == []
    assert time.monotonic() - begin < 15


@pytest.mark.slow
def test_an_application_may_close_idle_connections(tmp_path: Path, envoy_program: Path) -> None:
    """Envoy's own limit for idle connections, an hour, sends requests on connections that the application is closing."""
    with application(GUNICORN_KEEP_ALIVE) as port, proxy_before(port, tmp_path, envoy_program) as proxy:
        assert asyncio.run(with_pauses(proxy.listener, 200, 7, GUNICORN_KEEP_ALIVE)).failures == []


@pytest.mark.slow
def test_a_drain_loses_no_request(tmp_path: Path, envoy_program: Path) -> None:
    result = through_a_drain(tmp_path, envoy_program, 100)
    assert result.failures == []
    assert result.closed_as_told > 0


@pytest.mark.slow
def test_renewals_of_a_certificate_lose_no_request(tmp_path: Path, envoy_program: Path, authority: trustme.CA) -> None:
    result, shown = through_renewals(tmp_path, envoy_program, authority, 50, 4)
    assert result.failures == []
    assert len(shown) > 1
