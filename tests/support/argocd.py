"""Argo CD's repo server and a plugin server, started for tests of the recipe in docs/recipes.md, with a Git repository."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.console import File, steps
from tests.support.real_tools import ROOT, Outcome, Shell, tool

RECIPE = {
    step.name.removeprefix("argocd/"): step.text
    for step in steps(ROOT / "docs" / "recipes.md")
    if isinstance(step, File) and step.name.startswith("argocd/")
}
"""The files of the recipe, by their names."""

APPLICATION = RECIPE["application.yaml"]


@dataclass(frozen=True, slots=True)
class ArgoCD:
    """A running repo server with the plugin beside it, and a Git repository that holds examples/web."""

    shell: Shell
    address: str

    def manifests(self, application: str = APPLICATION, version: str = "v1.30.2") -> Outcome:
        """Ask for the manifests of an application on a cluster of that version."""
        return self._ask("manifests", application, version)

    def parameters(self) -> str:
        """Ask for the parameters that the plugin announces."""
        done = self._ask("parameters", APPLICATION)
        assert done.status == 0, done.stderr
        return done.stdout

    def _ask(self, about: str, application: str, *more: str) -> Outcome:
        (self.shell.folder / "application.yaml").write_text(application)
        repository = f"file://{self.shell.folder}/repository"
        return self.shell.run(tool("argocd"), about, self.address, "application.yaml", repository, *more)

    def commit(self, file: str, old: str, new: str) -> None:
        """Change a file of the repository."""
        path = self.shell.folder / "repository" / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        _git(self.shell, "commit", "--quiet", "--all", "--message", "changed")


@contextmanager
def argo_cd(shell: Shell, plugin_server: Sequence[str | Path]) -> Iterator[ArgoCD]:
    """Start both servers in the shell's folder. The plugin server finds its file there in `config` and puts its socket into
    `plugins`; $ARGOCD_PLUGINSOCKFILEPATH and $ARGOCD_CMP_WORKDIR say so."""
    folder = shell.folder
    for name in ("config", "plugins", "work", "tls", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "config" / "plugin.yaml").write_text(RECIPE["plugin.yaml"])
    shutil.copytree(ROOT / "examples" / "web", folder / "repository" / "web")
    _git(shell, "init", "--quiet", "--initial-branch=main")
    _git(shell, "add", "--all")
    _git(shell, "commit", "--quiet", "--message", "the shop")
    environment = {
        **shell.environment,
        "ARGOCD_PLUGINSOCKFILEPATH": str(folder / "plugins"),
        "ARGOCD_CMP_WORKDIR": str(folder / "work"),
        "ARGOCD_TLS_DATA_PATH": str(folder / "tls"),
        "ARGOCD_GPG_ENABLED": "false",
        "TMPDIR": str(folder / "tmp"),
        # Without Redis nothing is kept from one question to the next, no error either, which is as the tests want it.
        "ARGOCD_PAUSE_GEN_AFTER_FAILED_ATTEMPTS": "0",
    }
    port = _free_port()
    listen = ("--address=127.0.0.1", f"--port={port}", "--metrics-address=127.0.0.1", f"--metrics-port={_free_port()}")
    servers: dict[str, Sequence[str | Path]] = {
        "plugin": plugin_server,
        "repo": [tool("argocd"), "argocd-repo-server", "--disable-tls", "--redis=127.0.0.1:1", *listen],
    }
    running = []
    for name, command in servers.items():
        with (folder / f"{name}.log").open("w") as log:
            running.append(subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log))
    try:
        _wait_for(running, folder, port)
        yield ArgoCD(shell, f"127.0.0.1:{port}")
    finally:
        for server in running:
            server.kill()  # the plugin server does not end at SIGTERM
            server.wait()


def _wait_for(running: "list[subprocess.Popen[bytes]]", folder: Path, port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert [server.poll() for server in running] == [None, None], _logs(folder)
        with socket.socket() as one:
            if (folder / "plugins" / "sidecars.sock").exists() and one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"Argo CD is not ready after a minute\n{_logs(folder)}")


def _logs(folder: Path) -> str:
    return "".join((folder / f"{name}.log").read_text()[-2000:] for name in ("plugin", "repo"))


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _git(shell: Shell, *words: str) -> None:
    name = ("-c", "user.name=shop", "-c", "user.email=shop@example.com")
    shell.output("git", "-C", "repository", *name, *words)
