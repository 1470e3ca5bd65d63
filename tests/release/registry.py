"""A real OCI registry (CNCF Distribution) with TLS."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.support.real_tools import ROOT, tool


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry, and the file of the authority that its certificate is of."""

    address: str
    authority: Path

    def push(self, dist: Path, path: str) -> str:
        """Publish a folder below a path, and return where that is."""
        folder = f"{self.address}/{path}"
        done = subprocess.run(
            [ROOT / "tools" / "publish", folder, dist], env=self.environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return folder

    def environment(self) -> dict[str, str]:
        return {**os.environ, "SSL_CERT_FILE": str(self.authority)}


@contextmanager
def running(folder: Path) -> Iterator[Registry]:
    """Start a registry that keeps all in a folder; end it at the end."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {
            "addr": f"127.0.0.1:{port}",
            "tls": {"certificate": str(folder / "cert.pem"), "key": str(folder / "key.pem")},
        },
    }
    (folder / "config.yml").write_text(json.dumps(configuration))
    environment = {**os.environ, "OTEL_TRACES_EXPORTER": "none"}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([tool("registry"), "serve", folder / "config.yml"], env=environment, stdout=log, stderr=log)
    try:
        for _ in range(200):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            pytest.fail(f"the registry does not answer: {(folder / 'log').read_text()}")
        yield Registry(f"127.0.0.1:{port}", folder / "ca.pem")
    finally:
        server.terminate()
        server.wait(10)
