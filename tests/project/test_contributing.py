"""CONTRIBUTING.md, followed to the letter on a copy of the tree: it works, and it touches the files that the page names."""

import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PARTS = (
    "sidecar_plugin", "templates", "charts", "examples", "docs", "tools", "helm-plugins", "plugin.yaml", "schemas", "tests",
    "pyproject.toml", "CONTRIBUTING.md",
)  # fmt: skip
WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "web:1"}
"""
AGENT = "container: {name: hello, image: 'hello:1', args: [{{ values.word | tojson }}], resources: {limits: {cpu: 1}}}\n"
INLINE = ("--set", "agents.own.enabled=true", "--set-file", "agents.own.template=own.yaml")
DERIVED_BY_SETTINGS = {
    "sidecar_plugin/settings/schema.json",
    "charts/sidecar-injection/values.schema.json",
    "examples/web/charts/sidecar-injection/values.schema.json",
}
DERIVED_BY_AGENTS = DERIVED_BY_SETTINGS - {"sidecar_plugin/settings/schema.json"}


class Tree:
    """A copy of the tree, in which a contributor works."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in PARTS:
            source, target = ROOT / part, folder / part
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "bin", "cases", "recorded"))
            else:
                shutil.copy2(source, target)
        self.before = {path: path.read_bytes() for path in self._files()}

    def _files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]

    def write(self, name: str, text: str) -> None:
        """Write a file of the contributor's."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace one piece of a file's text."""
        text = (self.folder / name).read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))

    def run(self, *words: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy."""
        environment = {
            **os.environ,
            **variables,
            "PYTHONPATH": str(self.folder),
            "SIDECAR_PLUGIN_CACHE": "off",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.run(
            [sys.executable, *words], cwd=self.folder, env=environment, input=stdin, capture_output=True, text=True, check=False
        )

    def program(self, *words: str, stdin: str = "", status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run the copy's program to that exit status."""
        done = self.run("-m", "sidecar_plugin", *words, stdin=stdin)
        assert done.returncode == status, done.stderr
        return done

    def derive(self) -> None:
        """Run tools/derive."""
        done = self.run("tools/derive")
        assert done.returncode == 0, done.stderr

    def changed(self) -> set[str]:
        """Return the files that differ from those of the start, by their paths."""
        return {
            str(path.relative_to(self.folder)) for path in self._files() if self.before.get(path) != path.read_bytes()
        }  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "tree")


def test_the_copy_is_the_tree(tree: Tree) -> None:
    assert filecmp.cmp(ROOT / "CONTRIBUTING.md", tree.folder / "CONTRIBUTING.md", shallow=False)
    where = tree.run("-c", "import sidecar_plugin; print(sidecar_plugin.__file__)").stdout
    assert where.startswith(str(tree.folder))


def test_add_an_agent(tree: Tree) -> None:
    files = {
        "agent.yaml.j2": AGENT,
        "values.yaml": "# What it says.\nword: hello\n",
        "values.schema.json": json.dumps({"properties": {"word": {"type": "string"}}, "additionalProperties": False}),
        "README.md": "# hello\n\nSays a word.\n",
    }  # fmt: skip
    for name, text in files.items():
        tree.write(f"templates/hello/{name}", text)
    tree.derive()
    assert tree.changed() == {*(f"templates/hello/{name}" for name in files), *DERIVED_BY_AGENTS}
    enabled = ("--cluster-version=1.30", "--set", "agents.hello.enabled=true")
    assert "hello       Says a word" in tree.program("agents").stdout
    assert "image: hello:1" in tree.program(*enabled, stdin=WORKLOAD).stdout
    wrong = tree.program(*enabled, "--set", "agents.hello.wrod=x", stdin=WORKLOAD, status=1)
    assert 'did you mean "word"' in wrong.stderr


