"""The proxy agent, run by the real Envoy."""

import http.client
import itertools
import json
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.agent_programs.pods import Agent, Secrets, lay_out
from tests.agent_programs.processes import Process, answers, check, eventually, free_ports, running
from tests.agent_programs.receivers import HttpServer, Request, http_server

INBOUND: list[dict[str, Any]] = [
    {"enabled": False},
    {},
    {"protocol": "tcp"},
    {"ports": [8081, 9091], "portOffset": 1000, "connectTimeoutSeconds": 1, "requestTimeoutSeconds": 30},
]
EGRESS: list[dict[str, Any]] = [
    {"enabled": False},
    {"enabled": True},
    {"enabled": True, "port": 3128, "connectTimeoutSeconds": 1},
]
OTHERS: list[dict[str, Any]] = [
    *({"logLevel": level} for level in ("error", "warn", "info", "debug")),
    {"configuration": "configMap", "tls": {"secretName": "tls"}},
    {"inbound": {"http2": True}, "tls": {"secretName": "tls"}},
    {"concurrency": 1, "maxConnections": 1},
    {"drain": {"seconds": 0}},
    {"drain": {"seconds": 20}},
    {"admin": {"port": 9901}, "probes": {"port": 8086}},
    {"extraArgs": ["--service-node", "shop"], "extraEnv": [{"name": "A", "value": "b"}]},
]


@pytest.fixture(scope="module")
def certificates(authority: trustme.CA) -> Secrets:
    """A Secret of type kubernetes.io/tls for localhost."""
    return {"tls": secret_of(authority.issue_cert("localhost"))}


def secret_of(certificate: trustme.LeafCert) -> dict[str, bytes]:
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    return {"tls.crt": chain, "tls.key": certificate.private_key_pem.bytes()}


@contextmanager
def proxied(
    folder: Path, program: Path, values: Mapping[str, Any], secrets: Secrets | None = None
) -> Iterator[tuple[Agent, Process, HttpServer, int]]:
    """Run the proxy in front of an application; yield both, and the port that Services name. It has to end with 0."""
    port, admin, probe, listener = free_ports(4)
    with http_server(application, port) as server:
        at = {
            "inbound": {"portOffset": listener - port, **values.get("inbound", {})},
            "admin": {"port": admin},
            "probes": {"port": probe},
        }
        agent = lay_out(folder, "proxy", {**values, **at}, program, ports={"web": port}, secrets=secrets)
        with running(agent) as process:
            yield agent, process, server, listener
            assert process.stop() == 0


def application(request: Request) -> bytes:
    time.sleep(2 if request.path == "/slow" else 0)
    return f"app {request.method} {request.path}".encode()


def get(port: int, path: str, tls: ssl.SSLContext | None = None) -> tuple[http.client.HTTPResponse, bytes]:
    connection = (
        http.client.HTTPSConnection("localhost", port, context=tls) if tls else http.client.HTTPConnection("127.0.0.1", port)
    )
    connection.request("GET", path)
    response = connection.getresponse()
    return response, response.read()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.mark.parametrize("secret", ["", "tls"])
@pytest.mark.parametrize("access_log", [True, False])
@pytest.mark.parametrize(("inbound", "egress"), list(itertools.product(INBOUND, EGRESS)), ids=json.dumps)
def test_envoy_takes_every_combination(
    inbound: dict[str, Any],
    egress: dict[str, Any],
    access_log: bool,
    secret: str,
    tmp_path: Path,
    envoy_program: Path,
    certificates: Secrets,
) -> None:
    values = {"inbound": inbound, "egress": egress, "accessLog": access_log, "tls": {"secretName": secret}}
    check(lay_out(tmp_path, "proxy", values, envoy_program, secrets=certificates), "--mode", "validate")


@pytest.mark.parametrize("values", OTHERS, ids=json.dumps)
def test_envoy_takes_every_other_value(
    values: dict[str, Any], tmp_path: Path, envoy_program: Path, certificates: Secrets
) -> None:
    check(lay_out(tmp_path, "proxy", values, envoy_program, secrets=certificates), "--mode", "validate")


def test_the_image_names_the_version_that_is_proven_here(tmp_path: Path, envoy_program: Path) -> None:
    done = subprocess.run((envoy_program, "--version"), capture_output=True, text=True, check=True)
    assert f"/{lay_out(tmp_path, 'proxy', {}, envoy_program).version}/" in done.stdout


def test_bytes_pass_to_the_application_and_the_connection_is_logged(tmp_path: Path, envoy_program: Path) -> None:
    with proxied(tmp_path, envoy_program, {"inbound": {"protocol": "tcp"}}) as (_, process, server, listener):
        assert get(listener, "/a")[1] == b"app GET /a"
        assert "x-forwarded-for" not in server.requests[0].headers
    line = json.loads(process.output.read_text().splitlines()[0])
    assert line["bytes_sent"] > len("app GET /a")


