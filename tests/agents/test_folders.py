"""Agents as folders: what is read of one, and that nothing outside it is."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar_plugin.agents.agent import TEMPLATE
from sidecar_plugin.agents.folders import MAX_FILE, AgentFolders
from sidecar_plugin.errors import TemplateError, UsageError
from tests.support.other_user import NEEDS_ROOT, NOBODY, audited, give

SECRET = "a-secret-that-must-not-get-out"


@pytest.fixture
def agents(tmp_path: Path) -> Path:
    """A folder of agents with one agent, beside a file with a secret."""
    own = tmp_path / "agents" / "own"
    own.mkdir(parents=True)
    (own / TEMPLATE).write_text("container: {name: own, image: x}\n")
    (own / "values.yaml").write_text("a: 1\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / TEMPLATE).write_text(SECRET)
    return tmp_path / "agents"


def read(agents: Path, name: str = "own") -> dict[str, str]:
    folder = AgentFolders((str(agents),)).folder(name)
    assert folder is not None
    return folder.read()


def test_an_agent_is_the_files_of_its_folder(agents: Path) -> None:
    (agents / "own" / ".hidden").write_text("x")
    (agents / "own" / "below").mkdir()
    assert sorted(read(agents)) == [TEMPLATE, "values.yaml"]
    assert "own" in AgentFolders((str(agents),)).names()
    assert AgentFolders((str(agents),)).folder("other") is None


@pytest.mark.parametrize("file", [TEMPLATE, "values.yaml", "values.schema.json", "other.txt"])
@pytest.mark.parametrize("to", ["../../outside/agent.yaml.j2", "/etc/passwd", "values.yaml", "nowhere"])
def test_a_link_in_an_agents_folder_is_refused(agents: Path, file: str, to: str) -> None:
    link = agents / "own" / file
    link.unlink(missing_ok=True)
    link.symlink_to(to)
    with pytest.raises(TemplateError, match="link") as caught:
        read(agents)
    assert str(caught.value).startswith(f"{link}:1:1: ")
    assert SECRET not in str(caught.value)


def test_a_link_as_an_agents_folder_is_refused(agents: Path) -> None:
    (agents / "linked").symlink_to("../outside")
    with pytest.raises(TemplateError, match="link"):
        read(agents, "linked")


def link_to(target: str) -> Callable[[Path, Path], None]:
    """Make a link in the place of a path of the agents' folder; `{outside}` is the folder outside."""

    def make(path: Path, outside: Path) -> None:
        if path.is_dir():
            path.rename(path.with_name("aside"))
        path.unlink(missing_ok=True)
        path.symlink_to(target.format(outside=outside))
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    return make


def hard_link(path: Path, outside: Path) -> None:
    path.unlink()
    path.hardlink_to(outside / TEMPLATE)


def device(path: Path, _: Path) -> None:
    path.unlink()
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero


