"""Where pod templates are found: paths with several targets, metadata on the way, kinds of the settings, and unknown kinds."""

from pathlib import Path

import pytest

from tests.support.command import TEMPLATES, run

SETTINGS = ("--cluster-version", "1.30", "--set", "agents.agent.enabled=true", "--templates", TEMPLATES)
POD = "{containers: [{name: app, image: x}]}"
RAY = f"""apiVersion: ray.io/v1
kind: RayCluster
metadata: {{name: r}}
spec:
  headGroupSpec: {{template: {{spec: {POD}}}}}
  workerGroupSpecs:
  - groupName: a
    template: {{spec: {POD}}}
  - groupName: b
    template: {{spec: {POD}}}
"""
OWN = f"""apiVersion: shop.example.com/v1
kind: Fleet
metadata: {{name: f}}
spec:
  groups:
  - {{template: {{spec: {POD}}}}}
  roles:
    first: {{template: {{spec: {POD}}}}}
    second: {{template: {{spec: {POD}}}}}
"""


def entry(tmp_path: Path, *entries: str) -> str:
    config = tmp_path / "config.yaml"
    lines = "".join(f"  - {entry}\n" for entry in entries)
    config.write_text(
        "apiVersion: sidecar-plugin.dev/v1alpha1\nkind: SidecarInjection\nmetadata: {name: a}\n"
        f"spec:\n  clusterVersion: '1.30'\n  workloads:\n{lines}"
    )
    return str(config)


def test_every_pod_template_of_a_workload_is_a_row_of_the_report() -> None:
    done = run(*SETTINGS, stdin=RAY)
    assert done.status == 0
    rows = [line.split()[:2] for line in done.stderr.splitlines()[1:]]
    assert rows == [
        ["RayCluster/r", "spec.headGroupSpec.template"],
        ["RayCluster/r", "spec.workerGroupSpecs[0].template"],
        ["RayCluster/r", "spec.workerGroupSpecs[1].template"],
    ]


PATHS = [
    pytest.param("'spec.groups[*].template'", 1, id="every item"),
    pytest.param("'spec.roles.*.template'", 2, id="every value"),
    pytest.param('["spec.groups[*].template", "spec.roles.*.template"]', 3, id="several paths"),
]


@pytest.mark.parametrize(("path", "count"), PATHS)
def test_a_kind_of_the_settings(tmp_path: Path, path: str, count: int) -> None:
    config = entry(tmp_path, f"{{group: shop.example.com, kind: Fleet, podTemplate: {path}}}")
    done = run(*SETTINGS, "--config", config, stdin=OWN)
    assert (done.status, done.stdout.count(b"image: agent:1") + done.stdout.count(b'"image": "agent:1"')) == (0, count)
    assert run("uninject", "-", stdin=done.stdout).stdout.decode() == OWN


def test_several_entries_of_one_kind_all_count(tmp_path: Path) -> None:
    first = "{group: shop.example.com, kind: Fleet, podTemplate: 'spec.groups[*].template'}"
    second = "{group: shop.example.com, kind: Fleet, podTemplate: 'spec.roles.*.template'}"
    done = run(*SETTINGS, "--config", entry(tmp_path, first, second), stdin=OWN)
    assert done.stdout.count(b'"restartPolicy": "Always"') == 3


def test_a_kind_that_runs_to_completion_gets_no_regular_sidecar(tmp_path: Path) -> None:
    own = "{group: shop.example.com, kind: Fleet, podTemplate: 'spec.groups[*].template', runsToCompletion: true}"
    words = ("--config", entry(tmp_path, own), "--cluster-version", "1.28", "--platform", "kubernetes")
    done = run(*SETTINGS, *words, stdin=OWN)
    assert done.status == 1
    assert "never completes" in done.stderr


