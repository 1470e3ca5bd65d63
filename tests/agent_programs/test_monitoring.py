"""The monitoring agent, run by the real OpenTelemetry Collector."""

import itertools
import json
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.agent_programs.pods import SECRETS, TOKEN, Agent, Secrets, lay_out
from tests.agent_programs.processes import check, eventually, free_ports, running
from tests.agent_programs.receivers import Request, http_server

HEADERS = {"X-Token": "Bearer ${TOKEN}"}
TIME = str(time.time_ns())
SENT: dict[str, dict[str, Any]] = {
    "traces": {
        "resourceSpans": [
            {
                "scopeSpans": [
                    {
                        "spans": [
                            {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "shop_paid"}
                        ]
                    }
                ]
            }
        ]
    },
    "metrics": {
        "resourceMetrics": [
            {
                "scopeMetrics": [
                    {"metrics": [{"name": "shop_paid", "gauge": {"dataPoints": [{"timeUnixNano": TIME, "asInt": "7"}]}}]}
                ]
            }
        ]
    },
    "logs": {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "shop_paid"}}]}]}]},
}
"""What an application sends, as OTLP's JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding"""
METADATA = (b"shop-7d4f", b"prod", b"node-1", b"10.0.0.9", b"Deployment", b"red")

EXPORTS: list[dict[str, Any]] = [
    {"type": "debug"},
    {"type": "otlp", "endpoint": "otel:4317", "tls": {"enabled": False}},
    {"type": "otlp", "endpoint": "otel:4317", "headers": HEADERS},
    {"type": "otlp", "endpoint": "otel:4317", "tls": {"verify": False}},
    {"type": "otlp", "endpoint": "otel:4317", "tls": {"caSecret": "ca"}},
    *(
        {"type": type_, "endpoint": f"{scheme}://otel:4318/path", "headers": HEADERS, "tls": tls}
        for type_ in ("otlphttp", "prometheusremotewrite")
        for scheme, tls in (("http", {}), ("https", {}), ("https", {"verify": False}), ("https", {"caSecret": "ca"}))
    ),
]
COLLECTED: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({}, {}),
    ({"otlp": {"enabled": False}}, {}),
    ({"scrape": {"enabled": False}}, {}),
    ({"scrape": {"portNames": ["http", "metrics"], "intervalSeconds": 5}}, {}),
    ({}, {"prometheus.io/scrape": "false"}),
    (
        {},
        {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": "9",
            "prometheus.io/path": "/m",
            "prometheus.io/scheme": "https",
        },
    ),
]
OTHERS: list[dict[str, Any]] = [
    *({"logLevel": level} for level in ("error", "warn", "info", "debug")),
    {"configuration": "configMap"},
    {"otlp": {"grpcPort": 5317, "httpPort": 5318, "setEnv": False}},
    {"fields": {"team": "shop", "quoted": 'a "b": c'}},
    {"extraArgs": ["--set=service::telemetry::logs::encoding=json"]},
]


def monitoring(
    folder: Path,
    otelcol: Path,
    values: Mapping[str, Any],
    application: int = 9090,
    secrets: Secrets = SECRETS,
    **annotations: str,
) -> Agent:
    values = {"extraEnv": [TOKEN], **values}
    ports = {"http": 8080, "metrics": application}
    named = {f"prometheus.io/{key}": text for key, text in annotations.items()}
    return lay_out(folder, "monitoring", values, otelcol, ports=ports, annotations=named, secrets=secrets)


def at_free_ports() -> dict[str, Any]:
    probe, grpc, http = free_ports(3)
    return {"probes": {"port": probe}, "otlp": {"grpcPort": grpc, "httpPort": http}, "scrape": {"intervalSeconds": 1}}


def check_it(agent: Agent) -> None:
    check(agent, "validate", *agent.command[1:], instead_of_its_own=True)


def orders(_: Request) -> bytes:
    return b"# TYPE shop_orders_total counter\nshop_orders_total 7\n"


