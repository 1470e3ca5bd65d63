"""Where paths lead, on descriptors as on Linux, and by name as on systems without."""

import os
import threading
from pathlib import Path

import pytest

from sidecar_plugin.errors import UsageError
from sidecar_plugin.runtime import lookup
from sidecar_plugin.runtime.atomic_write import Replacement, replace_files
from sidecar_plugin.runtime.files import Output, read_files, write_files
from sidecar_plugin.runtime.folders import Entry, remove_folders
from sidecar_plugin.runtime.lookup import Lookup, find_folder, read_file
from sidecar_plugin.runtime.new_folder import make_folder


@pytest.fixture(autouse=True, params=["on descriptors", "by name"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if request.param == "by name":
        monkeypatch.setattr(lookup, "HAS_DESCRIPTORS", False)
    elif not lookup.HAS_DESCRIPTORS:
        pytest.skip("only Linux has O_PATH")
    monkeypatch.chdir(tmp_path)


def found(entry: Entry) -> Path:
    """Return where an entry is, as the path that the system shows."""
    return Path(os.path.realpath(entry.folder.path), entry.name)


@pytest.mark.parametrize(
    "path", ["a/b/file", "./a//b/file", "a/b/../b/file", "link/file", "a/up/b/file", "a/b/to-file", "chain"]
)
@pytest.mark.parametrize("prefix", ["", "{here}/"])
def test_a_path_leads_where_the_system_says(path: str, prefix: str, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_text("x")
    (tmp_path / "link").symlink_to("a/b")
    (tmp_path / "a" / "up").symlink_to("..//a/.")
    (tmp_path / "a" / "b" / "to-file").symlink_to(tmp_path / "a" / "b" / "file")
    (tmp_path / "chain").symlink_to("link/to-file")
    whole = prefix.format(here=tmp_path) + path
    assert found(Lookup().find(whole)) == Path(os.path.realpath(whole))
    assert read_file(whole) == b"x"


@pytest.mark.parametrize("path", ["", ".", "..", "a/.", "a/..", "loop", "a/none/file"])
def test_a_path_of_no_file_is_an_error(path: str, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match=r".*"):
        read_file(path)


def test_a_link_to_nothing_leads_to_what_is_to_be(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to("a/new")
    replace_files([Replacement(Path("link"), b"x")])
    assert ((tmp_path / "a" / "new").read_bytes(), (tmp_path / "link").is_symlink()) == (b"x", True)


def test_folders_are_made_and_removed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    made: list[Entry] = []
    folder = find_folder("there/a/b/c", made)
    assert os.path.realpath(folder.path) == str(tmp_path / "there" / "a" / "b" / "c")
    assert (tmp_path / "there" / "a" / "b" / "c").is_dir()
    remove_folders(made)
    assert os.listdir(tmp_path / "there") == []


@pytest.mark.parametrize("link", ["out/app", "out/app/pod.yaml"])
def test_links_below_the_output_lead_below_it_or_nowhere(link: str, tmp_path: Path) -> None:
    (tmp_path / "in" / "app").mkdir(parents=True)
    (tmp_path / "in" / "app" / "pod.yaml").write_text("kind: Pod\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / link).parent.mkdir(parents=True)
    output = Output(folder="out")
    files = [(file, file.source.text) for file in read_files(["in"], output)]
    (tmp_path / link).symlink_to(tmp_path / "elsewhere" / ("" if link == "out/app" else "x"))
    with pytest.raises(UsageError, match="a link leads out of out"):
        write_files(files, output)
    assert os.listdir(tmp_path / "elsewhere") == []
    (tmp_path / link).unlink()
    (tmp_path / "out" / "inside").mkdir()
    (tmp_path / link).symlink_to(tmp_path / "out" / "inside" / ("" if link == "out/app" else "x"))
    write_files(files, output)
    assert len(os.listdir(tmp_path / "out" / "inside")) == 1


@pytest.mark.parametrize("path", ["fifo", "./fifo", "{here}/fifo"])
def test_a_fifo_that_is_named_is_read(path: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    writer = threading.Thread(target=(tmp_path / "fifo").write_text, args=("kind: Pod\n",), daemon=True)
    writer.start()
    assert read_files([path.format(here=tmp_path)])[0].source.text == "kind: Pod\n"
    writer.join()


def test_files_are_replaced_and_folders_made(tmp_path: Path) -> None:
    (tmp_path / "pods").mkdir()
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / "pods" / name).write_text("kind: Pod\n")
        (tmp_path / "pods" / name).chmod(0o640)
    output = Output(in_place=True)
    write_files([(file, "kind: Job\n") for file in read_files(["pods"], output)], output)
    for path in (tmp_path / "pods").iterdir():
        assert (path.read_text(), path.stat().st_mode & 0o777) == ("kind: Job\n", 0o640)
    with pytest.raises(UsageError, match="pods: is no regular file"):
        replace_files([Replacement(Path("pods/a.yaml"), b"x"), Replacement(Path("pods"), b"x")])
    assert sorted(os.listdir("pods")) == ["a.yaml", "b.yaml"]
    assert (tmp_path / "pods" / "a.yaml").read_text() == "kind: Job\n"
    make_folder("new/agent", {"x": b"x"})
    assert (tmp_path / "new" / "agent" / "x").read_bytes() == b"x"
