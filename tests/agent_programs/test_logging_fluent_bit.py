"""The logging agent with its default engine, run by the real Fluent Bit that the environment variable FLUENT_BIT names."""

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
from tests.agent_programs.pods import TOKEN, Agent, Secrets, lay_out
from tests.agent_programs.processes import check, eventually, free_ports, running
from tests.agent_programs.receivers import http_server, tcp_server

pytestmark = pytest.mark.fluent_bit

HTTP_TYPES = ("http", "elasticsearch", "opensearch", "loki", "otlp")
HEADER_TYPES = ("http", "loki", "otlp")
LOGIN = {"user": "shop", "password": "${TOKEN}"}


def login(type_: str) -> dict[str, Any]:
    """Return what an output of a type takes to authenticate the agent."""
    return {**LOGIN, "headers": {"X-Token": "Bearer ${TOKEN}"}} if type_ in HEADER_TYPES else LOGIN


OUTPUTS: list[dict[str, Any]] = [
    {"type": "stdout"},
    *({"type": type_, "host": "logs", "tls": tls} for type_ in ("forward", *HTTP_TYPES) for tls in TLS),
    *({"type": type_, "host": "logs", "port": 4000, "path": "/path", **login(type_)} for type_ in HTTP_TYPES),
    {"type": "elasticsearch", "host": "es", "index": "shop"},
    {"type": "loki", "host": "loki", "labels": {"app": "shop", "team": "red"}},
]
PATHS = {
    "http": "/",
    "elasticsearch": "/_bulk",
    "opensearch": "/_bulk",
    "loki": "/loki/api/v1/push",
    "otlp": "/v1/logs",
}


@pytest.fixture
def secrets(authority_file: bytes) -> dict[str, dict[str, bytes]]:
    return {"ca": {"ca.crt": authority_file}, "token": {"token": b"s3cr3t"}}


def logging(
    folder: Path,
    program: Path,
    values: Mapping[str, Any],
    secrets: Secrets,
    platform: str = "kubernetes",
) -> Agent:
    values = {"extraEnv": [TOKEN], "probes": {"port": free_ports(1)[0]}, **values}
    return lay_out(folder, "logging", values, program, platform=platform, secrets=secrets)


@pytest.mark.parametrize(("output", "platform", "source"), combinations(OUTPUTS))
def test_fluent_bit_takes_every_output_from_every_source(
    output: dict[str, Any], platform: str, source: dict[str, Any], tmp_path: Path, fluent_bit: Path, secrets: dict[str, Any]
) -> None:
    check(logging(tmp_path, fluent_bit, {"output": output, **source}, secrets, platform), "--dry-run")


@pytest.mark.parametrize("values", [*OTHERS, {"extraArgs": ["--quiet"]}], ids=json.dumps)
def test_fluent_bit_takes_every_other_value(
    values: dict[str, Any], tmp_path: Path, fluent_bit: Path, secrets: dict[str, Any]
) -> None:
    check(logging(tmp_path, fluent_bit, values, secrets), "--dry-run")


def test_fluent_bit_takes_kafka_or_is_built_without_it(tmp_path: Path, fluent_bit: Path, secrets: Secrets) -> None:
    """A build without the output says that the plugin does not exist, and has nothing else against the configuration."""
    output = {"type": "kafka", "brokers": ["kafka-0:9092", "kafka-1:9092"], "topic": "shop"}
    agent = logging(tmp_path, fluent_bit, {"output": output}, secrets)
    done = subprocess.run((fluent_bit, "--help"), capture_output=True, text=True, check=True)
    if re.search(r"^ +kafka ", done.stdout.partition("Outputs")[2], re.MULTILINE):
        check(agent, "--dry-run")
        return
    with pytest.raises(AssertionError, match="section 'kafka' tried to instance a plugin name that doesn't exist") as refused:
        check(agent, "--dry-run")
    errors = [line for line in str(refused.value).splitlines() if "[error]" in line]
    assert len([line for line in errors if "contains errors, aborting" not in line]) == 1


def test_the_image_names_the_version_that_is_proven_here(tmp_path: Path, fluent_bit: Path, secrets: dict[str, Any]) -> None:
    done = subprocess.run((fluent_bit, "--version"), capture_output=True, text=True, check=True)
    assert f"v{logging(tmp_path, fluent_bit, {}, secrets).version}" in done.stdout


