"""Each example runs as its README says: every `$ ` line of its ```console blocks, in order, in the example's folder."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.conftest import EXAMPLES, ROOT, Shell
from tests.e2e.console import commands, run, with_helm
from tests.e2e.rendered import INJECTED

NAMES = sorted(readme.parent.name for readme in EXAMPLES.glob("*/README.md"))


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A copy of the examples, beside what they refer to, which commands may write into."""
    for name in ("examples", "kubectl-plugin", "charts"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path / "examples"


def test_every_example_has_commands() -> None:
    assert [name for name in NAMES if not commands(EXAMPLES / name / "README.md")] == []
    assert sorted(folder.name for folder in EXAMPLES.iterdir() if folder.is_dir()) == NAMES


def with_each_helm(names: list[str]) -> list[tuple[str, str]]:
    """Return (example, Helm) pairs: both Helms where an example calls Helm, also through kustomize."""
    return [
        (name, version)
        for name in names
        for version in ("helm4", "helm3")
        if version == "helm4" or any("helm" in command.line for command in commands(EXAMPLES / name / "README.md"))
    ]


@pytest.mark.parametrize(("name", "version"), with_each_helm(NAMES))
def test_the_commands_of_the_readme_run(
    name: str,
    version: str,
    examples: Path,
    shell: Shell,
    tool: Callable[[str], Path],
    request: pytest.FixtureRequest,
) -> None:
    """With Helm 3 as the READMEs say: its post-renderer is `sidecar-plugin`."""
    here = with_helm(replace(shell, folder=examples.parent), tool(version))
    here = replace(here, folder=examples / name)
    if version == "helm4":
        here = replace(here, environment={**here.environment, **request.getfixturevalue("helm4_homes")})
    outputs = []
    for command in commands(examples / name / "README.md"):
        if version == "helm3":
            line = command.line.replace("--post-renderer sidecar ", "--post-renderer sidecar-plugin ")
            command = replace(command, line=line)
        outputs.append(run(here, command))
    assert INJECTED in next(output for output in outputs if "kind: " in output)
