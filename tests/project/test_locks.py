"""tools/locks: what the Helm plugin installs is pinned by version and hash, and is all that pyproject.toml asks for."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCKS = ROOT / "tools" / "locks"


def listed(text: str, key: str) -> list[str]:
    """Return the strings of a list in pyproject.toml (Python 3.10 has no reader of TOML)."""
    found = re.search(rf"^{key} = \[(.*?)\]$", text, re.MULTILINE | re.DOTALL)
    assert found
    return re.findall(r'"([^"]+)"', found[1])


def locked(name: str) -> dict[str, list[tuple[Requirement, int]]]:
    """Return each requirement of a lock with the number of its hashes, by its name."""
    found: dict[str, list[tuple[Requirement, int]]] = {}
    for entry in (LOCKS / name).read_text().replace("\\\n", " ").splitlines():
        words, *hashes = entry.split("--hash=sha256:")
        requirement = Requirement(words.strip())
        assert all(re.fullmatch(r"[0-9a-f]{64}\s*", each) for each in hashes)
        found.setdefault(requirement.name, []).append((requirement, len(hashes)))
    return found


@pytest.mark.parametrize(("name", "key"), [("run.txt", "dependencies"), ("build.txt", "requires")])
def test_a_lock_holds_what_the_project_needs(name: str, key: str) -> None:
    lock = locked(name)
    for wanted in map(Requirement, listed((ROOT / "pyproject.toml").read_text(), key)):
        [(pinned, _)] = lock[wanted.name]
        [version] = [specifier.version for specifier in pinned.specifier]
        assert wanted.specifier.contains(version), f"{wanted} is locked at {version}: run tools/lock"


@pytest.mark.parametrize("name", ["run.txt", "build.txt"])
def test_every_file_is_pinned_by_version_and_hash(name: str) -> None:
    for entries in locked(name).values():
        for requirement, hashes in entries:
            assert [specifier.operator for specifier in requirement.specifier] == ["=="]
            assert hashes


def test_both_locks_agree() -> None:
    run, build = locked("run.txt"), locked("build.txt")
    for name in run.keys() & build.keys():
        assert [each.specifier for each, _ in run[name]] == [each.specifier for each, _ in build[name]]
