"""A folder is made whole or not at all, where the user says, whatever links another user puts there meanwhile."""

import os
from itertools import count
from pathlib import Path

import pytest

from sidecar_plugin.runtime.new_folder import make_folder
from tests.support.other_user import NEEDS_ROOT, give, race, swapping

FILES = {"a.yaml": b"a", "b.md": b"b"}
as_root = pytest.mark.skipif(os.geteuid() != 0, reason=NEEDS_ROOT)


def test_folders_above_are_made(tmp_path: Path) -> None:
    make_folder(str(tmp_path / "new" / "agents" / "one"), FILES)
    assert {path.name: path.read_bytes() for path in (tmp_path / "new/agents/one").iterdir()} == FILES
    assert os.listdir(tmp_path / "new" / "agents") == ["one"]


@pytest.mark.parametrize("taken", ["file", "folder", "link"])
def test_nothing_is_written_over(taken: str, tmp_path: Path) -> None:
    one = tmp_path / "one"
    {"file": one.touch, "folder": one.mkdir, "link": lambda: one.symlink_to("nowhere")}[taken]()
    with pytest.raises(FileExistsError):
        make_folder(str(one), FILES)
    assert os.listdir(tmp_path) == ["one"]


@pytest.mark.parametrize("name", ["../out", "/out", "new/out"])
def test_a_name_that_leads_elsewhere_is_refused_and_nothing_is_left(name: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="is no name of a file"):
        make_folder(str(tmp_path / "new" / "one"), {"a.yaml": b"a", name: b"x"})
    assert os.listdir(tmp_path) == []


def test_a_link_of_ones_own_is_followed(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "link").symlink_to("agents")
    make_folder(str(tmp_path / "link" / "one"), FILES)
    assert len(os.listdir(tmp_path / "agents" / "one")) == len(FILES)


@as_root
def test_a_link_of_another_user_leads_nowhere_but_to_what_is_theirs(tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
        (tmp_path / f"to-{name}").symlink_to(name)
    give(tmp_path / "theirs", tmp_path / "to-ours", tmp_path / "to-theirs")
    with pytest.raises(PermissionError, match="a link of another user"):
        make_folder(str(tmp_path / "to-ours" / "one"), FILES)
    make_folder(str(tmp_path / "to-theirs" / "one"), FILES)
    assert (os.listdir(tmp_path / "ours"), os.listdir(tmp_path / "theirs")) == ([], ["one"])


@as_root
def test_a_folder_that_another_user_swaps_for_a_link_meanwhile_leads_nowhere(tmp_path: Path) -> None:
    secret, theirs = tmp_path / "secret", tmp_path / "theirs"
    secret.mkdir(mode=0o700)
    (theirs / "agents").mkdir(parents=True)
    (theirs / "link").symlink_to(secret)
    give(theirs, theirs / "agents", theirs / "link")
    numbers = count()
    with swapping(theirs / "agents", theirs / "folder", theirs / "link"):
        race(300, lambda: make_folder(str(theirs / "agents" / f"agent-{next(numbers)}"), FILES))
    assert os.listdir(secret) == []
