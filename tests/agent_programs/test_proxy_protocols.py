"""HTTP/1.0, HTTP/1.1, HTTP/2 and gRPC pass through the proxy agent; run by the real Envoy."""

import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import trustme

from tests.agent_programs.pods import Secrets
from tests.agent_programs.processes import answers, eventually, free_ports
from tests.agent_programs.proxy_agent import application, proxy_before


class Shop(grpc.GenericRpcHandler):
    """A service of gRPC whose messages are bytes: /shop/Echo, /shop/Stream (both ways) and /shop/Missing."""

    def service(self, details: Any) -> Any:
        match details.method:
            case "/shop/Echo":
                return grpc.unary_unary_rpc_method_handler(lambda message, _: message)
            case "/shop/Stream":
                return grpc.stream_stream_rpc_method_handler(lambda messages, _: iter(messages))
            case "/shop/Missing":
                return grpc.unary_unary_rpc_method_handler(
                    lambda _, call: call.abort(grpc.StatusCode.NOT_FOUND, "no such order")
                )
        return None


@contextmanager
def grpc_application() -> Iterator[int]:
    """Serve that by HTTP/2 without TLS, and yield the port."""
    server = grpc.server(ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((Shop(),))
    (port, _) = free_ports(2)
    assert server.add_insecure_port(f"127.0.0.1:{port}") == port
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


@contextmanager
def http2_application() -> Iterator[int]:
    """Run http2_application.py, and yield its port."""
    (port, _) = free_ports(2)
    words = ["hypercorn", "--bind", f"127.0.0.1:{port}", "--error-logfile", "/dev/null"]
    with subprocess.Popen([sys.executable, "-m", *words, "tests.agent_programs.http2_application:application"]) as process:
        try:
            assert eventually(lambda: answers(f"http://127.0.0.1:{port}/"))
            yield port
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def certificates(authority: trustme.CA) -> Secrets:
    """A Secret of type kubernetes.io/tls for localhost."""
    leaf = authority.issue_cert("localhost")
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    return {"tls": {"tls.crt": chain, "tls.key": leaf.private_key_pem.bytes()}}


def test_http_1_0_passes(tmp_path: Path, envoy_program: Path) -> None:
    """So asks nginx, where its configuration has no proxy_http_version."""
    with (
        application() as port,
        proxy_before(port, tmp_path, envoy_program) as proxy,
        socket.create_connection(("127.0.0.1", proxy.listener), timeout=10) as client,
    ):
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        text = b"".join(iter(lambda: client.recv(1000), b""))
    assert b" 200 OK\r\n" in text
    assert text.endswith(b"\r\n\r\n0")


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_http_2_reaches_an_application_that_speaks_it(
    tls: bool, tmp_path: Path, envoy_program: Path, authority: trustme.CA, certificates: Secrets
) -> None:
    values: dict[str, Any] = {"inbound": {"http2": True}, "tls": {"secretName": "tls"}} if tls else {}
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with http2_application() as port, proxy_before(port, tmp_path, envoy_program, values, certificates) as proxy:
        url = f"http{'s' * tls}://localhost:{proxy.listener}/"
        for version in (1, 2):
            with httpx.Client(http1=version == 1, http2=version == 2, verify=trusting, trust_env=False) as client:
                answer = client.post(url, content=bytes(1_000_000))
                assert (answer.status_code, answer.http_version[:6]) == (200, f"HTTP/{version}")
                assert answer.text[:6] == f"HTTP/{version}"


def test_by_tls_http_2_is_offered_only_where_the_application_speaks_it(
    tmp_path: Path, envoy_program: Path, authority: trustme.CA, certificates: Secrets
) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with (
        application() as port,
        proxy_before(port, tmp_path, envoy_program, {"tls": {"secretName": "tls"}}, certificates) as proxy,
        httpx.Client(http2=True, verify=trusting, trust_env=False) as client,
    ):
        assert client.get(f"https://localhost:{proxy.listener}/").http_version == "HTTP/1.1"


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_calls_streams_and_errors_of_grpc_pass(
    tls: bool, tmp_path: Path, envoy_program: Path, authority_file: bytes, certificates: Secrets
) -> None:
    values: dict[str, Any] = {"inbound": {"http2": True}, "tls": {"secretName": "tls"}} if tls else {}
    with grpc_application() as port, proxy_before(port, tmp_path, envoy_program, values, certificates) as proxy:
        target = f"localhost:{proxy.listener}"
        secure = grpc.ssl_channel_credentials(authority_file)
        with grpc.secure_channel(target, secure) if tls else grpc.insecure_channel(target) as channel:
            assert channel.unary_unary("/shop/Echo")(b"order", timeout=10) == b"order"
            with pytest.raises(grpc.RpcError) as error:
                channel.unary_unary("/shop/Missing")(b"", timeout=10)
            assert (error.value.code(), error.value.details()) == (grpc.StatusCode.NOT_FOUND, "no such order")
            turns = threading.Semaphore(0)

            def messages() -> Iterator[bytes]:
                for number in range(5):
                    yield b"%d" % number
                    assert turns.acquire(timeout=10)  # the answer to one message comes before the next is sent

            for number, message in enumerate(channel.stream_stream("/shop/Stream")(messages(), timeout=30)):
                assert message == b"%d" % number
                turns.release()


def stream(listener: int, megabytes: int) -> int:
    """Send so many megabytes and get them back in one call; return how many came back."""
    block = bytes(1024 * 1024)
    with grpc.insecure_channel(f"127.0.0.1:{listener}") as channel:
        return sum(len(part) for part in channel.stream_stream("/shop/Stream")(block for _ in range(megabytes))) >> 20


def test_long_streams_of_grpc_pass_in_bounded_memory(tmp_path: Path, envoy_program: Path) -> None:
    with grpc_application() as port, proxy_before(port, tmp_path, envoy_program) as proxy:
        assert stream(proxy.listener, 64) == 64
        assert proxy.memory() < proxy.limit()


def calls_through_a_drain(folder: Path, program: Path, rate: int, seconds: float) -> tuple[int, list[str]]:
    """Call two pods at a rate; one of them is stopped as a kubelet does it. Return the number of calls and what failed."""
    failures: list[str] = []
    sent = 0
    with (
        grpc_application() as port,
        proxy_before(port, folder / "one", program) as stopped,
        proxy_before(port, folder / "two", program) as other,
    ):
        target = f"ipv4:127.0.0.1:{stopped.listener},127.0.0.1:{other.listener}"
        options = [("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}')]
        with grpc.insecure_channel(target, options) as channel, ThreadPoolExecutor(20) as clients:

            def call() -> None:
                try:
                    channel.unary_unary("/shop/Echo")(b"order", timeout=10)
                except grpc.RpcError as error:
                    failures.append(repr(error))

            def stop() -> None:
                assert stopped.pre_stop().wait(30) == 0
                assert stopped.process.stop() == 0

            begin = time.monotonic()
            stopping = threading.Timer(1, stop)
            stopping.start()
            while stopping.is_alive() or time.monotonic() < begin + seconds:
                time.sleep(max(begin + sent / rate - time.monotonic(), 0))
                clients.submit(call)
                sent += 1
    return sent, failures


@pytest.mark.slow
def test_a_drain_loses_no_call_of_grpc(tmp_path: Path, envoy_program: Path) -> None:
    sent, failures = calls_through_a_drain(tmp_path, envoy_program, 50, 8)
    assert failures == []
    assert sent > 300
