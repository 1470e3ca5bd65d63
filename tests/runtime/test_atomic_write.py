"""Files are replaced whole or not at all, whatever happens on the way."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sidecar_plugin.errors import UsageError
from sidecar_plugin.runtime.atomic_write import Replacement, replace_files

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: web\n    image: x\n"
INJECT = ["inject", "--in-place", "--report", "none", "--set", "clusterVersion=1.30,agents.a.enabled=true"]
TEMPLATE = ["--set", "agents.a.template=container: {name: agent\\, image: x}"]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def pods(folder: Path, count: int) -> dict[str, bytes]:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:04}.yaml").write_text(POD)
    return contents(folder)


def command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "sidecar_plugin", *INJECT, *TEMPLATE, str(folder)]


def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    """The limit of a file's size stands for the disk's: the last file is the one that is too large."""
    before = pods(tmp_path / "pods", 20)
    (tmp_path / "pods" / "9999.yaml").write_text(POD + "#" * 5000)
    before = contents(tmp_path / "pods")

    def full() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))

    environment = {**os.environ, "SIDECAR_PLUGIN_CACHE": "off", "PYTHONDONTWRITEBYTECODE": "1"}  # its files are cut as well
    done = subprocess.run(
        command(tmp_path / "pods"), capture_output=True, text=True, preexec_fn=full, env=environment, check=False
    )
    assert done.returncode == 2
    assert "9999.yaml: File too large" in done.stderr
    assert contents(tmp_path / "pods") == before


def test_a_killed_run_leaves_whole_files(tmp_path: Path) -> None:
    """Killed at moments all over a run; then the same command does the rest, and the scratch files are nobody's input."""
    before = pods(tmp_path / "pods", 150)
    started = time.monotonic()
    whole = pods(tmp_path / "other", 150)
    subprocess.run(command(tmp_path / "other"), check=True)
    duration = time.monotonic() - started
    wanted = contents(tmp_path / "other")
    assert wanted != whole
    for part in range(8):
        process = subprocess.Popen(command(tmp_path / "pods"))
        time.sleep(duration * (0.3 + 0.1 * part))
        process.kill()
        process.wait()
        for name, data in contents(tmp_path / "pods").items():
            assert name.startswith(".") or data in (before[name], wanted[name])
    subprocess.run(command(tmp_path / "pods"), check=True)
    assert {name: data for name, data in contents(tmp_path / "pods").items() if name[0] != "."} == wanted


def test_a_file_that_cannot_be_written_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(UsageError, match="a/b: "):
        replace_files([Replacement(tmp_path / "a", b"new"), Replacement(tmp_path / "a" / "b", b"new")])
    assert contents(tmp_path) == {"a": b"old"}


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "file").chmod(0o640)
    (tmp_path / "link").symlink_to("file")
    replace_files([Replacement(tmp_path / "link", b"new")])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_stays(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    os.chown(tmp_path / "file", 12345, 54321)
    replace_files([Replacement(tmp_path / "file", b"new")])
    assert ((tmp_path / "file").stat().st_uid, (tmp_path / "file").stat().st_gid) == (12345, 54321)
