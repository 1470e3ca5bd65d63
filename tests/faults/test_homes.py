"""Each user with each HOME: every command does its work in silence, and keeps results in a folder of one's own or nowhere."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.homes import COMMANDS, HOMES, KEPT, NOBODY, READ_ONLY, USERS, Home, rows
from tests.faults.process import POD, no_surprise
from tests.support.other_user import NEEDS_ROOT

PROGRAM = Path(sys.executable).parent / "sidecar-plugin"
DAEMONSET = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      containers:
      - {name: made, image: "agent:1"}
"""
RUNNING = {
    "kind": "Pod",
    "metadata": {"name": "web"},
    "spec": {"initContainers": [{"name": "agent", "restartPolicy": "Always"}], "containers": [{"name": "web"}]},
    "status": {
        "phase": "Running",
        "initContainerStatuses": [
            {"name": "agent", "started": True, "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
        ],
        "containerStatuses": [{"name": "web", "started": True, "state": {"running": {"startedAt": "2026-01-01T00:00:01Z"}}}],
    },
}
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason=NEEDS_ROOT)


def open_python() -> str:
    """Return a line of shell that mounts Python where everybody can enter it; pyenv puts it below root's HOME."""
    base = Path(sys.base_prefix)
    closed = [folder for folder in reversed(base.parents) if not folder.stat().st_mode & 0o001]
    if not closed:
        return ""
    aside = "/tmp/sidecar-plugin-python"
    return (
        f"mkdir -p {aside} && mount --bind {base} {aside} && mount -t tmpfs -o mode=755 x {closed[0]} && mkdir -p {base} && "
        f"mount --bind {aside} {base}"
    )


def run(folder: Path, user: int, home: str | None, words: list[str], before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the program as the user; `before` is a line of shell that root runs in a mount namespace of its own."""
    before = " && ".join(filter(None, (before, open_python() if user else "")))
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **({} if home is None else {"HOME": home})}
    command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", str(PROGRAM), *words]
    if before:
        command = ["unshare", "-m", "sh", "-c", f'{before} && exec "$@"', "sh", *command]
    return subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder below one that everybody can enter."""
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == 0 and path != Path("/tmp"):
            path.chmod(path.stat().st_mode | 0o011)
    work = tmp_path / "work"
    work.mkdir()
    return work


def prepare(work: Path, user: int) -> None:
    (work / "agents" / "own").mkdir(parents=True)
    (work / "agents" / "own" / "agent.yaml.j2").write_text("container: {name: agent, image: x}\n")
    (work / "pod.yaml").write_text(POD)
    (work / "daemonset.yaml").write_text(DAEMONSET)
    (work / "pods.json").write_text(json.dumps(RUNNING))
    for path in (work, *work.rglob("*")):
        os.chown(path, user, user)


@pytest.fixture(autouse=True)
def mounts() -> None:
    """What the tests need of the system."""
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")


def listed(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("home", HOMES, ids=lambda home: home.what)
@pytest.mark.parametrize("user", USERS)
def test_a_user_with_a_home(user: str, home: Home, work: Path, tmp_path: Path) -> None:
    number = USERS[user]
    before = ""
    value = home.prepare(tmp_path, number)
    prepare(work, number)
    if home.what == READ_ONLY:
        before = f"mount --bind {value} {value} && mount -o remount,ro,bind {value}"
    at_root, there = set(os.listdir("/")), listed(tmp_path)
    outcomes = []
    for name, words in COMMANDS.items():
        done = run(work, number, value, words, before)
        no_surprise(done.stderr)
        told = "" if name in ("`from-daemonset`", "`export-policy`") else done.stderr
        assert (done.returncode, name, told) == (0, name, "")
        outcomes.append("done")
        if name == "`inject --templates`":
            assert "name: agent" in done.stdout
    assert "name: agent" in (work / "pod.yaml").read_text()
    assert "restartPolicy: Always" not in (work / "pod.yaml").read_text()
    for written in ("pod.yaml", "change.html", "pods.html", "made/agent.yaml.j2"):
        assert (work / written).stat().st_uid == number
    assert set(os.listdir("/")) == at_root
    new = {
        path for path in listed(tmp_path) - there if not path.startswith(("work/made", "work/change.html", "work/pods.html"))
    }
    kept = {path for path in new if path.startswith(f"home/{KEPT}/")}
    assert new - kept == ({"home/.cache", f"home/{KEPT}"} if kept else set())
    assert all((tmp_path / path).stat().st_uid == number for path in new)
    assert (user, home.what, *outcomes, f"`~/{KEPT}`" if kept else "nowhere") in rows()


def test_a_folder_to_work_in_that_may_not_be_entered(work: Path, tmp_path: Path) -> None:
    """As `sudo -u nobody` in /root: absolute paths do, a relative one is refused."""
    prepare(work, NOBODY)
    (tmp_path / "closed").mkdir(mode=0o700)
    (tmp_path / "closed" / "pod.yaml").write_text(POD)
    words = ["inject", "--in-place", "--report", "none", "--set", "clusterVersion=1.30,agents.logging.enabled=true"]
    done = run(tmp_path / "closed", NOBODY, "/", [*words, str(work / "pod.yaml")])
    assert (done.returncode, done.stderr) == (0, "")
    assert "name: logging" in (work / "pod.yaml").read_text() or "fluent-bit" in (work / "pod.yaml").read_text()
    done = run(tmp_path / "closed", NOBODY, "/", [*words, "pod.yaml"])
    assert (done.returncode, done.stderr) == (2, "sidecar-plugin: error: pod.yaml: Permission denied\n")
