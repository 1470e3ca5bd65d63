"""`make release`: the same bytes twice, and from its folder alone both Helms install, verify, render and uninstall."""

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

import sidecar_plugin
from tests.support.real_tools import ROOT, Outcome, Shell, tool

pytestmark = [pytest.mark.release, pytest.mark.slow]
VERSION = sidecar_plugin.__version__
CHART = ROOT / "examples" / "untouched-chart"
SETTINGS = CHART / "sidecars.yaml"
NO_NETWORK = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}
BY = ("-c", "user.name=test", "-c", "user.email=test@example.com")


@dataclass(frozen=True, slots=True)
class Made:
    """A checkout, the folder that was made of it, and the public key of what was signed."""

    checkout: Path
    dist: Path
    keyring: Path
    gnupg: Path


def make(checkout: Path, gnupg: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run tools/release of a checkout."""
    environment = {**os.environ, "GNUPGHOME": str(gnupg), "SIDECAR_PLUGIN_URL": "https://git.example.com/team/sidecar-plugin"}
    command = [sys.executable, checkout / "tools" / "release", *words]
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
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


@pytest.fixture
def address(made: Made) -> Iterator[str]:
    """The address of a web server that has the folder."""
    handler = partial(Files, directory=str(made.dist))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_same_bytes_twice(made: Made, tmp_path: Path) -> None:
    done = make(made.checkout, made.gnupg, "--key", "release@example.com", "--output", tmp_path / "again")
    assert done.returncode == 0, done.stderr
    first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in (made.dist, tmp_path / "again"))
    assert {name for name in first if first[name] != second.get(name)} == set()
    assert first.keys() == second.keys()


def test_the_folder_holds_what_is_released(made: Made) -> None:
    packages = {f"{name}-{VERSION}.tgz" for name in ("sidecar", "sidecar-cli", "sidecar-helm3", "sidecar-injection")}
    assert {path.name for path in made.dist.iterdir()} == {
        f"sidecar_plugin-{VERSION}-py3-none-any.whl",
        f"sidecar_plugin-{VERSION}.tar.gz",
        f"sidecar-plugin-{VERSION}.cdx.json",
        "SHA256SUMS",
        "SHA256SUMS.asc",
        *packages,
        *(f"{name}.prov" for name in packages),
    }
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=made.dist, check=True)
    for signed in (["SHA256SUMS.asc", "SHA256SUMS"], *([path.name] for path in made.dist.glob("*.prov"))):
        subprocess.run(["gpg", "--batch", "--homedir", made.gnupg, "--verify", *signed], cwd=made.dist, check=True)


def test_the_bill_of_materials_lists_what_the_plugin_installs(made: Made) -> None:
    bill = json.loads((made.dist / f"sidecar-plugin-{VERSION}.cdx.json").read_text())
    locked = re.findall(r"(?m)^([\w.-]+)==(\S+)", (ROOT / "tools" / "locks" / "run.txt").read_text())
    assert {(part["name"], part["version"]) for part in bill["components"]} == set(locked)
    assert (bill["metadata"]["component"]["name"], bill["metadata"]["component"]["version"]) == ("sidecar-plugin", VERSION)


def renders(done: Outcome) -> None:
    assert done.status == 0, done.stderr
    assert "name: logging" in done.stdout
    assert "restartPolicy: Always" in done.stdout


def assert_nothing_left(shell: Shell) -> None:
    """Of Helm's folders only what Helm itself keeps: no plugin, no environment, no results of ours."""
    assert list((shell.folder / "data" / "plugins").iterdir()) == []
    assert not list(shell.folder.rglob("*sidecar*.venv"))
    assert not (shell.folder / "home" / ".cache" / "sidecar-plugin").exists()


def test_helm_4_installs_from_the_files_and_verifies(made: Made, shell: Shell) -> None:
    helm = tool("helm4")
    for name in ("sidecar", "sidecar-cli"):
        package = made.dist / f"{name}-{VERSION}.tgz"
        shell.output(helm, "plugin", "verify", package, "--keyring", made.keyring)
        assert "ready" in shell.output(helm, "plugin", "install", package, "--keyring", made.keyring)
    renders(shell.run(helm, "sidecar", "template", "find", CHART, "--values", SETTINGS, "--kube-version", "1.30"))
    words = (f"--post-renderer-args=--values={SETTINGS}", "--post-renderer-args=--cluster-version=1.30")
    renders(shell.run(helm, "template", "find", CHART, "--post-renderer", "sidecar", *words))
    for name in ("sidecar", "sidecar-cli"):
        shell.output(helm, "plugin", "uninstall", name)
    assert_nothing_left(shell)


def test_helm_3_installs_from_a_web_server(made: Made, shell: Shell, address: str) -> None:
    helm = tool("helm3")
    assert "ready" in shell.output(helm, "plugin", "install", f"{address}/sidecar-helm3-{VERSION}.tgz")
    renders(shell.run(helm, "sidecar", "template", "find", CHART, "--values", SETTINGS, "--kube-version", "1.30"))
    shell.output(helm, "plugin", "uninstall", "sidecar")
    assert_nothing_left(shell)


def test_helm_3_installs_from_an_unpacked_folder(made: Made, shell: Shell, tmp_path: Path) -> None:
    """Where a web server names no type that Helm 3 knows."""
    folder = tmp_path / "sidecar-helm3"
    folder.mkdir()
    subprocess.run(["tar", "xzf", made.dist / f"sidecar-helm3-{VERSION}.tgz", "-C", folder], check=True)
    helm = tool("helm3")
    assert "ready" in shell.output(helm, "plugin", "install", folder)
    renders(shell.run(helm, "sidecar", "template", "find", CHART, "--values", SETTINGS, "--kube-version", "1.30"))
    shell.output(helm, "plugin", "uninstall", "sidecar")
    assert_nothing_left(shell)


def test_helm_4_refuses_a_package_with_one_byte_changed(made: Made, shell: Shell, tmp_path: Path) -> None:
    package = tmp_path / f"sidecar-{VERSION}.tgz"
    shutil.copy(made.dist / f"{package.name}.prov", tmp_path)
    data = bytearray((made.dist / package.name).read_bytes())
    data[len(data) // 2] ^= 1
    package.write_bytes(data)
    done = shell.run(tool("helm4"), "plugin", "install", package, "--keyring", made.keyring)
    assert done.status == 1
    assert "verif" in done.stderr
    assert not list(tmp_path.glob("data/plugins/*"))


@pytest.mark.parametrize("version", ["helm3", "helm4"])
def test_the_library_chart_is_verified(version: str, made: Made, shell: Shell, tmp_path: Path) -> None:
    package = made.dist / f"sidecar-injection-{VERSION}.tgz"
    shell.output(tool(version), "verify", package, "--keyring", made.keyring)
    shown = shell.output(tool(version), "show", "chart", package)
    assert "type: library" in shown
    assert "home: https://git.example.com/team/sidecar-plugin\n" in shown
    chart = tmp_path / "web"
    shutil.copytree(ROOT / "examples" / "web", chart)
    shutil.rmtree(chart / "charts" / "sidecar-injection")
    shutil.copy(package, chart / "charts")
    rendered = shell.output(tool(version), "template", "shop", chart, "--kube-version", "1.30")
    assert "kind: SidecarInjection" in rendered


def test_every_python_here_installs_it(made: Made, tmp_path: Path) -> None:
    """With the Pythons of this machine, at least the one that runs the tests; each from the files of the package alone."""
    uv = Path(sys.executable).parent / "uv"
    found = {}
    for minor in ("3.10", "3.11", "3.12", "3.13", "3.14"):
        done = subprocess.run(
            [uv, "python", "find", "--system", "--no-python-downloads", minor], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            found[minor] = done.stdout.strip()
    assert found
    subprocess.run(["tar", "xzf", made.dist / f"sidecar-cli-{VERSION}.tgz", "-C", tmp_path], check=True)
    for minor, python in found.items():
        commands = tmp_path / minor
        commands.mkdir()
        (commands / "python3").write_text(f'#!/bin/sh\nexec "{python}" "$@"\n')
        (commands / "python3").chmod(0o755)
        plugin = tmp_path / "sidecar-cli"
        environment = {"PATH": f"{commands}:/usr/bin:/bin", "HOME": str(tmp_path), "HELM_PLUGIN_DIR": str(plugin), **NO_NETWORK}
        subprocess.run([plugin / "tools" / "helm-plugin-install"], env=environment, check=True)
        done = subprocess.run(
            [plugin / "tools" / "helm-plugin-run", "--version"], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout == f"sidecar-plugin {VERSION}\n"
        assert (Path(f"{plugin}.venv") / "lib" / f"python{minor}").is_dir()
        shutil.rmtree(f"{plugin}.venv")


def test_what_the_version_renders_is_kept() -> None:
    """By this a later version knows which pods it would roll: run tests/agents/test_released.py with UPDATE_CASES=1."""
    agents = {path.parent.name for path in (ROOT / "templates").glob("*/agent.yaml.j2")}
    kept = {path.stem.rpartition("-")[0] for path in (ROOT / "tests" / "agents" / "released" / VERSION).glob("*.yaml")}
    assert kept == agents


def test_it_is_made_of_a_commit_only(made: Made) -> None:
    stray = made.checkout / "stray"
    stray.touch()
    done = make(made.checkout, made.gnupg)
    stray.unlink()
    assert done.returncode == 1
    assert "commit" in done.stderr


def test_a_key_that_is_not_there_is_named(made: Made, tmp_path: Path) -> None:
    done = make(made.checkout, made.gnupg, "--key", "nobody@example.com", "--output", tmp_path / "none")
    assert done.returncode == 1
    assert "nobody@example.com" in done.stderr
    assert not (tmp_path / "none").exists()
