"""`resourcesPreset`: the size of one agent or of all, by name."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from sidecar_plugin.kubernetes.quantities import PRESETS, parse_quantity, scaled
from tests.support.command import Run, run
from tests.support.real_tools import ROOT

BUILT_IN = ("logging", "monitoring", "proxy")
WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {annotations}
spec:
  template:
    spec:
      containers:
      - {{name: app, image: x, ports: [{{containerPort: 8080}}]}}
"""


def inject(spec: dict[str, Any], annotations: dict[str, str] | None = None) -> Run:
    settings = {"apiVersion": "sidecar-plugin.dev/v1alpha1", "kind": "SidecarInjection"}
    settings["spec"] = {"clusterVersion": "1.30", "platform": "kubernetes", **spec}  # type: ignore[assignment]
    return run(
        "--report=none", stdin=f"{json.dumps(settings)}\n---\n{WORKLOAD.format(annotations=json.dumps(annotations or {}))}"
    )


def resources(done: Run, agent: str = "logging") -> dict[str, dict[str, str]]:
    assert done.status == 0, done.stderr
    pod = yaml.safe_load(done.stdout)["spec"]["template"]["spec"]
    return next(each for each in pod["initContainers"] if each["name"] == agent)["resources"]


def enabled(name: str = "logging", **values: Any) -> dict[str, Any]:
    return {"agents": {name: {"enabled": True, **values}}}


@pytest.mark.parametrize("agent", BUILT_IN)
@pytest.mark.parametrize("preset", PRESETS)
def test_one_setting_sizes_every_agent_by_its_own_measure(agent: str, preset: str) -> None:
    own = yaml.safe_load((ROOT / "templates" / agent / "values.yaml").read_text())["resources"]
    for given in ({"resourcesPreset": preset, **enabled(agent)}, enabled(agent, resourcesPreset=preset)):
        found = resources(inject(given), agent)
        assert found.keys() == own.keys()
        for kind, quantities in own.items():
            for name, quantity in quantities.items():
                assert parse_quantity(found[kind][name]) == parse_quantity(quantity) * PRESETS[preset]


@pytest.mark.parametrize("agent", BUILT_IN)
def test_without_a_preset_an_agent_is_small(agent: str) -> None:
    assert inject(enabled(agent)).stdout == inject(enabled(agent, resourcesPreset="small")).stdout


def test_the_table_in_the_documents_is_right() -> None:
    """A row is: agent, then requests and limits of each size."""
    rows = [
        line.strip("| \n").split(" | ")
        for line in (ROOT / "docs" / "settings.md").read_text().splitlines()
        if line.startswith(tuple(f"| `{agent}` |" for agent in BUILT_IN)) and "Mi" in line
    ]
    assert [row[0].strip("`") for row in rows] == list(BUILT_IN)
    for row in rows:
        own = yaml.safe_load((ROOT / "templates" / row[0].strip("`") / "values.yaml").read_text())["resources"]
        for cell, factor in zip(row[1:], PRESETS.values(), strict=True):
            shown = " to ".join(f"{one['cpu']}, {one['memory']}" for one in scaled(own, factor).values())
            assert cell == shown


def test_what_resources_says_wins_amount_by_amount() -> None:
    values = {"resourcesPreset": "large", "resources": {"limits": {"memory": "700Mi"}}}
    found = resources(inject(enabled(**values)))
    assert found == {"requests": {"cpu": "200m", "memory": "256Mi"}, "limits": {"cpu": "1000m", "memory": "700Mi"}}


def test_an_agents_own_preset_wins_over_that_of_all_and_null_takes_it_out() -> None:
    assert resources(inject({"resourcesPreset": "medium", **enabled(resourcesPreset="large")}))["limits"]["memory"] == "768Mi"
    assert resources(inject({"resourcesPreset": "medium", **enabled(resourcesPreset=None)}))["limits"]["memory"] == "192Mi"


