"""Values, schemas and names that others wrote: each pod keeps its own values, and nothing takes more than it may."""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sidecar_plugin.agents import sandbox_process
from sidecar_plugin.agents.agent import TEMPLATE, VALUES_SCHEMA, Agent, AgentFolder
from sidecar_plugin.errors import TemplateError

INJECTION = {"apiVersion": "sidecar-plugin.dev/v1alpha1", "kind": "SidecarInjection", "metadata": {"name": "s"}}
SHOWS_V = "container: {name: a, image: x, env: [{name: V, value: {{ values.v | tojson | tojson }}}]}"
MAX_MEMORY = 300_000  # KB
SOON = 20  # seconds, on a machine that is busy
LIMITED = """
import resource, sys, subprocess
done = subprocess.run([sys.executable, "-m", "sidecar_plugin", *sys.argv[1:]], capture_output=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.stderr.buffer.write(done.stderr)
sys.exit(done.returncode)
"""


def pod(annotations: dict[str, str], name: str = "web") -> dict[str, Any]:
    metadata = {"name": name, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [{"name": "app", "image": "x"}]}}


def refused(tmp_path: Path, spec: dict[str, Any], manifest: dict[str, Any], *words: str) -> str:
    """Return the error of an injection, which took little time and memory."""
    (tmp_path / "config.yaml").write_text(json.dumps({**INJECTION, "spec": {"clusterVersion": "1.30", **spec}}))
    (tmp_path / "pod.yaml").write_text(json.dumps(manifest))
    command = [sys.executable, "-c", LIMITED, "inject", "--config", "config.yaml", *words, "pod.yaml"]
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert time.monotonic() - started < SOON
    assert int(done.stdout) < MAX_MEMORY
    assert done.returncode == 1
    assert done.stderr.startswith("sidecar-plugin: error: "), done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 5000
    return done.stderr


VALUES = [True, 1, 1.0, "1", "true", None, False, 0, 0.0, "", [], {}, [1], [True], {"a": 1}, {"a": 1.0}, {"a": [True]}]