def send(agent: Agent, signal: str) -> None:
    """Send something to the address that the application was told."""
    url = f"{agent.application_environment['OTEL_EXPORTER_OTLP_ENDPOINT']}/v1/{signal}"
    request = urllib.request.Request(url, json.dumps(SENT[signal]).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("export", "values", "annotations"), [(export, *what) for export, what in itertools.product(EXPORTS, COLLECTED)]
)
def test_the_collector_takes_every_export_of_everything_collected(
    export: dict[str, Any], values: dict[str, Any], annotations: dict[str, str], tmp_path: Path, otelcol: Path
) -> None:
    named = {key.removeprefix("prometheus.io/"): text for key, text in annotations.items()}
    check_it(monitoring(tmp_path, otelcol, {"export": export, **values}, **named))


@pytest.mark.parametrize("values", OTHERS, ids=json.dumps)
def test_the_collector_takes_every_other_value(values: dict[str, Any], tmp_path: Path, otelcol: Path) -> None:
    check_it(monitoring(tmp_path, otelcol, values))


def test_the_image_names_the_version_that_is_proven_here(tmp_path: Path, otelcol: Path) -> None:
    done = subprocess.run((otelcol, "--version"), capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["otelcol", "version", monitoring(tmp_path, otelcol, {}).version]


@pytest.mark.parametrize(("type_", "path"), [("otlphttp", "/v1/metrics"), ("prometheusremotewrite", "/write")])
@pytest.mark.parametrize("configuration", ["inline", "configMap"])
def test_a_scraped_metric_reaches_the_receiver_with_the_pods_metadata(
    type_: str, path: str, configuration: str, tmp_path: Path, otelcol: Path
) -> None:
    with http_server(orders, content_type="text/plain") as application, http_server() as receiver:
        endpoint = f"http://127.0.0.1:{receiver.port}" + ("/write" if path == "/write" else "")
        export = {"type": type_, "endpoint": endpoint, "headers": HEADERS}
        values = {**at_free_ports(), "configuration": configuration, "export": export, "fields": {"team": "red"}}
        agent = monitoring(tmp_path, otelcol, values, application.port)
        with running(agent) as process:
            request = eventually(lambda: receiver.received(b"shop_orders"))
            assert process.stop() == 0
    assert application.requests[0].path == "/metrics"
    assert request is not None
    assert (request.path, request.headers["x-token"]) == (path, "Bearer s3cr3t")
    assert [part for part in METADATA if part not in request.body] == []


def test_the_annotations_say_what_is_scraped(tmp_path: Path, otelcol: Path) -> None:
    """The application does not say that it answers with metrics."""
    with http_server(orders, content_type="application/octet-stream") as application:
        annotations = {"scrape": "true", "port": str(application.port), "path": "/internal/metrics"}
        values = {**at_free_ports(), "extraArgs": ["--set=exporters::debug::verbosity=detailed"]}
        with running(monitoring(tmp_path, otelcol, values, **annotations)) as process:
            assert eventually(lambda: "shop_orders" in process.output.read_text())
            assert process.stop() == 0
    assert application.requests[0].path == "/internal/metrics"


@pytest.mark.parametrize(
    ("type_", "signal", "path"),
    [
        ("otlphttp", "traces", "/v1/traces"),
        ("otlphttp", "metrics", "/v1/metrics"),
        ("otlphttp", "logs", "/v1/logs"),
        ("prometheusremotewrite", "metrics", "/write"),
    ],
)
def test_what_the_application_sends_reaches_the_receiver(
    type_: str, signal: str, path: str, tmp_path: Path, otelcol: Path
) -> None:
    with http_server() as receiver:
        endpoint = f"http://127.0.0.1:{receiver.port}" + ("/write" if path == "/write" else "")
        export = {"type": type_, "endpoint": endpoint}
        agent = monitoring(tmp_path, otelcol, {**at_free_ports(), "export": export, "fields": {"team": "red"}})
        with running(agent) as process:
            send(agent, signal)
            assert process.stop() == 0
    request = receiver.received(b"shop_paid", *METADATA)
    assert request is not None
    assert request.path == path


@pytest.mark.parametrize("type_", ["otlphttp", "prometheusremotewrite"])
@pytest.mark.parametrize(
    ("tls", "is_sent"), [({"caSecret": "ca"}, True), ({"verify": False}, True), ({}, False)], ids=json.dumps
)
def test_a_metric_is_sent_by_tls_only_to_whom_is_trusted(
    type_: str,
    tls: dict[str, Any],
    is_sent: bool,
    tmp_path: Path,
    otelcol: Path,
    server_tls: ssl.SSLContext,
    authority_file: bytes,
) -> None:
    with http_server(tls=server_tls) as receiver:
        export = {"type": type_, "endpoint": f"https://localhost:{receiver.port}/write", "tls": tls}
        secrets = {**SECRETS, "ca": {"ca.crt": authority_file}}
        agent = monitoring(tmp_path, otelcol, {**at_free_ports(), "export": export}, secrets=secrets)
        with running(agent) as process:
            send(agent, "metrics")
            assert eventually(lambda: receiver.received(b"shop_paid") or receiver.refusals)
            if is_sent or type_ == "otlphttp":  # remote write goes on trying
                assert process.stop() == 0
        assert (receiver.received(b"shop_paid") is not None) is is_sent


@pytest.mark.parametrize(
    ("tls", "is_sent"), [({"enabled": False}, True), ({"caSecret": "ca"}, True), ({}, False)], ids=json.dumps
)
def test_a_span_goes_on_over_grpc(
    tls: dict[str, Any], is_sent: bool, tmp_path: Path, otelcol: Path, authority: trustme.CA, authority_file: bytes
) -> None:
    """The receiver is a second agent, which prints what it gets."""
    listening: dict[str, Any] = at_free_ports()
    if tls.get("enabled", True):
        certificate = tmp_path / "certificate.pem"
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
        name = "--set=receivers::otlp::protocols::grpc::tls::"
        listening["extraArgs"] = [f"{name}cert_file={certificate}", f"{name}key_file={certificate}"]
    receiver = monitoring(tmp_path / "receiver", otelcol, listening)
    export = {"type": "otlp", "endpoint": f"localhost:{listening['otlp']['grpcPort']}", "tls": tls}
    secrets = {**SECRETS, "ca": {"ca.crt": authority_file}}
    values = {**at_free_ports(), "export": export, "logLevel": "info"}
    sender = monitoring(tmp_path / "sender", otelcol, values, secrets=secrets)
    with running(receiver) as received, running(sender) as process:
        send(sender, "traces")
        assert eventually(lambda: "Traces" in received.output.read_text() or "certificate" in process.errors.read_text())
        assert process.stop() == 0
        assert received.stop() == 0
    assert ("Traces" in received.output.read_text()) is is_sent


@pytest.mark.parametrize(
    "export",
    [
        {"type": "otlp", "endpoint": "127.0.0.1:9", "tls": {"enabled": False}},
        {"type": "otlphttp", "endpoint": "http://127.0.0.1:9"},
    ],
    ids=lambda export: export["type"],
)
def test_it_ends_within_its_grace_while_the_receiver_is_away(export: dict[str, Any], tmp_path: Path, otelcol: Path) -> None:
    with http_server(orders) as application:
        agent = monitoring(tmp_path, otelcol, {**at_free_ports(), "export": export}, application.port)
        with running(agent) as process:
            assert eventually(lambda: len(application.requests) > 2)
            assert process.stop() == 0


def test_remote_write_goes_on_trying_to_the_end_of_the_grace(tmp_path: Path, otelcol: Path) -> None:
    """The price of losing no scrape: the exporter has one time for all tries, and no end of them at SIGTERM."""
    export = {"type": "prometheusremotewrite", "endpoint": "http://127.0.0.1:9/write"}
    with http_server(orders) as application:
        agent = monitoring(tmp_path, otelcol, {**at_free_ports(), "export": export}, application.port)
        with running(agent) as process:
            assert eventually(lambda: len(application.requests) > 2)
            process.process.terminate()
            with pytest.raises(subprocess.TimeoutExpired):
                process.process.wait(5)