def test_add_a_workload_kind(tree: Tree) -> None:
    kind = "apiVersion: made.example.com/v1\nkind: MadeUp\nmetadata: {name: example}\nspec:\n  parts:\n  - template:\n"
    example = f"{kind}      spec:\n        containers:\n        - {{name: app, image: 'app:1'}}\n"
    folder = "tests/kubernetes/kinds/made.example.com_MadeUp"
    tree.edit(
        "sidecar_plugin/kubernetes/workload_kinds.py",
        "TABLE: tuple[WorkloadKind, ...] = (\n",
        'TABLE: tuple[WorkloadKind, ...] = (\n    _row("made.example.com", "MadeUp", "spec.parts[*].template", source="x"),\n',
    )
    tree.write(f"{folder}/input.yaml", example)
    tree.derive()
    test = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "MadeUp", "tests/kubernetes/test_workload_kinds.py")
    done = tree.run(*test, UPDATE_CASES="1")
    assert done.returncode == 0, done.stdout
    named = {
        "sidecar_plugin/kubernetes/workload_kinds.py",
        f"{folder}/input.yaml",
        f"{folder}/expected.yaml",
        "docs/workloads.md",
    }
    assert tree.changed() == named
    assert "restartPolicy: Always" in (tree.folder / folder / "expected.yaml").read_text()
    tree.write("own.yaml", "container: {name: own, image: 'own:1'}")
    assert "image: own:1" in tree.program("--cluster-version=1.30", *INLINE, stdin=example).stdout


def test_the_row_of_a_rollout_is_all_that_injects_one(tree: Tree) -> None:
    table = tree.folder / "sidecar_plugin/kubernetes/workload_kinds.py"
    with_row = table.read_text()
    without_row, count = re.subn(r'    _row\("argoproj\.io", "Rollout", .*\),\n', "", with_row)
    assert count == 1
    rollout = WORKLOAD.replace("apps/v1", "argoproj.io/v1alpha1").replace("Deployment", "Rollout")
    tree.write("own.yaml", "container: {name: own, image: 'own:1'}")
    table.write_text(without_row)
    passed_over = tree.program("--cluster-version=1.30", *INLINE, stdin=rollout)
    assert passed_over.stdout == rollout
    assert "Rollout" in passed_over.stderr
    table.write_text(with_row)
    assert "image: own:1" in tree.program("--cluster-version=1.30", *INLINE, stdin=rollout).stdout


DECLARATION = '''"""`made`: a regular container with the variable MADE_UP."""

from collections.abc import Mapping
from typing import Any, ClassVar

from sidecar_plugin.kubernetes.declarations.protocol import Declaration, Finding, SeenContainer, Target, with_variables


class _Made:
    name = "made"
    list_name = "containers"
    position = "last"
    marks = ("MADE_UP",)
    variables: ClassVar[Mapping[str, str]] = {"MADE_UP": "yes"}
    listed_in = ()
    is_ordered = True
    exit_code_counts = True

    def declare(self, container: dict[str, Any]) -> dict[str, Any]:
        return with_variables(container, self.variables)

    def recognises(self, container: SeenContainer) -> bool:
        return container.variables.get("MADE_UP") == "yes"

    def check(self, target: Target) -> Finding | None:
        return None


DECLARATION: Declaration = _Made()
'''


