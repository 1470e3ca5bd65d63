"""The house: imports run down one list, and a run imports nothing it does not need."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "sidecar_plugin"
FLOORS = [
    ["__main__"],
    ["program"],
    ["cli"],
    ["commands", "completions"],
    ["helm_runs"],
    ["helm_values"],
    ["post_renderer", "krm_function", "files", "agent_listing", "policy_export", "daemonset_files", "editor_schema"],
    ["rules", "linting", "krm_results"],
    ["command_line"],
    ["verification"],
    ["run"],
    ["scopes"],
    ["agent_folders", "memo_file"],
    ["injector", "admission_policy", "agent_writing"],
    ["brought"],
    ["pod_writer", "streams", "policy_patch", "conversion"],
    ["policy_marker"],
    ["policy_agents", "cel"],
    ["pod_patch", "pod_agents", "sidecars"],
    ["daemonset_agent"],
    ["daemonset_volumes"],
    ["marker", "selectors", "agents", "daemonsets", "node_access"],
    ["agent_parts"],
    ["sandbox_process"],
    ["sandbox"],
    ["workloads"],
    ["fields"],
    ["declarations"],
    ["platforms"],
    ["config"],
    ["helm_charts"],
    ["document"],
    ["pieces"],
    ["parsing"],
    ["schemas", "plain_data", "nodes", "values", "cluster_version", "results", "quantities"],
    ["memo", "source", "libyaml", "lines", "writing", "diffs", "helm_program", "progress"],
    ["errors", "signals"],
]
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}
MODULES = sorted(PACKAGE.rglob("*.py"))


def house_name(module: str) -> str:
    return module.removeprefix("sidecar_plugin.").split(".")[0]


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sidecar_plugin"):
            if node.module == "sidecar_plugin":
                names |= {alias.name for alias in node.names} - {"__version__"}
            else:
                names.add(house_name(node.module))
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_down_the_house(path: Path) -> None:
    if path == PACKAGE / "__init__.py":
        return
    own = house_name(".".join(path.relative_to(PACKAGE).with_suffix("").parts))
    for name in imported(path) - {own}:
        assert FLOOR[name] >= FLOOR[own], f"{own} imports {name}, which is above it"


CORE = [
    "scopes",
    "helm_charts",
    "injector",
    "brought",
    "streams",
    "conversion",
    "sidecars",
    "pod_agents",
    "pod_writer",
    "pod_patch",
    "marker",
    "selectors",
    "agents",
    "agent_parts",
    "workloads",
    "fields",
    "declarations",
    "platforms",
    "document",
    "nodes",
    "pieces",
    "parsing",
    "source",
]


@pytest.mark.parametrize(
    "path", [path for path in MODULES if house_name(".".join(path.relative_to(PACKAGE).with_suffix("").parts)) in CORE]
)
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
    code = "import sys; from sidecar_plugin.cli import main; main(); print(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-I", "-c", code, *settings, "--report", "none"]
    for _ in range(2):
        done = subprocess.run(command, input=PODS, capture_output=True, env={"SIDECAR_PLUGIN_CACHE": str(tmp_path)}, check=True)
    assert done.stdout.count(b"- name: logging\n") == 2
    bare = subprocess.run([sys.executable, "-I", "-c", "import sys; print(*sys.modules)"], capture_output=True, check=True)
    modules = set(done.stderr.decode().split()) - set(bare.stdout.decode().split())
    assert not modules & set(HEAVY)
