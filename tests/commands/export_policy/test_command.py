"""`export-policy`: the folders of tests/commands/export_policy/cases, config.yaml in, expected.yaml out, and what a policy
cannot do.

`UPDATE_CASES=1 pytest tests/commands/export_policy/test_command.py` writes expected.yaml anew. What the policies do is
shown on a real API
server: tests/cluster/test_export_policy.py.
"""

import os
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from sidecar_plugin.commands.export_policy import cel
from sidecar_plugin.errors import SettingsError
from sidecar_plugin.kubernetes.selectors import parse_selector
from tests.support.command import run

FOLDERS = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
CHECKED = {"1.34": ["1.34", "1.35"], "1.36": ["1.36", "1.37"]}
"""Which versions' schemas a policy for a version is checked against."""


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_policy(folder: Path) -> None:
    done = run("export-policy", "--config", str(folder / "config.yaml"))
    assert done.status == 0, done.stderr
    if os.environ.get("UPDATE_CASES"):
        (folder / "expected.yaml").write_bytes(done.stdout)
    assert done.stdout.decode() == (folder / "expected.yaml").read_text()
    version = yaml.safe_load((folder / "config.yaml").read_text())["spec"]["clusterVersion"]
    for checked in CHECKED[version]:
        for document in yaml.safe_load_all(done.stdout):
            kubernetes_validate.validate(document, checked, strict=True)


def export(*words: str) -> list[str]:
    return ["export-policy", "--platform", "kubernetes", *words]


LOGGING = ("--set", "agents.logging.enabled=true")


@pytest.mark.parametrize(
    ("version", "api", "flags"),
    [("1.32", "v1alpha1", True), ("1.33", "v1alpha1", True), ("1.34", "v1beta1", True), ("1.36", "v1", False)],
)
def test_the_version_of_the_api_is_the_clusters(version: str, api: str, flags: bool) -> None:
    done = run(*export("--cluster-version", version, *LOGGING))
    assert done.status == 0, done.stderr
    document = next(iter(yaml.safe_load_all(done.stdout)))
    assert document["apiVersion"] == f"admissionregistration.k8s.io/{api}"
    assert done.stdout.startswith(b"# The API server needs: --feature-gates=MutatingAdmissionPolicy=true") == flags


REFUSED = [
    pytest.param(
        ("--cluster-version", "1.31", *LOGGING), "it is there from 1.32 on. A Kyverno that supports 1.31 can", id="old"
    ),
    pytest.param(LOGGING, "needs the cluster's version", id="no version"),
    pytest.param(("--cluster-version", "1.34"), "no agent is enabled", id="no agent"),
    pytest.param(
        ("--cluster-version", "1.34", "--set", "agents.monitoring.enabled=true"),
        "monitoring takes the workload's annotations and containers, which a policy does not know; --bare renders it",
        id="a template that looks at annotations and ports",
    ),
    pytest.param(
        ("--cluster-version", "1.34", *LOGGING, "--set", "agents.logging.configuration=configMap"),
        "the agent logging brings ConfigMap/logging-sidecar-",
        id="a manifest",
    ),
    pytest.param(
        ("--cluster-version", "1.34", *LOGGING, "--set", "targets[0].kinds={Deployment}"),
        'of a workload of the kind "Deployment"; say ReplicaSet, which makes its pods',
        id="a kind that is not in the pod",
    ),
    pytest.param(
        ("--cluster-version", "1.34", *LOGGING, "--set", "exclude[0].names={web*}"),
        "exclude[0].names: names are those of workloads",
        id="names of workloads",
    ),
    pytest.param(
        ("--cluster-version", "1.34", *LOGGING, "--set", "agents.logging.targets[0].kinds={Pod*}"),
        "agents.logging.targets[0].kinds: a policy sees pods",
        id="an agent's own targets",
    ),
]


