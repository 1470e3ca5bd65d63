"""A broker of Apache Kafka, as in production: TLS, and users that say who they are by SASL."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from kafka import KafkaConsumer
from kafka.errors import KafkaError

from tests.agent_programs.processes import eventually, free_ports

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
USER, PASSWORD = "shop", "id#s3cr3t"
PROJECT, ENDPOINT = "127", "0.0.1"
"""A project and an endpoint of the log service, together the name of this machine; the project is a user of the broker."""
PROTOCOLS = {(False, False): "PLAINTEXT", (True, False): "SSL", (False, True): "SASL_PLAINTEXT", (True, True): "SASL_SSL"}
"""Kafka's names, by whether there is TLS and whether there are users."""

SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listeners=CONTROLLER://127.0.0.1:{controller},{listeners}
advertised.listeners={listeners}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms={mechanisms}
{logins}
ssl.keystore.type=PEM
ssl.keystore.certificate.chain={certificate}
ssl.keystore.key={key}
log.dirs={folder}/data
offsets.topic.replication.factor=1
num.partitions=1
"""
LOGIN = 'listener.name.{name}.plain.sasl.jaas.config={module} required user_{user}="{password}" user_{project}="{password}";'
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM_LOGIN = "listener.name.{name}.{mechanism}.sasl.jaas.config={module} required;"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"


@dataclass(slots=True)
class Broker:
    """A broker: where it listens, by protocol, and how it is started and stopped."""

    folder: Path
    programs: Path
    ports: dict[str, int]
    process: subprocess.Popen[bytes] | None = None

    def address(self, *, tls: bool, user: bool) -> str:
        """Return HOST:PORT of the listener for clients that speak TLS or not, and that say who they are or not."""
        return f"localhost:{self.ports[PROTOCOLS[tls, user]]}"

    def start(self) -> None:
        """Start the broker, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            command = self._java("kafka.Kafka", self.folder / "server.properties")
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        assert eventually(self._answers, 60), (self.folder / "log").read_text()

    def stop(self) -> None:
        """End the broker, as in an outage."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def format(self) -> None:
        """Make the broker's storage, with the user in it."""
        scram = [f"--add-scram={name}=[name={USER},password={PASSWORD}]" for name in MECHANISMS if name != "PLAIN"]
        settings = self.folder / "server.properties"
        command = self._java("kafka.tools.StorageTool", "format", "-t", "kQ0vVbCLRLqFNWQvWf0-LQ", "-c", settings, *scram)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def _java(self, name: str, *arguments: str | Path) -> Sequence[str | Path]:
        return ("java", "-Xmx256m", "-cp", f"{self.programs}/*", name, *arguments)

    def _answers(self) -> bool:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.ports["PLAINTEXT"]), 1).close()
            return True
        assert self.process
        assert self.process.poll() is None, (self.folder / "log").read_text()
        return False

    def records(self, topic: str, at_least: int = 1, seconds: float = 30) -> list[bytes]:
        """Return the values of a topic's records, as soon as there are so many, else those that are there in the end."""
        found: list[bytes] = []
        end = time.monotonic() + seconds
        consumer = KafkaConsumer(
            topic,
            bootstrap_servers=self.address(tls=False, user=False),
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        try:
            while len(found) < at_least and time.monotonic() < end:
                with suppress(KafkaError):
                    for batch in consumer.poll(timeout_ms=500).values():
                        found.extend(record.value for record in batch)
        finally:
            consumer.close()
        return found


@contextmanager
def kafka_broker(folder: Path, programs: Path, authority: trustme.CA) -> Iterator[Broker]:
    """Run a broker below a folder, with a certificate for localhost by an authority."""
    controller, *free = free_ports(5)
    ports = dict(zip(PROTOCOLS.values(), free, strict=True))
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    logins = [
        LOGIN.format(name=name.lower(), module=PLAIN, user=USER, project=PROJECT, password=PASSWORD)
        for name in ports
        if "SASL" in name
    ]
    logins += [
        SCRAM_LOGIN.format(name=name.lower(), mechanism=mechanism.lower(), module=SCRAM)
        for name in ports
        for mechanism in MECHANISMS
        if "SASL" in name and mechanism != "PLAIN"
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "server.properties").write_text(
        SETTINGS.format(
            controller=controller,
            listeners=",".join(f"{name}://localhost:{port}" for name, port in ports.items()),
            mechanisms=",".join(MECHANISMS),
            logins="\n".join(logins),
            certificate=_on_a_line(b"".join(each.bytes() for each in certificate.cert_chain_pems)),
            key=_on_a_line(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())),
            folder=folder,
        )
    )
    os.chmod(folder / "server.properties", 0o600)
    broker = Broker(folder, programs, ports)
    broker.format()
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def _on_a_line(pem: bytes) -> str:
    """Return a PEM text as a value in a file of Java properties."""
    return pem.decode().replace("\n", "\\n")