def test_add_a_declaration(tree: Tree) -> None:
    registry = "sidecar_plugin/kubernetes/declarations/__init__.py"
    tree.write("sidecar_plugin/kubernetes/declarations/made.py", DECLARATION)
    tree.edit(registry, "import acs, bci, eci, native, regular", "import acs, bci, eci, made, native, regular")
    tree.edit(registry, "eci.DECLARATION, bci.DECLARATION)", "eci.DECLARATION, bci.DECLARATION, made.DECLARATION)")
    tree.derive()
    assert tree.changed() == {"sidecar_plugin/kubernetes/declarations/made.py", registry, *DERIVED_BY_SETTINGS}
    assert "eci, bci or made" in help_of(tree)
    tree.write("own.yaml", "container: {name: own, image: 'own:1', resources: {limits: {cpu: 1, memory: 1Gi}}}")
    made = ("--cluster-version=1.30", "--platform=kubernetes", "--declaration=made", *INLINE)
    job = (
        WORKLOAD.replace("apps/v1", "batch/v1")
        .replace("Deployment", "Job")
        .replace("  selector: {matchLabels: {app: web}}\n", "")
    )
    job = job.replace("      containers:", "      restartPolicy: Never\n      containers:")
    injected = tree.program(*made, stdin=job)
    assert "MADE_UP" in injected.stdout
    assert "Job/web   own     made" in injected.stderr
    assert tree.program(*made, stdin=injected.stdout).stdout == injected.stdout
    # check knows it: the Job's sidecar is not called a regular one.
    judged = tree.program("check", "--platform=kubernetes", "--cluster-version=1.30", "-", stdin=injected.stdout)
    assert "regular-sidecar-on-job" not in judged.stdout
    assert "regular-sidecar-on-job" in tree.run(
        "-m", "sidecar_plugin", "check", "--platform=kubernetes", "--cluster-version=1.30", "-",
        stdin=injected.stdout.replace("MADE_UP", "OTHER"),
    ).stdout  # fmt: skip
    # convert writes it and takes it out again, and finds its own text.
    native = tree.program("convert", "--to=native", "--platform=kubernetes", "-", stdin=injected.stdout)
    assert "MADE_UP" not in native.stdout
    assert "was made" in native.stderr
    assert tree.program("convert", "--to=made", "--platform=kubernetes", "-", stdin=native.stdout).stdout == injected.stdout
    # verify finds it in the pod that runs.
    running = tree.program(*made, stdin=POD).stdout
    assert "own    made         first" in tree.program("verify", "-", stdin=json.dumps(as_in_the_cluster(running))).stdout
    lost = tree.program("verify", "-", stdin=json.dumps(as_in_the_cluster(running.replace("MADE_UP", "OTHER"))), status=1)
    assert "injected as made and is regular now" in lost.stdout


POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - {name: web, image: "web:1"}
"""


def as_in_the_cluster(manifest: str) -> dict[str, object]:
    """Return what kubectl shows of a pod all of whose containers run."""
    pod = yaml.safe_load(manifest)
    since = "2026-01-01T00:00:00Z"
    statuses = [
        {
            "name": container["name"], "ready": True, "started": True, "restartCount": 0, "image": container["image"],
            "state": {"running": {"startedAt": since}},
        }
        for container in pod["spec"]["containers"]
    ]  # fmt: skip
    conditions = [{"type": name, "status": "True", "lastTransitionTime": since} for name in ("Initialized", "Ready")]
    pod["status"] = {"phase": "Running", "startTime": since, "conditions": conditions, "containerStatuses": statuses}
    return {"apiVersion": "v1", "kind": "List", "items": [pod]}


def help_of(tree: Tree) -> str:
    """Return the help of `inject` as one line."""
    return " ".join(tree.program("inject", "--help").stdout.split())


PLATFORM = '''"""`made`: a made-up platform."""

from sidecar_plugin.kubernetes.platforms.protocol import Platform

PLATFORM = Platform(
    name="made",
    title="Made Up",
    source="https://example.com",
    from_native="native",
    before_native="regular",
    runs_daemonsets=False,
    pod_labels=(("made.example.com/pod", ""),),
)
'''
PAGE = "docs/platforms.md"


def test_add_a_platform(tree: Tree) -> None:
    registry = "sidecar_plugin/kubernetes/platforms/__init__.py"
    tree.write("sidecar_plugin/kubernetes/platforms/made.py", PLATFORM)
    tree.edit(registry, '"autopilot", "aci")', '"autopilot", "aci", "made")')
    tree.edit(PAGE, "| `kubernetes` | any", "| `made` | Made Up | `regular` | `native` |\n| `kubernetes` | any")
    tree.derive()
    assert tree.changed() == {"sidecar_plugin/kubernetes/platforms/made.py", registry, PAGE, *DERIVED_BY_SETTINGS}
    tree.write("own.yaml", "container: {name: own, image: 'own:1'}")
    for version, declaration in (("1.30", "native"), ("1.28", "regular")):
        done = tree.program("--platform=made", f"--cluster-version={version}", *INLINE, stdin=WORKLOAD)
        assert f"Deployment/web  own     {declaration}" in done.stderr
    assert "aci or made" in help_of(tree)
    daemonset = WORKLOAD.replace("Deployment", "DaemonSet")
    assert "Made Up runs no DaemonSets" in tree.program("check", "--platform=made", "-", stdin=daemonset).stdout
    on_host = WORKLOAD.replace(
        "labels: {app: web}}\n    spec:", "labels: {made.example.com/pod: x}}\n    spec:\n      hostPID: true"
    )
    assert "which Made Up does not have" in tree.program("check", "-", stdin=on_host, status=1).stdout


RULE = '''"""an image with the tag latest

