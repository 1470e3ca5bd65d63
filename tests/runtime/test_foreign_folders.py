"""Root reads and writes in a folder of another user, who swaps links into it meanwhile: nothing outside is read or changed."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from sidecar_plugin.errors import UsageError
from sidecar_plugin.runtime import atomic_write
from sidecar_plugin.runtime.atomic_write import Replacement, replace_files
from sidecar_plugin.runtime.files import Output, read_files, write_files
from tests.support.other_user import NEEDS_ROOT, NOBODY, audited, give, race, swapping

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason=NEEDS_ROOT)
ROUNDS = 300
POD = "kind: Pod\n"


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A folder that only root may enter, with a secret."""
    ours = tmp_path / "ours"
    ours.mkdir(mode=0o700)
    (ours / "secret.yaml").write_text("secret: 1\n")
    (ours / "secret.yaml").chmod(0o600)
    return ours


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder of nobody's with a file."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "pod.yaml").write_text(POD)
    give(theirs, theirs / "pod.yaml")
    return theirs


def state(folder: Path) -> dict[str, object]:
    """Return all that must stay of a folder."""
    found: dict[str, object] = {}
    for path in (folder, *folder.rglob("*")):
        is_file = path.is_file()
        now = path.lstat()
        attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)}
        content = path.read_bytes() if is_file else b""
        found[path.name] = (content, now.st_mode, now.st_uid, now.st_gid, now.st_nlink if is_file else 0, attributes)
    return found


def link(theirs: Path, name: str, to: Path | str) -> Path:
    """Make a link of nobody's."""
    path = theirs / name
    path.symlink_to(to)
    give(path)
    return path


def rewrite(folder: Path) -> None:
    """Change every manifest of a folder in place, as the commands do."""
    output = Output(in_place=True)
    write_files([(file, file.source.text + "# changed\n") for file in read_files([str(folder)], output)], output)


def copy(source: Path, to: Path) -> None:
    """Write every manifest of a folder to another one, as the commands do."""
    output = Output(folder=str(to))
    write_files([(file, file.source.text) for file in read_files([str(source)], output)], output)


def test_a_file_that_is_swapped_for_a_link_meanwhile(ours: Path, theirs: Path) -> None:
    link(theirs, "link", ours / "secret.yaml")
    before = state(ours)
    with swapping(theirs / "pod.yaml", theirs / "file", theirs / "link"):
        race(ROUNDS, lambda: rewrite(theirs))
    assert state(ours) == before
    for path in theirs.iterdir():
        if not path.is_symlink():
            assert (path.stat().st_uid, b"secret" in path.read_bytes()) == (NOBODY, False)


def test_a_folder_that_is_swapped_for_a_link_meanwhile(ours: Path, theirs: Path) -> None:
    (theirs / "app").mkdir()
    (theirs / "app" / "secret.yaml").write_text(POD)
    give(theirs / "app", theirs / "app" / "secret.yaml")
    link(theirs, "link", ours)
    before = state(ours)
    with swapping(theirs / "app", theirs / "folder", theirs / "link"):
        race(ROUNDS, lambda: rewrite(theirs / "app"))
    assert state(ours) == before


def test_a_folder_of_the_output_that_is_swapped_for_a_link_meanwhile(ours: Path, theirs: Path, tmp_path: Path) -> None:
    (tmp_path / "in" / "app").mkdir(parents=True)
    (tmp_path / "in" / "app" / "secret.yaml").write_text(POD)
    (theirs / "app").mkdir()
    give(theirs / "app")
    link(theirs, "link", ours)
    before = state(ours)
    with swapping(theirs / "app", theirs / "folder", theirs / "link"):
        race(ROUNDS, lambda: copy(tmp_path / "in", theirs))
    assert state(ours) == before


def swap_scratch(theirs: Path, ours: Path) -> None:
    for path in theirs.rglob(".sidecar-plugin-*"):
        if not path.is_symlink():
            swap(path, theirs, ours / "secret.yaml")


def swap_file(theirs: Path, ours: Path) -> None:
    if (theirs / "app" / "secret.yaml").exists():
        swap(theirs / "app" / "secret.yaml", theirs, ours / "secret.yaml")


def swap_folder(theirs: Path, ours: Path) -> None:
    if (theirs / "app").exists():
        swap(theirs / "app", theirs, ours)


def swap(path: Path, theirs: Path, to: Path) -> None:
    path.rename(theirs / f"away-{path.name}")
    link(path.parent, path.name, to)


@pytest.mark.parametrize("thing", [swap_scratch, swap_file, swap_folder])
@pytest.mark.parametrize("work", ["in place", "output"])
def test_a_swap_at_each_step(ours: Path, tmp_path: Path, thing: Callable[[Path, Path], None], work: str) -> None:
    """A step is a call to the system that Python audits (https://docs.python.org/3/library/audit_events.html)."""
    (tmp_path / "in" / "app").mkdir(parents=True)
    (tmp_path / "in" / "app" / "secret.yaml").write_text(POD)
    before, step, steps = state(ours), 0, 1
    while step < steps:
        theirs = tmp_path / f"theirs-{step}"
        (theirs / "app").mkdir(parents=True)
        (theirs / "app" / "secret.yaml").write_text(POD)
        give(theirs, theirs / "app", theirs / "app" / "secret.yaml")
        with suppress(UsageError), audited(step, partial(thing, theirs, ours)) as seen:
            rewrite(theirs / "app") if work == "in place" else copy(tmp_path / "in", theirs)
        steps = max(steps, seen[0])
        step += 1
        assert state(ours) == before, f"at step {step}"
    assert steps > 20


