"""Agents as folders: what is read of one, and that nothing outside it is."""

import os
from pathlib import Path

import pytest

from sidecar_plugin.agents.agent import TEMPLATE
from sidecar_plugin.agents.folders import MAX_FILE, AgentFolders
from sidecar_plugin.errors import TemplateError, UsageError

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