@pytest.mark.parametrize("secret", ["", "tls"])
def test_a_call_by_grpc_passes(
    secret: str,
    tmp_path: Path,
    envoy_program: Path,
    otelcol: Path,
    certificates: Secrets,
    authority_file: bytes,
) -> None:
    """The application and its client are OpenTelemetry Collectors, which speak gRPC to each other."""
    probe, grpc, http, admin, ready, listener = free_ports(6)
    server_values = {"probes": {"port": probe}, "otlp": {"grpcPort": grpc, "httpPort": http}}
    server = lay_out(tmp_path / "server", "monitoring", server_values, otelcol)
    inbound = {"ports": [grpc], "portOffset": listener - grpc, "http2": bool(secret)}
    proxy_values = {"inbound": inbound, "tls": {"secretName": secret}, "admin": {"port": admin}, "probes": {"port": ready}}
    proxy = lay_out(tmp_path / "proxy", "proxy", {**proxy_values, "drain": {"seconds": 0}}, envoy_program, secrets=certificates)
    probe, grpc, http = free_ports(3)
    tls = {"caSecret": "ca"} if secret else {"enabled": False}
    export = {"type": "otlp", "endpoint": f"localhost:{listener}", "tls": tls}
    client_values = {"probes": {"port": probe}, "otlp": {"grpcPort": grpc, "httpPort": http}, "export": export}
    client = lay_out(tmp_path / "client", "monitoring", client_values, otelcol, secrets={"ca": {"ca.crt": authority_file}})
    with running(server) as called, running(proxy) as between, running(client) as calling:
        request = urllib.request.Request(
            f"{client.application_environment['OTEL_EXPORTER_OTLP_ENDPOINT']}/v1/logs",
            b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "hello"}}]}]}]}',
            {"content-type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).close()
        assert calling.stop() == 0
        assert between.stop() == 0
        assert called.stop() == 0
    assert "Logs" in called.output.read_text()
    line = json.loads(between.output.read_text().splitlines()[0])
    assert (line["path"], line["protocol"]) == ("/opentelemetry.proto.collector.logs.v1.LogsService/Export", "HTTP/2")


@pytest.mark.parametrize("configuration", ["inline", "configMap"])
def test_a_request_passes_to_the_application_and_is_logged(configuration: str, tmp_path: Path, envoy_program: Path) -> None:
    with proxied(tmp_path, envoy_program, {"configuration": configuration}) as (_, process, server, listener):
        assert get(listener, "/a?b=1")[1] == b"app GET /a?b=1"
        assert "x-forwarded-for" in server.requests[0].headers
    line = json.loads(process.output.read_text().splitlines()[0])
    assert (line["method"], line["path"], line["status"]) == ("GET", "/a?b=1", 200)


@pytest.mark.parametrize("inbound", [{"protocol": "http"}, {"protocol": "tcp"}, {"http2": True}], ids=json.dumps)
def test_a_request_passes_by_tls(
    inbound: dict[str, Any], tmp_path: Path, envoy_program: Path, authority: trustme.CA, certificates: Secrets
) -> None:
    values = {"inbound": inbound, "tls": {"secretName": "tls"}}
    with proxied(tmp_path, envoy_program, values, certificates) as (_, _, _, listener):
        assert get(listener, "/a", trusting(authority))[1] == b"app GET /a"


def test_a_renewed_certificate_is_taken_over(
    tmp_path: Path, envoy_program: Path, authority: trustme.CA, certificates: Secrets
) -> None:
    """The kubelet renews a Secret by pointing the symbolic link ..data, which all files go through, somewhere else."""
    with proxied(tmp_path, envoy_program, {"tls": {"secretName": "tls"}}, certificates) as (agent, _, _, listener):
        first = ssl.get_server_certificate(("127.0.0.1", listener))
        folder = agent.path("/etc/proxy-tls")
        (folder / "..renewed").mkdir()
        for name, content in secret_of(authority.issue_cert("localhost")).items():
            (folder / "..renewed" / name).write_bytes(content)
            (folder / "..renewed" / name).replace(folder / name)
        assert eventually(lambda: ssl.get_server_certificate(("127.0.0.1", listener)) != first)


def test_the_application_reaches_the_outside_through_the_proxy(
    tmp_path: Path, envoy_program: Path, authority: trustme.CA
) -> None:
    (port,) = free_ports(1)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    with (
        http_server(application) as outside,
        http_server(application, tls=tls) as secure,
        proxied(tmp_path, envoy_program, {"egress": {"enabled": True, "port": port}}) as (agent, _, _, _),
    ):
        assert agent.application_environment["HTTP_PROXY"] == f"http://127.0.0.1:{port}"
        assert get(port, f"http://localhost:{outside.port}/a")[1] == b"app GET /a"
        tunnel = http.client.HTTPSConnection("127.0.0.1", port, context=trusting(authority))
        tunnel.set_tunnel("localhost", secure.port)
        tunnel.request("GET", "/b")
        assert tunnel.getresponse().read() == b"app GET /b"
        tunnel.close()


def test_on_stop_requests_under_way_finish_and_listeners_close(tmp_path: Path, envoy_program: Path) -> None:
    with proxied(tmp_path, envoy_program, {"drain": {"seconds": 3}}) as (agent, process, _, listener):
        slow: list[bytes] = []
        under_way = threading.Thread(target=lambda: slow.append(get(listener, "/slow")[1]))
        under_way.start()
        time.sleep(0.3)
        with subprocess.Popen(agent.container["lifecycle"]["preStop"]["exec"]["command"]) as hook:
            assert eventually(lambda: get(listener, "/b")[0].getheader("connection") == "close", 2.5)
            under_way.join()
            probe = agent.container["readinessProbe"]["httpGet"]
            assert answers(f"http://127.0.0.1:{probe['port']}{probe['path']}")
            assert hook.wait(10) == 0
        assert slow == [b"app GET /slow"]
        assert eventually(lambda: not answers(f"http://127.0.0.1:{listener}/c"), 5)
        assert process.process.poll() is None
