"""A release, made once for all tests of it, and what they do with it."""

import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.release.registry import Registry, running
from tests.support.real_tools import ROOT, Outcome, Shell

CHART = ROOT / "examples" / "untouched-chart"
SETTINGS = CHART / "sidecars.yaml"
NO_NETWORK = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}
BY = ("-c", "user.name=test", "-c", "user.email=test@example.com")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.release)
            item.add_marker(pytest.mark.slow)


@dataclass(frozen=True, slots=True)
class Made:
    """A checkout, the folder that was made of it, and the public key of what was signed."""

    checkout: Path
    dist: Path
    keyring: Path
    gnupg: Path


def make(checkout: Path, gnupg: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run tools/release of a checkout."""
    storage = gnupg.parent / "storage"
    (gnupg.parent / "storage.conf").write_text(f'[storage]\ngraphroot = "{storage}"\nrunroot = "{storage}.run"\n')
    environment = {
        **os.environ,
        "CONTAINERS_STORAGE_CONF": str(gnupg.parent / "storage.conf"),
        "GNUPGHOME": str(gnupg),
        "SIDECAR_PLUGIN_URL": "https://git.example.com/team/sidecar-plugin",
    }
    command = [sys.executable, checkout / "tools" / "release", "--from-packages", *words]
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    base = tmp_path_factory.mktemp("release")
    checkout, gnupg = base / "checkout", base / "gnupg"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in listed.stdout.decode().rstrip("\0").split("\0"):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, checkout / name)
    for words in (["init", "--quiet"], ["add", "--all"], [*BY, "commit", "--quiet", "--message=all"]):
        subprocess.run(["git", *words], cwd=checkout, check=True)
    gnupg.mkdir(mode=0o700)
    gpg = ("gpg", "--batch", "--homedir", gnupg)
    new = ("--passphrase", "", "--quick-generate-key", "Release <release@example.com>", "rsa2048", "sign", "never")
    subprocess.run([*gpg, *new], check=True, capture_output=True)
    keyring = base / "public.gpg"
    subprocess.run([*gpg, "--output", keyring, "--export", "release@example.com"], check=True)
    done = make(checkout, gnupg, "--key", "release@example.com")
    assert done.returncode == 0, done.stderr
    yield Made(checkout, checkout / "dist", keyring, gnupg)
    subprocess.run(["gpgconf", "--homedir", gnupg, "--kill", "all"], check=False)
    shutil.rmtree(base / "storage", ignore_errors=True)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell with homes of its own, the system's commands, and no package index."""
    homes = {f"HELM_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("DATA", "CONFIG", "CACHE")}
    (tmp_path / "home").mkdir()
    return Shell(
        {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "LC_ALL": "C.UTF-8", **homes, **NO_NETWORK}, tmp_path
    )


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves packages as web servers do. Helm 3 goes by the type."""

    extensions_map = {".tgz": "application/gzip", "": "application/octet-stream"}  # noqa: RUF012  # as the class has it

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@contextmanager
def served(folder: Path, handler: type[http.server.SimpleHTTPRequestHandler]) -> Iterator[str]:
    """Serve a folder, and give the address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def address(made: Made) -> Iterator[str]:
    """The address of a web server that has the folder."""
    with served(made.dist, Files) as address:
        yield address


def renders(done: Outcome) -> None:
    assert done.status == 0, done.stderr
    assert "name: logging" in done.stdout
    assert "restartPolicy: Always" in done.stdout


def assert_nothing_left(shell: Shell) -> None:
    """Of Helm's folders only what Helm itself keeps: no plugin, no environment, no results of ours."""
    assert list((shell.folder / "data" / "plugins").iterdir()) == []
    assert not list(shell.folder.rglob("*sidecar*.venv"))
    assert not (shell.folder / "home" / ".cache" / "sidecar-plugin").exists()


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry of this run alone."""
    with running(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture(scope="session")
def published(made: Made, registry: Registry) -> str:
    """Where the release is."""
    return registry.push(made.dist, "team/tools")
