"""Faults with a helm around: pipes that close, full disks, signals to `helm sidecar`."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import EXAMPLES, PROGRAM, Helm, Outcome
from tests.faults.process import no_surprise

WEB = EXAMPLES / "web"


def in_bash(helm: Helm, line: str) -> Outcome:
    """Run a line in which `template` is `helm template` of the chart web through the post-renderer."""
    command = f"'{helm.program}' template shop '{WEB}' --kube-version 1.30 --post-renderer {helm.post_renderer}"
    done = helm.shell.run("bash", "-c", f'template() {{ {command} "$@"; }}; {line}')
    no_surprise(done.stdout + done.stderr)
    return done


def test_the_reader_of_helm_goes_away(helm: Helm) -> None:
    assert in_bash(helm, "template | head -c 4").stdout == "---\n"


def test_the_disk_that_helm_writes_to_is_full(helm: Helm) -> None:
    """Helm does not look: it is as without us."""
    done = in_bash(helm, "template >/dev/full")
    plain = helm.shell.run("bash", "-c", f"'{helm.program}' template shop '{WEB}' >/dev/full")
    assert done.status == plain.status


def test_nobody_hears_helms_standard_error(helm: Helm) -> None:
    for nowhere in ("2>&-", "2>/dev/full"):
        done = in_bash(helm, f"template {nowhere}")
        assert done.status == 0
        assert "- name: logging" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_to_helm_sidecar_leaves_no_values_behind(helm: Helm, number: signal.Signals, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    environment = {**helm.shell.environment, "TMPDIR": str(folder), "HELM_BIN": str(helm.program)}
    command = [
        PROGRAM,
        "helm",
        "template",
        "shop",
        WEB,
        "--kube-version",
        "1.30",
        "--set",
        "sidecars.agents.logging.enabled=true",
    ]
    for part in range(7):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        # Python tries a folder by a file of its own, which is there for a moment.
        while process.poll() is None and not list(folder.glob("sidecar-plugin-*")):
            time.sleep(0.005)
        assert list(folder.glob("sidecar-plugin-*")), "there was nothing to leave behind"
        time.sleep(0.12 * part)
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
        no_surprise(said)
        assert os.listdir(folder) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_to_helm_sidecar_ends_the_helm_that_reads_the_values(helm: Helm, number: signal.Signals) -> None:
    """Helm waits for a server that takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        chart = f"http://127.0.0.1:{server.getsockname()[1]}/web-1.0.0.tgz"
        environment = {**helm.shell.environment, "HELM_BIN": str(helm.program)}
        process = subprocess.Popen(
            [PROGRAM, "helm", "template", "shop", chart], env=environment, stderr=subprocess.PIPE, text=True
        )
        connection, _ = server.accept()
        with connection:
            process.send_signal(number)
            _, said = process.communicate(timeout=20)
            assert process.returncode == -number
            assert said == ""
            connection.settimeout(20)
            while connection.recv(4096):
                pass  # until helm's end closes it
