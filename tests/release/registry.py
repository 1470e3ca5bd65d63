"""A real OCI registry (CNCF Distribution) with TLS."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.image_registry import certificates, serving
from tests.support.real_tools import ROOT


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
    tls = certificates(folder, "127.0.0.1")
    with serving(folder, folder / "data", host="127.0.0.1", tls=tls) as address:
        yield Registry(address, tls / "ca.pem")
