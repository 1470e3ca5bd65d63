"""What is kept between runs changes nothing but the time a run takes."""

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from sidecar_plugin.runtime.cache import MAX_ENTRIES, MAX_FILES, Memo
from tests.support.other_user import NEEDS_ROOT, give

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n    image: x\n"
SETTINGS = ["--set", "clusterVersion=1.30,agents.logging.enabled=true", "--report", "none"]


def run(cache: str, *words: str, data: str = POD) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SIDECAR_PLUGIN_CACHE": cache}
    command = [sys.executable, "-m", "sidecar_plugin", *(words or SETTINGS)]
    return subprocess.run(command, input=data, capture_output=True, text=True, env=environment, check=False)


def said(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr


def entries(path: Path) -> dict[str, str]:
    """Return what a file of kept results holds."""
    loaded: dict[str, str] = json.loads(path.read_bytes().partition(b"\n")[2])
    return loaded


def keep(path: Path, entries: dict[str, str]) -> None:
    """Write such a file."""
    data = json.dumps(entries).encode()
    path.write_bytes(f"{zlib.crc32(data):08x}\n".encode() + data)


def test_a_second_run_gives_the_same(tmp_path: Path) -> None:
    cold = run(str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 1
    assert said(run(str(tmp_path))) == said(cold)
    assert said(run("off")) == said(cold)


def test_an_error_is_found_again(tmp_path: Path) -> None:
    words = ["--set", "clusterVersion=1.30,agents.logging.enabled=true,agents.logging.imag=x"]
    first = run(str(tmp_path), *words)
    assert first.returncode == 1
    assert said(run(str(tmp_path), *words)) == said(first)


def test_the_folder_is_the_users_own(tmp_path: Path) -> None:
    run(str(tmp_path / "cache"))
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "cache").iterdir()] == [0o600]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"a": 1}', "\0", "[" * 100_000])
def test_a_damaged_file_is_one_that_is_not_there(tmp_path: Path, damage: str) -> None:
    expected = run(str(tmp_path)).stdout
    (path,) = tmp_path.iterdir()
    path.write_text(damage)
    done = run(str(tmp_path))
    assert (done.stdout, done.stderr) == (expected, "")
    assert entries(path)


def test_a_file_of_the_users_own_is_read(tmp_path: Path) -> None:
    """Else the tests of what is not read would prove nothing."""
    run(str(tmp_path))
    (path,) = tmp_path.iterdir()
    keep(path, {key: text.replace("fluent/fluent-bit", "fluent/kept") for key, text in entries(path).items()})
    assert "fluent/kept" in run(str(tmp_path)).stdout


def test_a_file_with_a_bit_turned_is_one_that_is_not_there(tmp_path: Path) -> None:
    expected = run(str(tmp_path)).stdout
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for at in range(0, len(whole), len(whole) // 25):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        done = run(str(tmp_path))
        assert (done.stdout, done.stderr) == (expected, "")
        assert path.read_bytes() == whole


def test_a_file_that_others_can_write_to_is_not_read(tmp_path: Path) -> None:
    expected = run(str(tmp_path)).stdout
    (path,) = tmp_path.iterdir()
    keep(
        path,
        {key: "container: {name: evil, image: evil}" if "rendered" in key else text for key, text in entries(path).items()},
    )
    path.chmod(0o666)
    assert run(str(tmp_path)).stdout == expected


@pytest.mark.parametrize("linked", ["entry", "hard link of an entry that others can write"])
def test_a_linked_entry_is_not_read(tmp_path: Path, linked: str) -> None:
    cache, elsewhere = tmp_path / "cache", tmp_path / "elsewhere"
    expected = run(str(cache)).stdout
    (path,) = cache.iterdir()
    keep(elsewhere, {key: text.replace("fluent/fluent-bit", "fluent/evil") for key, text in entries(path).items()})
    path.unlink()
    if linked == "entry":
        path.symlink_to(elsewhere)
    else:
        elsewhere.chmod(0o666)
        path.hardlink_to(elsewhere)
    assert run(str(cache)).stdout == expected


def test_a_folder_that_others_can_write_to_is_not_used(tmp_path: Path) -> None:
    expected = run(str(tmp_path / "cache")).stdout
    (path,) = (tmp_path / "cache").iterdir()
    keep(path, {key: text.replace("fluent/fluent-bit", "fluent/evil") for key, text in entries(path).items()})
    (tmp_path / "cache").chmod(0o777)
    assert run(str(tmp_path / "cache")).stdout == expected
    path.unlink()
    run(str(tmp_path / "cache"))
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_folder_by_way_of_a_link_of_the_users_own_is_used(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("folder")
    run(str(tmp_path / "link"))
    assert len(list((tmp_path / "folder").iterdir())) == 1


def test_a_stale_scratch_file_does_not_stop_saving(tmp_path: Path) -> None:
    """As a killed run of the same process number left it; and it goes when the folder is pruned."""
    run(str(tmp_path))
    (path,) = tmp_path.iterdir()
    path.unlink()
    for number in range(1, MAX_FILES + 10):
        Path(f"{path}.{number}").write_text("")
    run(str(tmp_path))
    assert path.exists()
    assert len(list(tmp_path.iterdir())) == MAX_FILES + 1


def test_an_agent_edited_to_the_same_size_and_time_is_rendered_anew(tmp_path: Path) -> None:
    template = tmp_path / "agents" / "own" / "agent.yaml.j2"
    template.parent.mkdir(parents=True)
    words = ["--templates", str(tmp_path / "agents"), "--set", "clusterVersion=1.30,agents.own.enabled=true"]
    for image in ("one", "two"):
        template.write_text(f"container: {{name: own, image: {image}}}\n")
        os.utime(template, (0, 0))
        assert f"image: {image}" in run(str(tmp_path / "cache"), *words).stdout


def test_a_folder_that_cannot_be_made_is_left_alone() -> None:
    done = run("/proc/no-such-folder")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_folder_does_not_grow_for_ever(tmp_path: Path) -> None:
    for index in range(MAX_FILES + 10):
        (tmp_path / f"0.1.0-{index:08x}.json").write_text("{}")
    run(str(tmp_path))
    assert len(list(tmp_path.iterdir())) == MAX_FILES + 1


def test_a_memo_does_not_grow_for_ever() -> None:
    memo = Memo()
    for index in range(MAX_ENTRIES + 10):
        memo.put(str(index), "x")
    assert len(memo.used) == MAX_ENTRIES
    assert memo.get(str(MAX_ENTRIES + 1)) is None


@pytest.mark.skipif(os.geteuid() != 0, reason=NEEDS_ROOT)
@pytest.mark.parametrize("linked", ["link", "hard link"])
def test_an_entry_of_ones_own_that_is_linked_into_a_folder_of_another_user_is_not_read(tmp_path: Path, linked: str) -> None:
    own, theirs = tmp_path / "own", tmp_path / "theirs"
    expected = run(str(own)).stdout
    (path,) = own.iterdir()
    keep(path, {key: text.replace("fluent/fluent-bit", "fluent/evil") for key, text in entries(path).items()})
    assert "fluent/evil" in run(str(own)).stdout
    theirs.mkdir()
    if linked == "link":
        (theirs / path.name).symlink_to(path)
    else:
        (theirs / path.name).hardlink_to(path)
    give(theirs)
    assert run(str(theirs)).stdout == expected
    assert os.listdir(theirs) == [path.name]