@pytest.mark.parametrize("which", ["new", "old"])
@pytest.mark.parametrize("kind", ["link to a file", "link to nothing", "file", "folder", "FIFO"])
def test_a_scratch_name_that_is_taken(ours: Path, theirs: Path, kind: str, which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["free", "taken"] if which == "old" else ["taken", "free"])
    monkeypatch.setattr(atomic_write, "scratch_name", lambda: next(names))
    taken = theirs / "taken"
    make: dict[str, Callable[[], object]] = {
        "link to a file": lambda: taken.symlink_to(ours / "secret.yaml"),
        "link to nothing": lambda: taken.symlink_to(ours / "new"),
        "file": taken.touch,
        "folder": taken.mkdir,
        "FIFO": lambda: os.mkfifo(taken),
    }
    make[kind]()
    give(taken)
    before = state(ours)
    with pytest.raises(UsageError, match=r"pod\.yaml: File exists"):
        replace_files([Replacement(theirs / "pod.yaml", b"new")])
    assert state(ours) == before
    assert (theirs / "pod.yaml").read_text() == POD


@pytest.mark.parametrize("component", ["out", "out/app", "out/app/pod.yaml"])
@pytest.mark.parametrize("owner", ["theirs", "root's"])
def test_a_link_as_a_component_of_the_output(ours: Path, tmp_path: Path, theirs: Path, component: str, owner: str) -> None:
    """One of root's is followed as the folder that root names, not below it; one of another user nowhere."""
    path = theirs / component
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(ours / "secret.yaml" if path.suffix else ours)
    give(path.parent)
    if owner == "theirs":
        give(path)
    (tmp_path / "in" / "app").mkdir(parents=True)
    (tmp_path / "in" / "app" / "pod.yaml").write_text(POD)
    before = state(ours)
    if (component, owner) == ("out", "root's"):
        copy(tmp_path / "in", theirs / "out")
        assert (ours / "app" / "pod.yaml").read_text() == POD
        return
    with pytest.raises(UsageError, match="a link"):
        copy(tmp_path / "in", theirs / "out")
    assert state(ours) == before


def test_links_of_ones_own_and_of_others_to_what_is_theirs_are_followed(ours: Path, theirs: Path) -> None:
    (ours / "link.yaml").symlink_to("secret.yaml")
    link(theirs, "link.yaml", "pod.yaml")
    for folder in (ours, theirs):
        rewrite(folder)
    assert (ours / "secret.yaml").read_text() == "secret: 1\n# changed\n"
    assert (theirs / "pod.yaml").read_text() == POD + "# changed\n"
    for path, mode, owner in ((ours / "secret.yaml", 0o600, 0), (theirs / "pod.yaml", 0o644, NOBODY)):
        assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_uid) == (mode, owner)


@pytest.mark.parametrize("to", ["file", "folder", "middle", "/proc/self/cwd", "/proc/self/fd", "hard link"])
def test_what_is_not_theirs_is_not_read(ours: Path, theirs: Path, to: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ours)
    opened = os.open(ours / "secret.yaml", os.O_RDONLY)
    path = theirs / "x.yaml"
    if to == "hard link":
        path.hardlink_to(ours / "secret.yaml")
    elif to in ("folder", "middle"):
        link(theirs, "folder", ours)
        path = theirs / "folder" / "secret.yaml" if to == "folder" else link(theirs, "x.yaml", "folder/secret.yaml")
    else:
        where = {"file": ours / "secret.yaml", "/proc/self/cwd": f"{to}/secret.yaml", "/proc/self/fd": f"{to}/{opened}"}
        link(theirs, "x.yaml", where[to])
    try:
        with pytest.raises(UsageError, match="link"):
            read_files([str(path)])
    finally:
        os.close(opened)


def test_an_open_file_is_read_by_its_descriptor(ours: Path) -> None:
    """As `<(…)` of a shell."""
    reader, writer = os.pipe()
    os.write(writer, POD.encode())
    os.close(writer)
    opened = os.open(ours / "secret.yaml", os.O_RDONLY)
    try:
        texts = [read_files([f"/proc/self/fd/{number}"])[0].source.text for number in (reader, opened)]
        texts += [read_files([f"/dev/fd/{opened}"])[0].source.text]
    finally:
        os.close(reader)
        os.close(opened)
    assert texts == [POD, "secret: 1\n", "secret: 1\n"]


def test_a_file_that_cannot_be_given_away_does_not_run_as_the_user(theirs: Path, tmp_path: Path) -> None:
    """setuid goes with the owner only."""
    path = theirs / "pod.yaml"
    path.chmod(0o4755)
    replace_files([Replacement(path, b"new")])
    assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_uid) == (0o4755, NOBODY)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    path = path.rename(tmp_path / "shared" / "pod.yaml")
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(12345, 12345, 12345)
            os.setresuid(12345, 12345, 12345)
            replace_files([Replacement(path, b"newer")])
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode), path.stat().st_uid) == (b"newer", 0o755, 12345)
