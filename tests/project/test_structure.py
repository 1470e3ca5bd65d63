"""The structure of the package: wings that import in one direction, commands that do not import each other, short modules.

Nothing here is a hand-kept list: the wings are the entries of the folder, and their order is derived from the imports.
"""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "sidecar_plugin"
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_MODULE = 300
MAX_CLASS = 200
MAX_ENTRIES = 10


def wing_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[tuple[str, ...]]:
    """Return the modules of the package that a module imports, each as its steps below `sidecar_plugin`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "sidecar_plugin":
            steps = tuple(node.module.split(".")[1:])
            found |= {(*steps, alias.name) for alias in node.names} - {("__version__",)}
    return found


def wing_imports() -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {}
    for path in MODULES:
        wing = wing_of(path)
        if not wing.startswith("__"):
            graph.setdefault(wing, set()).update(steps[0] for steps in imported(path) if steps[0] != wing)
    return graph


def test_the_wings_can_be_put_in_one_order() -> None:
    """Raises CycleError, which names the wings, when an import runs upwards."""
    order = list(TopologicalSorter(wing_imports()).static_order())
    assert order[0] == "errors"
    assert order[-1] == "frontends"


def test_the_drawing_of_the_architecture_is_an_order_of_the_imports() -> None:
    drawing = (PACKAGE.parent / "docs" / "architecture.md").read_text().partition("```\n")[2].partition("```")[0]
    drawn = [line.split()[0] for line in drawing.splitlines() if line.strip(" |")]
    graph = wing_imports()
    assert sorted(drawn) == sorted(graph)
    for wing, imports in graph.items():
        below = drawn[drawn.index(wing) + 1 :]
        assert imports <= set(below), f"{wing} imports {imports - set(below)}, drawn above it"


def test_the_package_has_few_entries() -> None:
    entries = [entry.name for entry in PACKAGE.iterdir() if not entry.name.startswith(("_", "."))]
    assert len([name for name in entries if name != "py.typed"]) <= MAX_ENTRIES


def command_of(steps: tuple[str, ...]) -> str:
    """Return the command that a module belongs to, "" for one that belongs to none."""
    below = PACKAGE / "commands"
    if len(steps) < 2 or steps[0] != "commands" or steps[1] == "arguments":
        return ""
    return steps[1] if (below / steps[1]).is_dir() or (below / f"{steps[1]}.py").exists() else ""


@pytest.mark.parametrize("path", sorted((PACKAGE / "commands").rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_command_imports_another(path: Path) -> None:
    own = command_of(path.relative_to(PACKAGE).with_suffix("").parts)
    others = {command_of(steps) for steps in imported(path)} - {"", own}
    assert not others, f"{path.relative_to(PACKAGE)} imports {others}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_and_classes_read_in_one_sitting(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            assert (node.end_lineno or 0) - node.lineno < MAX_CLASS, node.name


PURE = ("yamledit", "kubernetes", "injection")
"""Wings that take and return data. The others touch the system."""


@pytest.mark.parametrize("path", [path for path in MODULES if wing_of(path) in PURE], ids=lambda path: path.name)
def test_the_core_does_no_input_or_output(path: Path) -> None:
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"open", "print", "input"}


SETTINGS = ["--set", "clusterVersion=1.30,agents.logging.enabled=true"]
POD = b"apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n    image: x\n"
PODS = POD + b"---\n" + POD.replace(b"web", b"api")
INLINE = [*SETTINGS[:1], "clusterVersion=1.30,agents.a.enabled=true,agents.a.template=container: {name: logging\\, image: x}"]
HEAVY = ["jinja2", "jsonschema_rs", "jsonschema", "jsonmerge", "argparse", "pathlib", "yaml.scanner", "dataclasses", "inspect"]


@pytest.mark.parametrize("settings", [SETTINGS, INLINE], ids=["looks at the workload", "does not"])
def test_a_run_like_an_earlier_one_imports_nothing_heavy(tmp_path: Path, settings: list[str]) -> None:
    code = "import sys; from sidecar_plugin.frontends.cli import main; main(); print(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-I", "-c", code, *settings, "--report", "none"]
    for _ in range(2):
        done = subprocess.run(command, input=PODS, capture_output=True, env={"SIDECAR_PLUGIN_CACHE": str(tmp_path)}, check=True)
    assert done.stdout.count(b"- name: logging\n") == 2
    bare = subprocess.run([sys.executable, "-I", "-c", "import sys; print(*sys.modules)"], capture_output=True, check=True)
    modules = set(done.stderr.decode().split()) - set(bare.stdout.decode().split())
    assert not modules & set(HEAVY)
