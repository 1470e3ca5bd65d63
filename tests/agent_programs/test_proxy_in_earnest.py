"""The proxy agent, with the default values and limits, under the loads of a table of docs/agents-under-load.md."""

import asyncio
from pathlib import Path

import pytest
import trustme

from tests.agent_programs.http_load import Load, load
from tests.agent_programs.measured_tables import Table
from tests.agent_programs.proxy_agent import application, proxy_before
from tests.agent_programs.test_proxy_load import (
    GUNICORN_KEEP_ALIVE,
    at_once,
    bodies_both_ways,
    slow_clients,
    through_a_drain,
    through_renewals,
    with_pauses,
)
from tests.agent_programs.test_proxy_protocols import calls_through_a_drain, grpc_application, stream

pytestmark = pytest.mark.long
BODIES = "HTTP/1.1: bodies of 1 GiB, one each way"
STREAM = "gRPC: a stream of 1 GiB each way"
SLOW = "1,900 clients that read nothing of 1 GiB"
AT_ONCE = "1,900 requests at once"
IDLE = "application that closes idle connections after 2 s"
RENEWED = "certificate renewed 10 times, 100 TLS requests/s"
DRAIN = "drain at 1,000 requests/s"
ENDED = "drain at 1,000 requests/s, application ends at once"
CALLS = "drain at 200 calls/s of gRPC"
QUIET = "request, websocket and CONNECT quiet for 620 s"
LOADS = (BODIES, STREAM, SLOW, AT_ONCE, IDLE, RENEWED, DRAIN, ENDED, CALLS, f"{QUIET} (http)", f"{QUIET} (tcp)")
TABLE = Table("proxy", ("load", "requests", "lost", "memory"), [(name,) for name in LOADS])
RATIO = Table(
    "latency",
    ("requests/s", "percentile", "direct", "through the proxy", "ratio"),
    [("200", percentile) for percentile in ("10", "50", "99")],
)


def record(name: str, result: Load, memory: int | None = None) -> None:
    """Write a row, and fail if a request was lost."""
    TABLE.record(name, f"{result.sent:,}", f"{len(result.failures):,}", "" if memory is None else f"{memory} MiB")
    assert result.failures == []


def test_bodies(tmp_path: Path, envoy_program: Path) -> None:
    with application() as port, proxy_before(port, tmp_path, envoy_program) as proxy:
        passed = bodies_both_ways(proxy.listener, 1024)
        record(BODIES, Load(sent=2, failures=[str(size) for size in passed if size != 1024]), proxy.memory())


def test_a_stream_of_grpc(tmp_path: Path, envoy_program: Path) -> None:
    with grpc_application() as port, proxy_before(port, tmp_path, envoy_program) as proxy:
        passed = stream(proxy.listener, 1024)
        record(STREAM, Load(sent=1, failures=["short"] * (passed != 1024)), proxy.memory())


def test_slow_clients(tmp_path: Path, envoy_program: Path) -> None:
    with application() as port, proxy_before(port, tmp_path, envoy_program) as proxy:
        answered = slow_clients(proxy.listener, 1_900)
        record(SLOW, Load(sent=1_900, failures=["no answer"] * (1_900 - answered)), proxy.memory())


def test_many_requests_at_once(tmp_path: Path, envoy_program: Path) -> None:
    with application() as port, proxy_before(port, tmp_path, envoy_program) as proxy:
        failures = asyncio.run(at_once(proxy.listener, 1_900, "/sleep/10"))
        record(AT_ONCE, Load(sent=1_900, failures=list(map(repr, failures))), proxy.memory())


def test_an_application_that_closes_idle_connections(tmp_path: Path, envoy_program: Path) -> None:
    with application(GUNICORN_KEEP_ALIVE) as port, proxy_before(port, tmp_path, envoy_program) as proxy:
        record(IDLE, asyncio.run(with_pauses(proxy.listener, 300, 20, GUNICORN_KEEP_ALIVE)), proxy.memory())


def test_a_renewed_certificate(tmp_path: Path, envoy_program: Path, authority: trustme.CA) -> None:
    result, shown = through_renewals(tmp_path, envoy_program, authority, 100, 10)
    record(RENEWED, result)
    assert len(shown) > 5


def test_a_drain(tmp_path: Path, envoy_program: Path) -> None:
    record(DRAIN, through_a_drain(tmp_path, envoy_program, 1_000))


def test_a_drain_while_the_application_ends(tmp_path: Path, envoy_program: Path) -> None:
    """What is lost is what the application does not answer: nothing in front of it can."""
    result = through_a_drain(tmp_path, envoy_program, 1_000, application_stays=False)
    TABLE.record(ENDED, f"{result.sent:,}", f"{len(result.failures):,}", "")
    assert result.failures != []


def test_a_drain_of_grpc(tmp_path: Path, envoy_program: Path) -> None:
    sent, failures = calls_through_a_drain(tmp_path, envoy_program, 200, 12)
    record(CALLS, Load(sent=sent, failures=failures))


def test_the_time_that_a_request_takes_longer(tmp_path: Path, envoy_program: Path) -> None:
    """Direct and through the proxy in turns, so that what else the machine does is the same for both."""
    direct, through = Load(), Load()
    with application() as port, proxy_before(port, tmp_path, envoy_program) as proxy:
        for _ in range(5):
            for result, at in ((direct, port), (through, proxy.listener)):
                result.seconds += asyncio.run(load(lambda at=at: ("127.0.0.1", at), 200, 5)).seconds
    for percent in (10, 50, 99):
        one, other = direct.percentile(percent), through.percentile(percent)
        RATIO.record("200", str(percent), f"{one:.2f} ms", f"{other:.2f} ms", f"{other / one:.1f}")
    assert through.percentile(10) < direct.percentile(10) + 5
