"""tools/locks: what the Helm plugin and the container image install is pinned, and is all that pyproject.toml asks for."""

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


def steps() -> list[str]:
    """Return the instructions of the Containerfile, each as one line."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Containerfile").read_text(), flags=re.MULTILINE)
    return [step for step in text.replace("\\\n", " ").splitlines() if step.strip()]


def test_the_image_begins_with_one_that_a_digest_names() -> None:
    [base] = [step for step in steps() if step.startswith("ARG BASE=")]
    assert re.search(r"@sha256:[0-9a-f]{64}$", base)
    assert {step.split()[1] for step in steps() if step.startswith("FROM ")} == {"$BASE"}


def test_the_image_installs_what_the_locks_hold_and_the_program() -> None:
    commands = [part for step in steps() for part in re.split(r"&&|;", step) if " install " in part and "apt-get" not in part]
    from_index = [command for command in commands if "--no-deps --no-build-isolation" not in command]
    assert {re.search(r"--requirement (\S+)$", command.strip())[1] for command in from_index} == {  # type: ignore[index]
        "tools/locks/build.txt",
        "tools/locks/run.txt",
    }
    assert all("--require-hashes --only-binary :all:" in command for command in from_index)
    [program] = set(commands) - set(from_index)
    assert program.strip().endswith(" /src")


def test_the_image_is_given_what_it_copies() -> None:
    given = {line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")}
    copied = {word for step in steps() if step.startswith("COPY ") and "--from" not in step for word in step.split()[1:-1]}
    assert copied == given