def test_each_pod_gets_its_own_value(tmp_path: Path) -> None:
    """In Python true, 1 and 1.0 are equal."""
    spec = {"clusterVersion": "1.30", "agents": {"a": {"enabled": True, "template": SHOWS_V.replace("values.v", "values")}}}
    (tmp_path / "config.yaml").write_text(json.dumps({**INJECTION, "spec": spec}))
    given = [{"v": value} for value in VALUES]
    documents = [pod({"sidecar-plugin.dev/values.a": json.dumps(one)}, f"p{index}") for index, one in enumerate(given)]
    (tmp_path / "pods.yaml").write_text("\n---\n".join(map(json.dumps, documents)))
    command = [sys.executable, "-m", "sidecar_plugin", "inject", "--config", "config.yaml", "pods.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    injected = [json.loads(text) for text in done.stdout.split("\n---\n")]
    shown = [one["spec"]["initContainers"][0]["env"][0]["value"] for one in injected]
    assert shown == [json.dumps({} if one["v"] is None else one) for one in given]


@pytest.mark.parametrize("odd", ["a b", "é", "a\u0001", "x" * 300, "<<"], ids=ascii)
@pytest.mark.parametrize("where", ["agents", "agents.logging", "targets", "headers", "container", "labels", "workloads"])
def test_many_odd_names_in_settings_are_refused_soon_and_small(tmp_path: Path, odd: str, where: str) -> None:
    names: dict[str, Any] = {f"{odd}{index}": "x" for index in range(54_000 // (len(odd) + 6))}
    logging: dict[str, Any] = {"enabled": True, "output": {"type": "http", "host": "h"}}
    spec: dict[str, Any] = {"agents": {"logging": logging}}
    if where == "agents":
        spec["agents"] = {**{name: {} for name in names}, "logging": logging}
    elif where == "agents.logging":
        logging.update(names)
    elif where == "targets":
        spec["targets"] = [names]
    elif where == "headers":
        logging["output"]["headers"] = dict.fromkeys(names, 1)
    elif where == "container":
        logging["container"] = names
    elif where == "labels":
        spec["targets"] = [{"labelSelector": 1, **names}]
    else:
        spec["workloads"] = [names]
    refused(tmp_path, spec, pod({}))


@pytest.mark.parametrize("odd", ["a b", "a\u0001", "x" * 300, "a"], ids=ascii)
def test_many_odd_names_in_an_annotation_are_refused_soon_and_small(tmp_path: Path, odd: str) -> None:
    values = {"output": {"headers": {f"{odd}{index}": 1 for index in range(54_000 // (len(odd) + 6))}}}
    spec = {"agents": {"logging": {"enabled": True}}}
    assert "pod.yaml" in refused(tmp_path, spec, pod({"sidecar-plugin.dev/values.logging": json.dumps(values)}))


def exponential(depth: int) -> dict[str, Any]:
    steps = {f"a{index}": {"allOf": [{"$ref": f"#/$defs/a{index + 1}"}] * 2} for index in range(depth)}
    return {"$ref": "#/$defs/a0", "$defs": {**steps, f"a{depth}": {"type": "object"}}}


SCHEMAS: dict[str, Any] = {
    "takes exponential time": exponential(40),
    "is nested too deep": "[" * 100_000 + "]" * 100_000,
    "is not JSON": "{",
    "is not a schema": {"type": 1},
    "refers to a file": {"$ref": "file:///etc/passwd"},
    "has a costly pattern": {"properties": {"v": {"pattern": "^(a+)+(?=b)$"}}},
}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())
def test_a_schema_of_a_folder_is_bounded(tmp_path: Path, schema: Any) -> None:
    own = tmp_path / "agents" / "own"
    own.mkdir(parents=True)
    (own / TEMPLATE).write_text("container: {name: o, image: x}")
    (own / "values.yaml").write_text(f"v: {'a' * 5000}\n")
    (own / VALUES_SCHEMA).write_text(schema if isinstance(schema, str) else json.dumps(schema))
    assert "own" in refused(tmp_path, {"agents": {"own": {"enabled": True}}}, pod({}), "--templates", "agents")


def agent(template: str) -> Agent:
    return Agent(AgentFolder("evil", "evil", template, lambda: {TEMPLATE: template}, is_inline=True))


def test_all_templates_of_a_run_share_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    monkeypatch.setattr(sandbox_process, "RUN_SECONDS", 1)
    for _ in range(2):
        with pytest.raises(TemplateError, match="together"):
            agent(endless).render((), {"cluster": {}}, dict)
    sandbox_process.new_run()
    assert agent("container: {name: a, image: x}").render((), {"cluster": {}}, dict).container["name"] == "a"


def test_the_limits_are_of_the_process_of_templates_alone() -> None:
    before = [resource.getrlimit(limit) for limit in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NOFILE)]
    agent("container: {name: a, image: x}").render((), {"cluster": {}}, dict)
    after = [resource.getrlimit(limit) for limit in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NOFILE)]
    assert before == after


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("enabld", "enabled"),
        ("targts", "targets"),
        ("containr", "container"),
        ("positon", "position"),
        ("tempalte", "template"),
    ],
)
def test_a_misspelt_setting_of_an_agent_is_named(tmp_path: Path, typed: str, meant: str) -> None:
    assert f'did you mean "{meant}"' in refused(tmp_path, {"agents": {"logging": {"enabled": True, typed: True}}}, pod({}))


def test_a_misspelt_key_of_a_values_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("image: x\nsidecar: {agents: {logging: {enabled: true}}}\n")
    said = refused(tmp_path, {}, pod({}), "--strict", "--values", "values.yaml")
    assert "values.yaml:2:1" in said
    assert '"sidecar"' in said