@pytest.mark.parametrize("type_", HTTP_TYPES)
def test_a_line_reaches_a_receiver_over_http(type_: str, tmp_path: Path, fluent_bit: Path, secrets: dict[str, Any]) -> None:
    answer = b'{"took": 1, "errors": false, "items": []}' if "search" in type_ else b"{}"
    with http_server(lambda _: answer) as receiver:
        output = {"type": type_, "host": "127.0.0.1", "port": receiver.port, **login(type_)}
        agent = logging(tmp_path, fluent_bit, {"output": output, "fields": {"team": "red"}}, secrets)
        with running(agent) as process:
            agent.path("/var/log/app/a.log").write_text("hello\n")
            request = eventually(lambda: receiver.received(b"hello"))
            assert process.stop() == 0
    assert request is not None
    assert sum(b"hello" in request.body for request in receiver.requests) == 1, "taken, and not sent again"
    assert request.path.partition("?")[0] == PATHS[type_]
    assert request.headers["authorization"] == "Basic c2hvcDpzM2NyM3Q="
    assert request.headers.get("x-token") == (None if "search" in type_ else "Bearer s3cr3t")
    for part in (b"shop-7d4f", b"prod", b"node-1", b"10.0.0.9", b"Deployment", b"red"):
        assert part in request.body


def test_a_line_reaches_a_forward_receiver(tmp_path: Path, fluent_bit: Path, secrets: dict[str, Any]) -> None:
    with tcp_server() as receiver:
        output = {"type": "forward", "host": "127.0.0.1", "port": receiver.port}
        agent = logging(tmp_path, fluent_bit, {"output": output, "configuration": "configMap"}, secrets)
        with running(agent) as process:
            agent.path("/var/log/app/a.log").write_text("hello\n")
            assert eventually(lambda: receiver.received(b"hello", b"shop-7d4f"))
            assert process.stop() == 0


@pytest.mark.parametrize("type_", ["forward", *HTTP_TYPES])
@pytest.mark.parametrize(
    ("tls", "is_sent"), [({"caSecret": "ca"}, True), ({"verify": False}, True), ({}, False)], ids=json.dumps
)
def test_a_line_is_sent_by_tls_only_to_whom_is_trusted(
    type_: str,
    tls: dict[str, Any],
    is_sent: bool,
    tmp_path: Path,
    fluent_bit: Path,
    secrets: Secrets,
    server_tls: ssl.SSLContext,
) -> None:
    receiving = tcp_server(server_tls) if type_ == "forward" else http_server(tls=server_tls)
    with receiving as receiver:
        output = {"type": type_, "host": "localhost", "port": receiver.port, "tls": {"enabled": True, **tls}}
        agent = logging(tmp_path, fluent_bit, {"output": output, "shutdownSeconds": 1}, secrets)
        with running(agent) as process:
            agent.path("/var/log/app/a.log").write_text("hello\n")
            assert eventually(lambda: receiver.received(b"hello") or receiver.refusals)
            assert process.stop() == 0
        assert (receiver.received(b"hello") is not None) is is_sent


def test_json_lines_become_fields_and_go_to_standard_output(tmp_path: Path, fluent_bit: Path, secrets: dict[str, Any]) -> None:
    agent = logging(tmp_path, fluent_bit, {"sources": JSON}, secrets)
    agent.path("/var/log/app/a.log").write_text('{"message":"hello","n":1}\n')
    with running(agent) as process:
        assert eventually(lambda: "hello" in process.output.read_text())
        assert process.stop() == 0
    record = json.loads(next(line for line in process.output.read_text().splitlines() if "hello" in line))
    assert (record["message"], record["n"], record["pod"]) == ("hello", 1, "shop-7d4f")


@pytest.mark.parametrize(("platform", "stdout"), STDOUT)
def test_standard_output_is_read_from_the_volume_of_a_platform(
    platform: str, stdout: dict[str, Any], tmp_path: Path, fluent_bit: Path, secrets: Secrets
) -> None:
    with http_server() as receiver:
        output = {"type": "http", "host": "127.0.0.1", "port": receiver.port}
        agent = logging(tmp_path, fluent_bit, {"output": output, "stdout": stdout}, secrets, platform)
        write_stdout(agent)
        with running(agent) as process:
            assert eventually(lambda: receiver.received(b"from app"))
            assert process.stop() == 0
    records = [record for request in receiver.requests for record in json.loads(request.body)]
    logs = [record.get("log", "").strip() for record in records]
    assert "from logging" not in logs
    assert not any("stdout F" in log for log in logs)
    assert ("\n".join(FAILED) in logs) is ("multiline" in stdout)
    assert any("message" in record for record in records) is ("format" in stdout)
    assert {(record.get("kind"), record.get("tag")) for record in records} == {
        (stdout.get("fields", {}).get("kind"), stdout.get("tag"))
    }