def test_a_workload_takes_another_size_by_its_annotation() -> None:
    annotations = {"sidecar-plugin.dev/values.logging": "resourcesPreset: large"}
    assert resources(inject({"resourcesPreset": "medium", **enabled()}, annotations))["limits"]["memory"] == "768Mi"


OWN = {"template": "container: {name: own, image: x}"}


@pytest.mark.parametrize(
    ("spec", "annotations", "said"),
    [
        ({"resourcesPreset": "medum"}, {}, 'resourcesPreset: must be "small", "medium" or "large", but is the string "medum"'),
        ({"resourcesPreset": "medum"}, {}, 'did you mean "medium"?'),
        (enabled(resourcesPreset="nano"), {}, 'agents.logging.resourcesPreset: must be "small", "medium" or "large"'),
        (enabled(resourcesPreset=2), {}, "agents.logging.resourcesPreset: must be"),
        (enabled(resourcePreset="large"), {}, 'unknown key "resourcePreset"; did you mean "resourcesPreset"?'),
        (enabled(), {"sidecar-plugin.dev/values.logging": "resourcesPreset: larg"}, 'did you mean "large"?'),
        (
            enabled(),
            {"sidecar-plugin.dev/values.logging": "resourcesPreset: [1]"},
            "must be small, medium or large, but is a list",
        ),
        (
            enabled("own", resourcesPreset="large", **OWN),
            {},
            "agents.own.resourcesPreset: has no effect: the values of this agent",
        ),
        (
            enabled(resourcesPreset="large", resources={"limits": {"memory": "100Mi"}}),
            {},
            "container.resources.requests.memory: the request 256Mi is above the limit 100Mi",
        ),
    ],
)
def test_a_preset_that_cannot_be_is_an_error_at_its_place(spec: dict[str, Any], annotations: dict[str, str], said: str) -> None:
    done = inject(spec, annotations)
    assert (done.status, done.stdout) == (1, b"")
    assert said in done.stderr
    assert "<stdin>:" in done.stderr


def test_an_agent_without_resources_in_its_values_is_a_warning_that_null_silences() -> None:
    done = inject({"resourcesPreset": "medium", **enabled("own", **OWN)})
    assert done.status == 0
    assert (
        "resourcesPreset: medium has no effect on the agent own, whose values name no resources; set agents.own" in done.stderr
    )
    assert inject({"resourcesPreset": "medium", **enabled("own", resourcesPreset=None, **OWN)}).stderr == ""


def test_a_folder_of_ones_own_takes_presets_too(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    folder.mkdir()
    (folder / "values.yaml").write_text("resources: {requests: {cpu: 0.5, memory: 1.5Gi, ephemeral-storage: 1Gi}}\n")
    (folder / "agent.yaml.j2").write_text("container: {name: audit, image: x, resources: {{ values.resources | tojson }}}\n")
    options = (
        "--templates",
        str(tmp_path),
        "--cluster-version=1.30",
        "--set=platform=kubernetes",
        "--set=agents.audit.enabled=true",
    )
    done = run("--report=none", *options, "--set=resourcesPreset=medium", stdin=WORKLOAD.format(annotations="{}"))
    assert resources(done, "audit")["requests"] == {"cpu": "1000m", "memory": "3072Mi", "ephemeral-storage": "1Gi"}
    (folder / "values.yaml").write_text("resources: {requests: {cpu: half}}\n")
    done = run("--report=none", *options, "--set=agents.audit.resourcesPreset=medium", stdin=WORKLOAD.format(annotations="{}"))
    assert done.status == 1
    assert (
        'agents.audit.resourcesPreset: cannot be applied to the agent\'s resources: not a Kubernetes quantity: "half"'
        in done.stderr
    )
    (folder / "values.yaml").write_text("resourcesPreset: large\n")
    done = run("--report=none", *options, stdin=WORKLOAD.format(annotations="{}"))
    assert done.status == 1
    assert '"resourcesPreset" is a key of the settings, not a value of the template' in done.stderr