@pytest.mark.parametrize(("words", "message"), REFUSED)
def test_what_a_policy_cannot_do_is_refused(words: tuple[str, ...], message: str) -> None:
    done = run(*export(*words))
    assert (done.status, done.stdout) == (1, b"")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def settings(tmp_path: Path, agents: str) -> tuple[str, ...]:
    file = tmp_path / "settings.yaml"
    file.write_text(
        "apiVersion: sidecar-plugin.dev/v1alpha1\nkind: SidecarInjection\nspec:\n"
        f'  clusterVersion: "1.34"\n  platform: kubernetes\n  agents:\n{agents}'
    )
    return ("--config", str(file))


def agent(name: str, template: str, more: str = "") -> str:
    return f"    {name}:\n      enabled: true\n{more}      template: |\n        {template}\n"


@pytest.mark.parametrize(
    ("agents", "message"),
    [
        (
            agent("a", "container: {name: a, image: {{ (workload.name | sha256)[:8] | tojson }}}"),
            "works the pod's name or namespace into something else",
        ),
        (
            agent("a", "container: {name: a, image: x}\n        volumes: [{name: v, emptyDir: {}}]")
            + agent("b", "container: {name: b, image: x}\n        volumes: [{name: v, emptyDir: {medium: Memory}}]"),
            'both add a volume "v"',
        ),
        (
            agent("a", "container: {name: a, image: x}") + agent("b", "container: {name: a, image: x}"),
            'both add a container "a"',
        ),
        (agent("a", "container: {name: a, image: x, restartPolicy: Always}"), "sets restartPolicy itself"),
        (agent("a", "container: {name: a, image: {{ workload.labels.app }}}"), "takes the workload's labels"),
    ],
)
def test_agents_that_cannot_be_in_a_policy(tmp_path: Path, agents: str, message: str) -> None:
    done = run(*export(*settings(tmp_path, agents)))
    assert (done.status, done.stdout) == (1, b"")
    assert message in done.stderr


def test_bare_renders_for_a_pod_that_has_nothing_and_says_so(tmp_path: Path) -> None:
    done = run(*export("--bare", "--cluster-version", "1.34", "--set", "agents.monitoring.enabled=true"))
    assert done.status == 0
    assert (
        "monitoring takes the workload's annotations and containers, which a policy does not know; it is rendered"
        in done.stderr
    )


def test_regular_sidecars_are_kept_from_pods_that_run_to_completion() -> None:
    done = run("export-policy", "--cluster-version", "1.34", "--platform", "aci", *LOGGING)
    conditions = next(iter(yaml.safe_load_all(done.stdout)))["spec"]["matchConditions"]
    assert conditions[-1] == {
        "name": "it-does-not-run-to-completion",
        "expression": 'object.spec.?restartPolicy.orValue("Always") == "Always"',
    }


def test_strict_makes_warnings_errors() -> None:
    done = run(*export("--strict", "--bare", "--cluster-version", "1.34", "--set", "agents.monitoring.enabled=true"))
    assert (done.status, done.stdout) == (1, b"")
    assert "it is rendered for a pod that has none" in done.stderr


def test_a_template_that_takes_the_pods_name_is_a_warning(tmp_path: Path) -> None:
    done = run(*export(*settings(tmp_path, agent("a", "container: {name: a, image: x, args: [{{ workload.name | tojson }}]}"))))
    assert done.status == 0
    assert "the agent a takes the pod's name; a pod that a controller makes gets its generateName there" in done.stderr


def test_a_version_of_an_engine_that_has_none_of_its_own_is_bad_usage() -> None:
    for guard in ((), ("--guard", "warn")):
        done = run(*export("--engine-version", "1.2", "--cluster-version", "1.34", *LOGGING, *guard))
        assert (done.status, done.stdout) == (2, b"")
        assert "--engine-version is of no use with --engine admission-policy" in done.stderr


def test_a_name_that_is_none_is_bad_usage() -> None:
    assert run(*export("--name", "No Name", "--cluster-version", "1.34", *LOGGING)).status == 2