def test_a_line_is_not_lost_while_the_receiver_is_away(tmp_path: Path, fluent_bit: Path, secrets: Secrets) -> None:
    """What waits on disk at the end is sent after the next start, as when a container is restarted in its pod."""
    (port,) = free_ports(1)
    output = {"type": "http", "host": "127.0.0.1", "port": port}
    agent = logging(tmp_path, fluent_bit, {"output": output, "shutdownSeconds": 1}, secrets)
    with running(agent) as process:
        agent.path("/var/log/app/a.log").write_text("written early\n")
        assert eventually(lambda: "failed to flush" in process.errors.read_text() or "retry" in process.errors.read_text())
        assert process.stop() == 0
    with http_server(port=port) as receiver, running(agent) as process:
        assert eventually(lambda: receiver.received(b"written early"))
        assert process.stop() == 0


def test_a_line_written_just_before_the_end_is_sent(tmp_path: Path, fluent_bit: Path, secrets: dict[str, Any]) -> None:
    with http_server() as receiver:
        agent = logging(tmp_path, fluent_bit, {"output": {"type": "http", "host": "127.0.0.1", "port": receiver.port}}, secrets)
        with running(agent) as process:
            agent.path("/var/log/app/a.log").write_text("first\n")
            assert eventually(lambda: receiver.received(b"first"))
            with agent.path("/var/log/app/a.log").open("a") as log:
                log.write("last\n")
            eventually(lambda: False, 0.3)
            assert process.stop() == 0
        assert receiver.received(b"last")


def test_no_line_is_lost_when_the_receiver_is_away_longer_than_the_buffer_lasts(
    tmp_path: Path, fluent_bit: Path, secrets: Secrets
) -> None:
    probe, port = free_ports(2)
    output = {"type": "loki", "host": "127.0.0.1", "port": port}
    values = {"output": output, "probes": {"port": probe}, "buffer": {"diskMegabytes": 8}, "logLevel": "error"}
    assert len(lines_through_an_outage(logging(tmp_path, fluent_bit, values, secrets), port)) == 40_000


def test_lines_of_each_format_become_the_records_that_multiline_names(
    tmp_path: Path, fluent_bit: Path, secrets: Secrets
) -> None:
    files = list(log_files())
    agent = logging(tmp_path, fluent_bit, {"sources": [file.source for file in files]}, secrets)
    expected = {(file.path, unspaced(record)) for file in files for record in file.records}
    parsed = {(file.path, as_json(record)["message"]) for file in files for record in file.parsed}
    with running(agent) as process:
        write(files, agent.path)

        def records() -> list[dict[str, Any]]:
            return [json.loads(line) for line in process.output.read_text().splitlines() if line.startswith("{")]

        def arrived() -> set[tuple[str, str]]:
            return {
                (record["file"].removeprefix(str(agent.folder)), unspaced(record.get("log", record.get("message", ""))))
                for record in records()
            }

        eventually(lambda: expected | parsed <= arrived(), 10)
        assert arrived() == expected | parsed
        assert process.stop() == 0
    assert len(records()) == len(expected | parsed)


def test_a_source_gives_its_records_a_tag_and_fields_of_its_own(tmp_path: Path, fluent_bit: Path, secrets: Secrets) -> None:
    agent = logging(tmp_path, fluent_bit, {"sources": TAGGED, "fields": {"team": "blue", "region": "cn"}}, secrets)
    with running(agent) as process:
        write_tagged(agent)

        def records() -> dict[str, dict[str, str]]:
            lines = [json.loads(line) for line in process.output.read_text().splitlines() if line.startswith("{")]
            names = ("team", "region", "tag", "kind")
            return {line["log"].removeprefix("from "): {key: line[key] for key in names if key in line} for line in lines}

        assert eventually(lambda: len(records()) == 3)
        assert process.stop() == 0
    assert records() == {
        "/var/log/app/a.log": {"team": "red", "region": "cn"},
        "/var/log/app/audit/x": {"team": "blue", "region": "cn", "tag": "audit", "kind": "audit"},
        "/srv/log/b.log": {"team": "blue", "region": "cn"},
    }


def test_a_tag_is_that_of_the_forward_protocol(tmp_path: Path, fluent_bit: Path, secrets: Secrets) -> None:
    with tcp_server() as receiver:
        output = {"type": "forward", "host": "127.0.0.1", "port": receiver.port}
        sources = [{"path": "/var/log/app/*.log", "tag": "shop.orders"}]
        agent = logging(tmp_path, fluent_bit, {"output": output, "sources": sources}, secrets)
        with running(agent) as process:
            agent.path("/var/log/app/a.log").write_text("hello\n")
            assert eventually(lambda: receiver.received(b"hello", b"\xabshop.orders"))
            assert process.stop() == 0
