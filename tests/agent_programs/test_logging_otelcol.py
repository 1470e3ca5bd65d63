"""The logging agent with `engine: otel-collector`, run by the real OpenTelemetry Collector."""

import base64
import json
import re
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.agent_programs.log_texts import as_json, log_files, unspaced, write
from tests.agent_programs.logging_agent import (
    FAILED,
    JSON,
    OTHERS,
    STDOUT,
    TAGGED,
    TLS,
    combinations,
    lines_through_an_outage,
    write_stdout,
    write_tagged,
)
from tests.agent_programs.pods import SECRETS, TOKEN, Agent, Secrets, lay_out
from tests.agent_programs.processes import check, eventually, free_ports, running
from tests.agent_programs.receivers import http_server

OUTPUTS: list[dict[str, Any]] = [
    {"type": "stdout"},
    *({"type": type_, "host": "logs.example.com", "tls": tls} for type_ in ("loki", "otlp") for tls in TLS),
    {"type": "otlp", "host": "10.0.0.1", "port": 4000, "path": "/logs", "headers": {"Authorization": "Bearer ${TOKEN}"}},
    {"type": "otlp", "host": "10.0.0.1", "user": "shop", "password": "${TOKEN}"},
    *({"type": "kafka", "brokers": ["kafka-0:9092", "kafka-1:9092"], "tls": tls} for tls in TLS),
    {"type": "kafka", "brokers": ["kafka:9092"], "user": "shop", "password": "${TOKEN}", "mechanism": "SCRAM-SHA-512"},
    {"type": "sls", "host": "sls.example.com", "project": "shop", "logstore": "app", "password": "${TOKEN}"},
    {"type": "loki", "host": "loki", "path": "/otlp/v1/logs", "labels": {"app": "shop", "team": "a b"}},
]
EXTRA_ARGUMENTS = {"extraArgs": ["--set=service::telemetry::logs::encoding=json"]}


def logging(
    folder: Path, otelcol: Path, values: Mapping[str, Any], platform: str = "kubernetes", secrets: Secrets = SECRETS
) -> Agent:
    values = {"engine": "otel-collector", "extraEnv": [TOKEN], **values}
    return lay_out(folder, "logging", values, otelcol, platform=platform, secrets=secrets)


@pytest.mark.parametrize(("output", "platform", "source"), combinations(OUTPUTS))
def test_the_collector_takes_every_output_from_every_source(
    output: dict[str, Any], platform: str, source: dict[str, Any], tmp_path: Path, otelcol: Path
) -> None:
    check_it(logging(tmp_path, otelcol, {"output": output, **source}, platform))


@pytest.mark.parametrize("values", [*OTHERS, EXTRA_ARGUMENTS], ids=json.dumps)
def test_the_collector_takes_every_other_value(values: dict[str, Any], tmp_path: Path, otelcol: Path) -> None:
    check_it(logging(tmp_path, otelcol, {"output": OUTPUTS[1], **values}))


def check_it(agent: Agent) -> None:
    check(agent, "validate", *agent.command[1:], instead_of_its_own=True)