@pytest.mark.parametrize("version", ["1.30", "1.34"])
def test_a_guard_is_one_policy_for_every_version_that_has_such_policies(version: str) -> None:
    done = run(*export("--guard", "deny", "--name", "team", "--cluster-version", version, *LOGGING))
    assert (done.status, done.stderr) == (0, "")
    policy, binding = yaml.safe_load_all(done.stdout)
    for document in (policy, binding):
        kubernetes_validate.validate(document, version, strict=True)
        assert document["metadata"]["name"] == "team-guard"
    assert binding["spec"]["policyName"] == "team-guard"
    assert binding["spec"]["validationActions"] == ["Deny"]
    (validation,) = policy["spec"]["validations"]
    assert '"fluent/fluent-bit"' in validation["expression"]


TWO_AGENTS = ("--config", str(Path(__file__).parent / "cases" / "two-agents" / "config.yaml"))


def specs(*words: str) -> list[dict[str, Any]]:
    done = run("export-policy", *TWO_AGENTS, *words)
    assert done.status == 0, done.stderr
    return [document["spec"] for document in yaml.safe_load_all(done.stdout)]


@pytest.mark.parametrize("words", [(), ("--no-opt-out",)])
def test_kyvernos_policies_say_what_those_of_kubernetes_say(words: tuple[str, ...]) -> None:
    mutating, binding, refusing, _ = specs(*words)
    for theirs, ours in zip(specs("--engine", "kyverno", *words), (mutating, refusing), strict=True):
        spared = theirs["matchConstraints"].pop("namespaceSelector")["matchExpressions"][0]["values"]
        assert spared == [*binding["matchResources"]["namespaceSelector"]["matchExpressions"][0]["values"], "kyverno"]
        assert theirs.pop("autogen") == {"podControllers": {"controllers": []}}
        assert theirs == {**ours, **{key: theirs[key] for key in ("validationActions", "evaluation") if key in theirs}}


@pytest.mark.parametrize("action", ["warn", "deny"])
def test_kyvernos_guard_says_what_that_of_kubernetes_says(action: str) -> None:
    ours, binding = specs("--guard", action)
    (theirs,) = specs("--guard", action, "--engine", "kyverno")
    assert theirs["validationActions"] == binding["validationActions"]
    assert [theirs[key] for key in ("variables", "validations", "matchConditions")] == [
        ours[key] for key in ("variables", "validations", "matchConditions")
    ]


@pytest.mark.parametrize(
    ("words", "api", "needed"),
    [
        ((), "v1", "Kyverno 1.17 or later"),
        (("--engine-version", "v1.19.1"), "v1", "Kyverno 1.17 or later"),
        (("--engine-version", "1.16"), "v1beta1", "Kyverno 1.16"),
        (("--engine-version", "1.15.3"), "v1alpha1", "Kyverno 1.15"),
    ],
)
def test_the_version_of_kyvernos_api_is_that_of_kyverno(words: tuple[str, ...], api: str, needed: str) -> None:
    for guard in ((), ("--guard", "warn")):
        done = run(*export("--engine", "kyverno", "--cluster-version", "1.28", *LOGGING, *words, *guard))
        assert done.status == 0, done.stderr
        assert done.stdout.decode().startswith(f"# The cluster needs: {needed}\n")
        assert {document["apiVersion"] for document in yaml.safe_load_all(done.stdout)} == {f"policies.kyverno.io/{api}"}


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("--engine-version", "1.14"), 1, "has no MutatingPolicy; it is there from 1.15 on"),
        (("--engine-version", "latest"), 2, "--engine-version latest: no version of Kyverno; write it like 1.9"),
        (("--set", "targets[0].kinds={Deployment}"), 1, "targets[0].kinds: a policy sees pods"),
        (("--set", "agents.logging.configuration=configMap"), 1, "a policy cannot create resources"),
    ],
)
def test_what_kyverno_cannot_do_is_refused(words: tuple[str, ...], status: int, message: str) -> None:
    done = run(*export("--engine", "kyverno", "--cluster-version", "1.30", *LOGGING, *words))
    assert (done.status, done.stdout) == (status, b"")
    assert message in done.stderr