def fifo(path: Path, _: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_socket(path: Path, _: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


WAYS = {
    "a link to a file": (f"own/{TEMPLATE}", link_to("{outside}/" + TEMPLATE)),
    "a relative link": (f"own/{TEMPLATE}", link_to("../../outside/" + TEMPLATE)),
    "a link to a link": (f"own/{TEMPLATE}", link_to("{outside}/link")),
    "a link by way of a folder's link": (f"own/{TEMPLATE}", link_to("../aside/" + TEMPLATE)),
    "a link to a file of /proc": (f"own/{TEMPLATE}", link_to("/proc/self/environ")),
    "a link to an open file": (f"own/{TEMPLATE}", link_to("/proc/self/fd/{{opened}}")),
    "a link by way of /proc/self/root": (f"own/{TEMPLATE}", link_to("/proc/self/root{outside}/" + TEMPLATE)),
    "a link in another file of the agent": ("own/values.yaml", link_to("{outside}/" + TEMPLATE)),
    "a link to a folder": ("own", link_to("{outside}")),
    "a link to /proc/self/cwd": ("own", link_to("/proc/self/cwd")),
    "a link of another user as the folder of agents": (".", link_to("{outside}/..")),
    "a hard link by another user": (f"own/{TEMPLATE}", hard_link),
    "a FIFO": (f"own/{TEMPLATE}", fifo),
    "a device": (f"own/{TEMPLATE}", device),
    "a socket": (f"own/{TEMPLATE}", a_socket),
}


@pytest.mark.skipif(os.geteuid() != 0, reason=NEEDS_ROOT)
@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_outside_an_agents_folder(way: str, agents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of another user's, read by root."""
    outside = agents.parent / "outside"
    (outside / "link").symlink_to(TEMPLATE)
    (outside / "own").mkdir()
    (outside / "own" / TEMPLATE).write_text(SECRET)
    give(agents, *agents.rglob("*"))
    monkeypatch.chdir(outside)
    opened = os.open(outside / TEMPLATE, os.O_RDONLY)
    where, make = WAYS[way]
    path = agents / where
    (path.parent / "aside").mkdir() if "by way of a folder" in way else None
    make(path, outside)
    if path.is_symlink() and "{opened}" in os.readlink(path):
        link_to(f"/proc/self/fd/{opened}")(path, outside)
    try:
        with pytest.raises((TemplateError, UsageError)) as caught:
            read(agents)
    finally:
        os.close(opened)
    assert str(path) in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason=NEEDS_ROOT)
@pytest.mark.parametrize("where", [".", "own", f"own/{TEMPLATE}", "own/values.yaml"])
def test_what_is_swapped_for_a_link_at_any_step_leads_nowhere(where: str, agents: Path) -> None:
    """The link leads to the like of it outside."""
    outside = agents.parent / "outside"
    (outside / "own").mkdir()
    for name in (TEMPLATE, "values.yaml"):
        (outside / "own" / name).write_text(SECRET)
    path, aside = agents / where, agents.parent / "aside"
    (agents.parent / "link").symlink_to((outside / where).resolve())
    give(agents, *agents.rglob("*"), agents.parent / "link")
    step, steps, refused = 0, 1, 0

    def swap() -> None:
        path.rename(aside)
        (agents.parent / "link").rename(path)

    while step < steps:
        try:
            with audited(step, swap) as seen:
                assert SECRET not in "".join(read(agents).values())
        except (TemplateError, UsageError) as error:
            refused += 1
            assert SECRET not in str(error)
        steps = max(steps, seen[0])
        step += 1
        if aside.exists():
            path.rename(agents.parent / "link")
            aside.rename(path)
    assert steps > 10
    assert refused


def test_the_folder_that_the_user_names_may_be_a_link(agents: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(agents)
    assert sorted(read(tmp_path / "link")) == [TEMPLATE, "values.yaml"]


def test_what_is_no_file_or_too_large_is_refused(agents: Path) -> None:
    os.mkfifo(agents / "own" / "fifo")
    with pytest.raises(TemplateError, match="not a regular file"):
        read(agents)
    (agents / "own" / "fifo").unlink()
    (agents / "own" / "large").write_bytes(b"x" * (MAX_FILE + 1))
    with pytest.raises(TemplateError, match=str(MAX_FILE)):
        read(agents)


def test_the_signature_is_of_the_content(agents: Path) -> None:
    """An edit that keeps size and time is an edit."""
    values = agents / "own" / "values.yaml"

    def signature() -> str:
        folder = AgentFolders((str(agents),)).folder("own")
        assert folder is not None
        return folder.signature

    before, state = signature(), values.stat()
    values.write_text("a: 2\n")
    os.utime(values, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert signature() != before
    values.write_text("a: 1\n")
    assert signature() == before
    values.rename(values.with_name("value.yaml"))
    assert signature() != before


def test_a_folder_without_agents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        AgentFolders((str(tmp_path / "none"),))
    with pytest.raises(UsageError, match=TEMPLATE):
        AgentFolders((str(tmp_path),))