Which program runs then depends on the day.

Passes:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - {name: web, image: "web:1"}

Fails:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - {name: web, image: "web:latest"}

Source: https://kubernetes.io/docs/concepts/containers/images/#image-names.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem, text, who

ID = "made-up"
LEVEL = "error"
NEEDS: tuple[str, ...] = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    for container in subject.containers:
        if text(container.node, "image").endswith(":latest"):
            yield Problem(container.node, container.field(subject.pod, "image"), f"{who(container)} has no version", "name one")
'''


def test_add_a_rule(tree: Tree) -> None:
    rules = "sidecar_plugin/commands/check/rules"
    tree.write(f"{rules}/made_up.py", RULE)
    tree.edit(
        f"{rules}/__init__.py",
        "    native_sidecar_stripped,\n    one_name_twice,",
        "    made_up,\n    native_sidecar_stripped,\n    one_name_twice,",
    )
    tree.edit(
        f"{rules}/__init__.py", "    daemonset_past_virtual_nodes,\n)\n", "    daemonset_past_virtual_nodes,\n    made_up,\n)\n"
    )
    assert tree.run("-m", "sidecar_plugin.commands.check.rules").returncode == 0
    assert tree.changed() == {f"{rules}/made_up.py", f"{rules}/__init__.py", "docs/rules.md"}
    assert "made-up" in tree.program("check", "--list").stdout
    wrong = WORKLOAD.replace('image: "web:1"', 'image: "web:latest"')
    assert "made-up" in tree.program("check", "--select=made-up", "-", stdin=wrong, status=1).stdout
    assert "made-up" not in tree.program("check", "--select=made-up", "-", stdin=WORKLOAD).stdout
    assert "made-up" in (tree.folder / "docs/rules.md").read_text()


COMMAND = '''"""`sidecar-plugin greet`: says hello."""

from argparse import ArgumentParser, Namespace

from sidecar_plugin.commands import Command
from sidecar_plugin.runtime.console import write


class _Greet:
    summary = "says hello"
    description = "Say hello."

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", default="you", help="whom to greet")

    def run(self, arguments: Namespace) -> int:
        write(f"hello {arguments.name}\\\\n".encode())
        return 0


COMMAND: Command = _Greet()
'''.replace("\\\\n", "\\n")


def test_add_a_command(tree: Tree) -> None:
    registry = "sidecar_plugin/commands/__init__.py"
    tree.write("sidecar_plugin/commands/greet.py", COMMAND)
    tree.edit(registry, '    "helm": "helm.command",\n', '    "helm": "helm.command",\n    "greet": "greet",\n')
    assert tree.changed() == {"sidecar_plugin/commands/greet.py", registry}
    assert tree.program("greet", "--name", "world").stdout == "hello world\n"
    assert "says hello" in tree.program("--help").stdout
    assert "greet" in tree.program("completion", "bash").stdout
