"""What other people's systems call: the workflows of GitHub, its action, and the hooks of pre-commit."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import EXAMPLES, ROOT, Shell

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
WRONG = ROOT / "tests" / "commands" / "check" / "cases" / "every-way-to-declare-it-wrong" / "input.yaml"
ONLY_THERE = {"gh release create"}
"""Commands of workflows that publish, and so run nowhere else."""
AS_ROOT = ('sudo --preserve-env env "PATH=$PATH" ', "sudo ")
"""What stands before a target that needs root, such as one that makes a root file system."""


def without_sudo(command: str) -> str:
    """Return a command of a workflow without what makes it one of root's."""
    for words in AS_ROOT:
        command = command.removeprefix(words)
    return command


def test_the_workflows_are_right(tool: Callable[[str], Path], tmp_path: Path) -> None:
    assert len(WORKFLOWS) == 2
    lint = [tool("actionlint"), "-shellcheck=", "-pyflakes="]
    done = subprocess.run([*lint, *WORKFLOWS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    broken = tmp_path / "broken.yaml"
    broken.write_text(WORKFLOWS[0].read_text().replace("matrix.python }}", "matrix.pyton }}"))
    assert subprocess.run([*lint, broken], capture_output=True, check=False).returncode == 1


def test_every_command_of_a_workflow_is_a_target_of_make() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = [
        without_sudo(step["run"])
        for path in WORKFLOWS
        for job in yaml.safe_load(path.read_text())["jobs"].values()
        for step in job["steps"]
        if "run" in step
    ]
    made = [command.split()[1] for command in commands if command.startswith("make ")]
    assert {"check", "test", "release", "signing-key"} <= set(made) <= targets
    others = [command for command in commands if not command.startswith("make ")]
    assert [command for command in others if not any(command.startswith(known) for known in ONLY_THERE)] == []


def test_no_key_is_no_release(tmp_path: Path) -> None:
    (tmp_path / "gnupg").mkdir(mode=0o700)
    environment = {**os.environ, "SIGNING_KEY": "", "GNUPGHOME": str(tmp_path / "gnupg")}
    done = subprocess.run(["make", "signing-key"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "SIGNING_KEY is empty" in done.stderr


def test_the_action_uses_the_inputs_that_it_has() -> None:
    text = (ROOT / "action.yml").read_text()
    action = yaml.safe_load(text)
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(action["inputs"])
    assert (ROOT / action["runs"]["steps"][0]["run"].strip('"').removeprefix("$GITHUB_ACTION_PATH/")).exists()


@pytest.mark.parametrize(
    ("path", "status", "found"),
    [(EXAMPLES / "plain" / "manifests", "0", False), (WRONG, "1", True)],
    ids=["nothing-found", "found"],
)
def test_the_action_writes_findings_for_code_scanning(
    path: Path, status: str, found: bool, shell: Shell, tmp_path: Path
) -> None:
    output, sarif = tmp_path / "output", tmp_path / "findings.sarif"
    (tmp_path / "runner").mkdir()
    given = {"CHECK_PATH": str(path), "CLUSTER_VERSION": "1.30", "SARIF_FILE": str(sarif), "GITHUB_OUTPUT": str(output)}
    environment = {**shell.environment, **given, "RUNNER_TEMP": str(tmp_path / "runner")}
    command = [ROOT / "tools" / "github-check"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert output.read_text() == f"status={status}\n"
    results = json.loads(sarif.read_text())["runs"][0]["results"]
    assert bool([result for result in results if result["level"] == "error"]) is found
    assert ("::error" in done.stdout) is found


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that has this checkout as its one commit."""
    clone = tmp_path_factory.mktemp("published") / "sidecar-plugin"
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(lambda name: (ROOT / name).is_file(), listed.rstrip("\0").split("\0")):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, clone / name)
    commit(clone)
    return clone


def commit(folder: Path) -> None:
    by = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    for words in (["init", "--quiet"], ["add", "--all"], [*by, "commit", "--quiet", "--message=all"]):
        subprocess.run(["git", *words], cwd=folder, check=True)


def test_the_hooks_of_pre_commit(published: Path, tmp_path: Path) -> None:
    manifests = tmp_path / "team"
    shutil.copytree(EXAMPLES / "plain" / "manifests", manifests / "manifests")
    shutil.copy(EXAMPLES / "plain" / "sidecars.yaml", manifests)
    hooks = (
        {"id": "sidecar-plugin-check", "args": ["manifests"]},
        {"id": "sidecar-plugin-inject-diff", "args": ["--config=sidecars.yaml"], "files": "^manifests/"},
    )
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=published, capture_output=True, text=True, check=True
    ).stdout.strip()
    configuration = {"repos": [{"repo": str(published), "rev": head, "hooks": list(hooks)}]}
    (manifests / ".pre-commit-config.yaml").write_text(yaml.safe_dump(configuration))
    commit(manifests)
    environment = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "home")}

    def run() -> subprocess.CompletedProcess[str]:
        command = [Path(sys.executable).parent / "pre-commit", "run", "--all-files", "--color=never"]
        return subprocess.run(command, cwd=manifests, env=environment, capture_output=True, text=True, check=False)

    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Passed") == 2
    assert re.search(r"(?m)^\+ +- name: logging$", done.stdout)
    shutil.copy(WRONG, manifests / "manifests")
    subprocess.run(["git", "add", "--all"], cwd=manifests, check=True)
    done = run()
    assert done.returncode == 1
    assert "input.yaml:" in done.stdout
