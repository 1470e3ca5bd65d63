"""Each example runs as its README says: every `$ ` line of its ```console blocks, in order, in the example's folder."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import EXAMPLES, ROOT, Shell
from rendered import INJECTED

CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"^\$ (.*)$", re.MULTILINE)
NAMES = sorted(readme.parent.name for readme in EXAMPLES.glob("*/README.md"))


def commands(readme: Path) -> list[str]:
    """Return the commands of a README."""
    return [command for block in CONSOLE.findall(readme.read_text()) for command in PROMPT.findall(block)]


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
        if version == "helm4" or any("helm" in command for command in commands(EXAMPLES / name / "README.md"))
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
    called_helm = examples.parent / "bin" / "helm"
    called_helm.parent.mkdir()
    called_helm.symlink_to(tool(version))
    environment = {**shell.environment, "PATH": f"{called_helm.parent}:{shell.environment['PATH']}"}
    if version == "helm4":
        environment |= request.getfixturevalue("helm4_homes")
    here = replace(shell, folder=examples / name, environment=environment)
    outputs = []
    for command in commands(examples / name / "README.md"):
        if version == "helm3":
            command = command.replace("--post-renderer sidecar ", "--post-renderer sidecar-plugin ")
        outputs.append(here.output("bash", "-c", command))
    assert INJECTED in outputs[0]