IMPOSSIBLE = [
    pytest.param("{group: shop.example.com/v1, kind: Fleet, podTemplate: spec.template}", "group", id="a version in the group"),
    pytest.param("{group: Shop, kind: Fleet, podTemplate: spec.template}", "group", id="capital letters in the group"),
    pytest.param("{group: shop.example.com, kind: fleet, podTemplate: spec.template}", "kind", id="a kind in lower case"),
    pytest.param("{group: shop.example.com, kind: 'F leet', podTemplate: spec.template}", "kind", id="a blank in the kind"),
    *(
        pytest.param(f"{{group: shop.example.com, kind: Fleet, podTemplate: '{path}'}}", "podTemplate", id=path)
        for path in (
            "", "spec..template", "/spec/template", "spec.groups[].template", "spec.groups[0].template", "spec.*x", ".spec",
            "spec.groups[*", "$.spec.template",
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("own", "field"), IMPOSSIBLE)
def test_an_entry_that_nothing_can_match_is_refused_where_it_stands(tmp_path: Path, own: str, field: str) -> None:
    config = entry(tmp_path, own)
    done = run(*SETTINGS, "--config", config, stdin=OWN)
    assert (done.status, done.stdout) == (1, b"")
    assert done.stderr.startswith(f"sidecar-plugin: error: {config}:7:")
    assert f"workloads[0].{field}" in done.stderr


def test_an_entry_that_matches_nothing_is_a_warning(tmp_path: Path) -> None:
    done = run(
        *SETTINGS, "--config", entry(tmp_path, "{group: a.example.com, kind: Fleet, podTemplate: spec.template}"), stdin=RAY
    )
    assert done.status == 0
    assert "no Fleet of the group a.example.com" in done.stderr


ON_THE_WAY = [
    pytest.param("metadata: {{name: c, {}}}\nspec: {{jobTemplate: {{spec: {{template: {{spec: {}}}}}}}}}\n", id="the CronJob"),
    pytest.param("spec: {{jobTemplate: {{metadata: {{{}}}, spec: {{template: {{spec: {}}}}}}}}}\n", id="the job template"),
    pytest.param("spec: {{jobTemplate: {{spec: {{template: {{metadata: {{{}}}, spec: {}}}}}}}}}\n", id="the pod template"),
]


@pytest.mark.parametrize("text", ON_THE_WAY)
def test_metadata_on_the_way_to_the_pod_template_is_read(text: str) -> None:
    head = "apiVersion: batch/v1\nkind: CronJob\n"
    out = head + text.format('annotations: {sidecar-plugin.dev/inject: "false"}', POD)
    assert run(*SETTINGS, stdin=out).stdout.decode() == out
    labelled = head + text.format("labels: {team: data}", POD)
    done = run(*SETTINGS, "--set", "exclude[0].labelSelector=team=data", stdin=labelled)
    assert done.stdout.decode() == labelled


@pytest.mark.parametrize("text", ON_THE_WAY)
@pytest.mark.parametrize("value", ["{image: x}", "[a]"])
@pytest.mark.parametrize("name", ["values.agent", "inject", "agents"])
def test_an_annotation_of_ours_that_is_no_text_is_refused_with_its_place(text: str, value: str, name: str) -> None:
    done = run(
        *SETTINGS,
        stdin="apiVersion: batch/v1\nkind: CronJob\n"
        + text.format(f"annotations: {{sidecar-plugin.dev/{name}: {value}}}", POD),
    )
    assert (done.status, done.stdout) == (1, b"")
    assert done.stderr.startswith("sidecar-plugin: error: <stdin>:3:")
    assert f"sidecar-plugin.dev/{name}: must be text" in done.stderr


UNKNOWN = f"apiVersion: shop.example.com/v1\nkind: Fleet\nmetadata: {{name: f}}\nspec: {{template: {{spec: {POD}}}}}\n"


def test_something_like_a_pod_template_of_an_unknown_kind_is_reported_with_its_path() -> None:
    done = run(*SETTINGS, stdin=UNKNOWN)
    assert (done.status, done.stdout.decode()) == (0, UNKNOWN)
    assert (
        "warning: <stdin>:1:1: Fleet/f: spec.template.spec: not injected; name it under workloads or exclude it" in done.stderr
    )
    assert run(*SETTINGS, "--strict", stdin=UNKNOWN).status == 1


SILENT = [
    pytest.param(UNKNOWN, ("--set", "exclude[0].kinds={Fleet*}"), id="excluded"),
    pytest.param(UNKNOWN, ("--set", "targets[0].kinds={Deployment}"), id="not a target"),
    pytest.param(UNKNOWN, ("--set", "agents.agent.enabled=false"), id="no agent"),
    pytest.param(
        UNKNOWN.replace("{name: f}", '{name: f, annotations: {sidecar-plugin.dev/inject: "false"}}'), (), id="annotated"
    ),
    pytest.param(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\n"
        "spec: {versions: [{containers: [{name: a, image: x}]}]}\n", (), id="a schema",
    ),
    pytest.param(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  pod.yaml: |\n    spec:\n      containers:\n"
        "      - {name: a, image: x}\n", (), id="text of a ConfigMap",
    ),
    pytest.param(
        "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: x}\nspec: {rules: [{validate: {pattern: {spec: "
        "{containers: [{name: '*', image: '*:*'}]}}}}]}\n", (), id="a policy's pattern",
    ),
    pytest.param("apiVersion: x.example.com/v1\nkind: A\nspec: {containers: [a, b]}\n", (), id="names only"),
    pytest.param("apiVersion: x.example.com/v1\nkind: A\nspec: {containers: 3}\n", (), id="a number"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), SILENT)
def test_what_only_looks_like_a_pod_template_or_is_not_wanted_is_silent(text: str, words: tuple[str, ...]) -> None:
    done = run(*SETTINGS, *words, stdin=text)
    assert (done.status, done.stdout.decode()) == (0, text)
    assert "warning" not in done.stderr


@pytest.mark.parametrize("wrapper", ["List", "ResourceList"])
def test_items_of_a_list_are_looked_at_too(wrapper: str) -> None:
    items = "".join("  " + line + "\n" for line in UNKNOWN.splitlines()).replace("  apiVersion", "- apiVersion", 1)
    version = "v1" if wrapper == "List" else "config.kubernetes.io/v1"
    done = run(*SETTINGS, stdin=f"apiVersion: {version}\nkind: {wrapper}\nitems:\n{items}")
    assert done.status == 0
    assert "Fleet/f: spec.template.spec: not injected" in done.stderr


def test_a_refused_kind_that_the_settings_name_is_injected(tmp_path: Path) -> None:
    own = "{group: apps.openshift.io, kind: DeploymentConfig, podTemplate: spec.template}"
    head = "apiVersion: apps.openshift.io/v1\nkind: DeploymentConfig\nmetadata: {name: d}\n"
    text = f"{head}spec: {{template: {{spec: {POD}}}}}\n"
    assert run(*SETTINGS, stdin=text).stdout.decode() == text
    done = run(*SETTINGS, "--config", entry(tmp_path, own), stdin=text)
    assert done.stdout.count(b'"restartPolicy": "Always"') == 1


def test_an_unknown_kind_can_be_excluded_by_its_name() -> None:
    done = run(*SETTINGS, "--set", "exclude[0].kinds={Fleet}", stdin=UNKNOWN)
    assert (done.status, done.stdout.decode()) == (0, UNKNOWN)
    assert "warning" not in done.stderr


def test_a_kind_of_ones_own_that_ends_in_list_is_no_list_of_ours() -> None:
    text = "apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: a}\nitems: {containers: x}\n"
    done = run(*SETTINGS, stdin=text)
    assert (done.status, done.stdout.decode()) == (0, text)