def test_kyverno_declares_sidecars_as_the_clusters_version_needs() -> None:
    done = run("export-policy", "--engine", "kyverno", "--cluster-version", "1.28", "--platform", "acs", *LOGGING)
    assert done.status == 0, done.stderr
    (mutation,) = next(iter(yaml.safe_load_all(done.stdout)))["spec"]["mutations"]
    assert '"name": "__IS_SIDECAR__", "value": "true"' in mutation["jsonPatch"]["expression"]


def test_a_guard_asks_for_the_image_of_the_registry_in_the_settings() -> None:
    done = run(*export("--guard", "warn", "--cluster-version", "1.30", *LOGGING, "--set", "imageRegistry=mirror.example.com"))
    assert '"mirror.example.com/fluent/fluent-bit"' in done.stdout.decode()


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        pytest.param(("--cluster-version", "1.29", *LOGGING), 1, "from 1.30 on. A Kyverno that supports 1.29 can", id="old"),
        pytest.param(LOGGING, 1, "needs the cluster's version", id="no version"),
        pytest.param(("--cluster-version", "1.30"), 1, "no agent is enabled", id="no agent"),
        pytest.param(("--cluster-version", "1.30", "--bare", *LOGGING), 2, "--bare", id="bare"),
        pytest.param(("--cluster-version", "1.30", "--name", "No Name", *LOGGING), 2, "--name", id="name"),
    ],
)
def test_a_guard_that_cannot_be(words: tuple[str, ...], status: int, message: str) -> None:
    done = run(*export("--guard", "warn", *words))
    assert (done.status, done.stdout) == (status, b"")
    assert message in done.stderr


@pytest.mark.parametrize(
    ("data", "expression"),
    [
        ('a"b\\\n\té', '"a\\"b\\\\\\n\\té"'),
        ({"a": "b"}, '{"a": "b"}'),
        ({"a": 1, "b": "c"}, '{"a": dyn(1), "b": dyn("c")}'),
        ([{"a": "b"}, {"a": None}], '[dyn({"a": "b"}), dyn({"a": dyn(null)})]'),
        ({"a": [1.5, True]}, '{"a": dyn([dyn(1.5), dyn(true)])}'),
        ({}, "{}"),
    ],
)
def test_literals(data: object, expression: str) -> None:
    assert cel.literal(data) == expression


def test_words_that_stand_for_expressions_are_found_in_text() -> None:
    assert cel.text("xNAMEy/SPACE", {"NAME": "n", "SPACE": "s"}) == '("x" + n + ("y/" + s + ""))'


@pytest.mark.parametrize(
    ("data", "expression"),
    [
        ({"namespaces": ["a", "b"]}, '(request.namespace in ["a", "b"])'),
        ({"namespaces": ["a.b*", "c?[!x-z]["]}, '(request.namespace.matches("^(a\\\\.b.*|c.[^x-z]\\\\[)$"))'),
        ({"labelSelector": "!a"}, '(!("a" in object.metadata.?labels.orValue({})))'),
        (
            {"annotationSelector": "a!=b"},
            '(!("a" in object.metadata.?annotations.orValue({})) || !(object.metadata.annotations["a"] in ["b"]))',
        ),
    ],
)
def test_selectors(data: dict[str, object], expression: str) -> None:
    assert cel.selector(parse_selector(data)) == expression


@pytest.mark.parametrize("pattern", ["[]", "[!]", "[a", "a]"])
def test_brackets_that_hold_nothing_are_letters(pattern: str) -> None:
    """As in the settings: fnmatch takes them so. They made an expression that the API server refuses."""
    expression = cel.selector(parse_selector({"namespaces": [pattern, "a*"]}))
    assert cel.text(f"^({re.escape(pattern)}|a.*)$") in expression


def test_a_range_that_cannot_be_is_refused_with_the_pattern() -> None:
    with pytest.raises(SettingsError, match=r"a policy cannot have these patterns: \[z-a\]"):
        cel.selector(parse_selector({"namespaces": ["[z-a]"]}))