def test_the_image_names_the_version_that_is_proven_here(tmp_path: Path, otelcol: Path) -> None:
    done = subprocess.run((otelcol, "--version"), capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["otelcol", "version", logging(tmp_path, otelcol, {}).version]


@pytest.mark.parametrize(("type_", "path"), [("otlp", "/v1/logs"), ("loki", "/otlp/v1/logs")])
@pytest.mark.parametrize("configuration", ["inline", "configMap"])
def test_a_line_reaches_the_receiver_with_the_pods_metadata(
    type_: str, path: str, configuration: str, tmp_path: Path, otelcol: Path
) -> None:
    with http_server() as receiver:
        output = {"type": type_, "host": "127.0.0.1", "port": receiver.port, "headers": {"X-Token": "Bearer ${TOKEN}"}}
        values = {
            "configuration": configuration,
            "output": output,
            "fields": {"team": "red"},
            "probes": {"port": free_ports(1)[0]},
        }
        agent = logging(tmp_path, otelcol, values)
        with running(agent) as process:
            agent.path("/var/log/app/a.log").write_text("hello\n")
            request = eventually(lambda: receiver.received(b"hello"))
            assert process.stop() == 0
    assert request is not None
    assert request.path == path
    assert request.headers["x-token"] == "Bearer s3cr3t"
    for part in (
        b"k8s.pod.name",
        b"shop-7d4f",
        b"prod",
        b"node-1",
        b"10.0.0.9",
        b"service.name",
        b"Deployment",
        b"team",
        b"red",
    ):
        assert part in request.body


@pytest.mark.parametrize("type_", ["otlp", "loki"])
def test_a_user_is_said_by_basic_authentication(type_: str, tmp_path: Path, otelcol: Path) -> None:
    with http_server() as receiver:
        output = {"type": type_, "host": "127.0.0.1", "port": receiver.port, "user": "shop", "password": "${TOKEN}"}
        agent = logging(tmp_path, otelcol, {"output": output, "probes": {"port": free_ports(1)[0]}})
        with running(agent) as process:
            agent.path("/var/log/app/a.log").write_text("hello\n")
            request = eventually(lambda: receiver.received(b"hello"))
            assert process.stop() == 0
    assert request is not None
    assert request.headers["authorization"] == f"Basic {base64.b64encode(b'shop:s3cr3t').decode()}"


@pytest.mark.parametrize("type_", ["otlp", "loki"])
@pytest.mark.parametrize(
    ("tls", "is_sent"), [({"caSecret": "ca"}, True), ({"verify": False}, True), ({}, False)], ids=json.dumps
)
def test_a_line_is_sent_by_tls_only_to_whom_is_trusted(
    type_: str,
    tls: dict[str, Any],
    is_sent: bool,
    tmp_path: Path,
    otelcol: Path,
    server_tls: ssl.SSLContext,
    authority_file: bytes,
) -> None:
    with http_server(tls=server_tls) as receiver:
        output = {"type": type_, "host": "localhost", "port": receiver.port, "tls": {"enabled": True, **tls}}
        values = {"output": output, "probes": {"port": free_ports(1)[0]}}
        agent = logging(tmp_path, otelcol, values, secrets={**SECRETS, "ca": {"ca.crt": authority_file}})
        with running(agent) as process:
            agent.path("/var/log/app/a.log").write_text("hello\n")
            assert eventually(lambda: receiver.received(b"hello") or receiver.refusals)
            assert process.stop() == 0
        assert (receiver.received(b"hello") is not None) is is_sent


def test_json_lines_become_fields_and_go_to_standard_output(tmp_path: Path, otelcol: Path) -> None:
    agent = logging(tmp_path, otelcol, {"sources": JSON, "probes": {"port": free_ports(1)[0]}})
    agent.path("/var/log/app/a.log").write_text('{"message":"hello","n":1}\nno JSON\n')
    with running(agent) as process:
        assert eventually(lambda: "no JSON" in process.output.read_text())
        assert process.stop() == 0
    assert "message: Str(hello)" in process.output.read_text()


@pytest.mark.parametrize(("platform", "stdout"), STDOUT)
def test_standard_output_is_read_from_the_volume_of_a_platform(
    platform: str, stdout: dict[str, Any], tmp_path: Path, otelcol: Path
) -> None:
    with http_server() as receiver:
        output = {"type": "otlp", "host": "127.0.0.1", "port": receiver.port}
        values = {"output": output, "stdout": stdout, "probes": {"port": free_ports(1)[0]}}
        agent = logging(tmp_path, otelcol, values, platform)
        write_stdout(agent)
        with running(agent) as process:
            assert eventually(lambda: receiver.received(b"from app"))
            assert process.stop() == 0
        assert not receiver.received(b"from logging")
        assert not receiver.received(b"stdout F")
        assert (receiver.received("\n".join(FAILED).encode()) is not None) is ("multiline" in stdout)
        assert (receiver.received(b"\x07message") is not None) is ("format" in stdout)
        assert (receiver.received(b"\x04kind", b"\x03tag") is not None) is ("fields" in stdout)


def test_a_line_is_not_lost_while_the_receiver_is_away(tmp_path: Path, otelcol: Path) -> None:
    probe, port = free_ports(2)
    output = {"type": "otlp", "host": "127.0.0.1", "port": port}
    agent = logging(tmp_path, otelcol, {"output": output, "probes": {"port": probe}, "logLevel": "info"})
    with running(agent) as process:
        agent.path("/var/log/app/a.log").write_text("written early\n")
        assert eventually(lambda: "Exporting failed. Will retry" in process.errors.read_text())
        assert process.stop() == 0
    with http_server(port=port) as receiver, running(agent) as process:
        assert eventually(lambda: receiver.received(b"written early"))
        assert process.stop() == 0


def test_no_line_is_lost_when_the_receiver_is_away_longer_than_the_buffer_lasts(tmp_path: Path, otelcol: Path) -> None:
    probe, port = free_ports(2)
    output = {"type": "loki", "host": "127.0.0.1", "port": port}
    values = {"output": output, "probes": {"port": probe}, "buffer": {"diskMegabytes": 8}, "logLevel": "error"}
    assert len(lines_through_an_outage(logging(tmp_path, otelcol, values), port)) == 40_000


RECORD = re.compile(r"^Body: Str\((?P<body>.*?)\)\nAttributes:$(?P<attributes>.*?)^Trace ID:", re.DOTALL | re.MULTILINE)


def test_lines_of_each_format_become_the_records_that_multiline_names(tmp_path: Path, otelcol: Path) -> None:
    files = list(log_files())
    values = {"sources": [file.source for file in files], "probes": {"port": free_ports(1)[0]}}
    agent = logging(tmp_path, otelcol, values)
    expected = {(file.path, unspaced(record)) for file in files for record in file.records | file.parsed}
    with running(agent) as process:
        write(files, agent.path)

        def arrived() -> set[tuple[str, str]]:
            return {(path_of(found["attributes"]), unspaced(found["body"])) for found in records()}

        def path_of(attributes: str) -> str:
            found = re.search(r"log\.file\.path: Str\((.*)\)", attributes)
            assert found
            return found[1].removeprefix(str(agent.folder))

        def records() -> list[re.Match[str]]:
            return list(RECORD.finditer(process.output.read_text()))

        eventually(lambda: expected <= arrived(), 10)
        assert arrived() == expected
        assert process.stop() == 0
    assert len(records()) == len(expected)
    parsed = {record: f"message: Str({as_json(record)['message']})" for file in files for record in file.parsed}
    assert all(parsed[found["body"]] in found["attributes"] for found in records() if found["body"] in parsed)
    assert "sidecar-plugin.stream" not in process.output.read_text()


def test_a_source_gives_its_records_a_tag_and_fields_of_its_own(tmp_path: Path, otelcol: Path) -> None:
    values = {"sources": TAGGED, "fields": {"team": "blue", "region": "cn"}, "probes": {"port": free_ports(1)[0]}}
    agent = logging(tmp_path, otelcol, values)
    with running(agent) as process:
        write_tagged(agent)

        def resources() -> dict[str, dict[str, str]]:
            parts = process.output.read_text().split("Resource attributes:")[1:]
            found = [(re.search(r"Body: Str\(from (.*)\)", part), part) for part in parts]
            fields = r"^ +-> (team|region|tag|kind): Str\((.*)\)$"
            return {body[1]: dict(re.findall(fields, part, re.MULTILINE)) for body, part in found if body}

        assert eventually(lambda: len(resources()) == 3)
        assert process.stop() == 0
    assert resources() == {
        "/var/log/app/a.log": {"team": "red", "region": "cn"},
        "/var/log/app/audit/x": {"team": "blue", "region": "cn", "tag": "audit", "kind": "audit"},
        "/srv/log/b.log": {"team": "blue", "region": "cn"},
    }
