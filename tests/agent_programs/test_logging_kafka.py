"""The logging agent and a real broker of Apache Kafka: TLS, users, the log service's protocol, an outage. Each engine in each.

The log service (SLS) speaks Kafka's protocol: here the broker takes its place.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.agent_programs.conftest import TOOLS
from tests.agent_programs.kafka_broker import ENDPOINT, MECHANISMS, PASSWORD, PROJECT, USER, Broker, kafka_broker
from tests.agent_programs.pods import Agent, lay_out
from tests.agent_programs.processes import eventually, free_ports, running

pytestmark = pytest.mark.kafka

ENGINES = ["otel-collector", pytest.param("fluent-bit", marks=pytest.mark.fluent_bit)]
SECRET = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "kafka", "key": "password"}}}
LOGIN = {"user": USER, "password": "${PASSWORD}"}
CA = {"enabled": True, "caSecret": "ca"}
RECEIVERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "tls": {"tls": CA},
    "tls, unverified": {"tls": {"enabled": True, "verify": False}},
    **{f"tls, {mechanism}": {"tls": CA, "mechanism": mechanism, **LOGIN} for mechanism in MECHANISMS},
    "user without tls": LOGIN,
}
REFUSED: dict[str, dict[str, Any]] = {
    "an authority that is not trusted": {"tls": {"enabled": True}, **LOGIN},
    "a wrong password": {"tls": CA, "user": USER, "password": "wrong"},
}


@pytest.fixture(scope="module")
def programs() -> Path:
    path = TOOLS / "kafka"
    if not path.exists():
        pytest.fail(f"{path} is missing: run tools/kafka/install", pytrace=False)
    return path


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, programs: Path, authority: trustme.CA) -> Iterator[Broker]:
    with kafka_broker(tmp_path_factory.mktemp("kafka"), programs, authority) as running_broker:
        yield running_broker


def program_of(engine: str) -> Path:
    return TOOLS / "otelcol" if engine == "otel-collector" else Path(os.environ["FLUENT_BIT"])


def logging(folder: Path, engine: str, authority: bytes, output: Mapping[str, Any], **values: Any) -> Agent:
    values = {"engine": engine, "extraEnv": [SECRET], "output": output, "probes": {"port": free_ports(1)[0]}, **values}
    secrets = {"ca": {"ca.crt": authority}, "kafka": {"password": PASSWORD.encode()}}
    return lay_out(folder, "logging", values, program_of(engine), secrets=secrets)


@pytest.mark.parametrize("receiver", RECEIVERS)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_record_reaches_the_broker(
    engine: str, receiver: str, tmp_path: Path, broker: Broker, authority_file: bytes, request: pytest.FixtureRequest
) -> None:
    output = RECEIVERS[receiver]
    topic = f"t{abs(hash(request.node.name))}"
    address = broker.address(tls="tls" in output, user="user" in output)
    to = {"type": "kafka", "brokers": [address], "topic": topic, **output}
    agent = logging(tmp_path, engine, authority_file, to, fields={"team": "red"})
    with running(agent) as process:
        agent.path("/var/log/app/a.log").write_text("hello\n")
        (record,) = broker.records(topic)
        assert process.stop() == 0
    assert_is_whole(json.loads(record))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_record_reaches_the_log_service(engine: str, tmp_path: Path, broker: Broker, authority_file: bytes) -> None:
    """The project is the user and the first part of the broker's name, the logstore is the topic, TLS is always spoken."""
    port = broker.ports["SASL_SSL"]
    to = {"type": "sls", "host": ENDPOINT, "port": port, "project": PROJECT, "logstore": f"{engine}-store"}
    output = {**to, "password": "${PASSWORD}", "tls": {"caSecret": "ca"}}
    agent = logging(tmp_path, engine, authority_file, output, fields={"team": "red"})
    with running(agent) as process:
        agent.path("/var/log/app/a.log").write_text("hello\n")
        (record,) = broker.records(f"{engine}-store.json")
        assert process.stop() == 0
    assert_is_whole(json.loads(record))


def assert_is_whole(record: dict[str, Any]) -> None:
    """One record looks the same whatever the engine."""
    wanted = {"log": "hello", "pod": "shop-7d4f", "namespace": "prod", "node": "node-1", "pod_ip": "10.0.0.9"}
    assert record.items() >= {**wanted, "workload": "shop", "workload_kind": "Deployment", "team": "red"}.items()
    assert record["file"].endswith("/var/log/app/a.log")
    assert set(record) == {*wanted, "workload", "workload_kind", "team", "file", "@timestamp"}
    assert record["@timestamp"].startswith("20")
    assert record["@timestamp"].endswith("Z")


@pytest.mark.parametrize("engine", ENGINES)
def test_the_keys_of_json_lines_are_the_records(engine: str, tmp_path: Path, broker: Broker, authority_file: bytes) -> None:
    topic = f"json-{engine}"
    to = {"type": "kafka", "brokers": [broker.address(tls=False, user=False)], "topic": topic}
    agent = logging(tmp_path, engine, authority_file, to, sources=[{"path": "/var/log/app/*.log", "format": "json"}])
    agent.path("/var/log/app/a.log").write_text('{"message": "hello", "n": 1}\nno JSON\n')
    with running(agent) as process:
        first, second = map(json.loads, broker.records(topic, 2))
        assert process.stop() == 0
    assert (first["message"], first["n"], first["pod"]) == ("hello", 1, "shop-7d4f")
    assert (second["log"], second["pod"]) == ("no JSON", "shop-7d4f")


@pytest.mark.parametrize("why", REFUSED)
@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_is_sent_to_or_by_whom_is_not_trusted(
    engine: str, why: str, tmp_path: Path, broker: Broker, authority_file: bytes
) -> None:
    topic = f"refused-{engine}-{why.split()[1]}"
    to = {"type": "kafka", "brokers": [broker.address(tls=True, user=True)], "topic": topic, **REFUSED[why]}
    agent = logging(tmp_path, engine, authority_file, to, shutdownSeconds=5 if engine == "otel-collector" else 1)
    with running(agent) as process:
        agent.path("/var/log/app/a.log").write_text("hello\n")
        told = ("certificate", "SASL", "authentication", "Authentication", "x509")
        assert eventually(lambda: any(word in process.errors.read_text() for word in told), 30), process.errors.read_text()
    assert broker.records(topic, seconds=2) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_no_line_is_lost_while_the_broker_is_away(
    engine: str, tmp_path: Path, programs: Path, authority: trustme.CA, authority_file: bytes
) -> None:
    """20 MB are written meanwhile, more than the agent keeps in memory."""
    lines = [f"line {number:05} {'x' * 1000}" for number in range(20_000)]
    with kafka_broker(tmp_path / "kafka", programs, authority) as broker:
        to = {"type": "kafka", "brokers": [broker.address(tls=False, user=False)], "topic": "outage"}
        agent = logging(tmp_path / "agent", engine, authority_file, to)
        with running(agent) as process:
            agent.path("/var/log/app/a.log").write_text("before\n")
            assert broker.records("outage")
            broker.stop()
            with agent.path("/var/log/app/a.log").open("a") as log:
                log.write("".join(f"{line}\n" for line in lines))
            assert not eventually(lambda: process.process.poll() is not None, 10), "it waits"
            broker.start()
            arrived = {json.loads(record)["log"] for record in broker.records("outage", len(lines) + 1, 90)}
            assert process.stop() == 0
    assert {*lines, "before"} - arrived == set()
