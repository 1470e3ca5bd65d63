"""Removal on text that another tool reprinted, and with markers that somebody forged."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.command import SETTINGS, run
from tests.support.injection import inject, inject_and_report

CASES = sorted(
    path.parent
    for path in (Path(__file__).parent / "cases").glob("*/expected.yaml")
    if path.parent.name != "foreign-documents-stay-as-they-are"  # its keys are no strings for PyYAML
)
MARKER = "sidecar-plugin.dev/injected"


def sorted_json(documents: list[Any]) -> str:
    return "\n---\n".join(json.dumps(document, indent=1, sort_keys=True) for document in documents) + "\n"


def one_line(documents: list[Any]) -> str:
    return "---\n".join(json.dumps(document) + "\n" for document in documents)


def block(documents: list[Any]) -> str:
    return yaml.safe_dump_all(documents, sort_keys=True)


def flow(documents: list[Any]) -> str:
    return yaml.safe_dump_all(documents, default_flow_style=True, width=40)


def canonical(documents: list[Any]) -> str:
    return yaml.safe_dump_all(documents, canonical=True)


def without_empty(data: Any) -> Any:
    """Return data without what is null or empty: whether `volumes: []` or nothing is left is not the point here."""
    if isinstance(data, dict):
        kept = {key: without_empty(value) for key, value in data.items()}
        return {key: value for key, value in kept.items() if value not in (None, {}, [])}
    return [without_empty(item) for item in data] if isinstance(data, list) else data


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("reprint", [sorted_json, one_line, block, flow, canonical])
def test_text_that_a_tool_reprinted_is_valid_after_removal_or_refused(case: Path, reprint: Any) -> None:
    expected = list(yaml.safe_load_all((case / "expected.yaml").read_text()))
    text = reprint(expected)
    before = run("uninject", "-", stdin=(case / "expected.yaml").read_bytes())
    assert before.status == 0
    done = run("uninject", "-", stdin=text)
    if done.status == 1:
        assert done.stderr.startswith("sidecar-plugin: error: <stdin>:")
        assert done.stdout == b""
        return
    after = [document for document in yaml.safe_load_all(done.stdout) if document is not None]
    wanted = [document for document in yaml.safe_load_all(before.stdout) if document is not None]
    assert without_empty(after) == without_empty(wanted)
    assert run("uninject", "-", stdin=done.stdout).stdout == done.stdout


def pod(marker: str, containers: str = "[{name: app, image: x}]", key: str = MARKER) -> str:
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata:\n  name: w\n  annotations:\n    \"{key}\": '{marker}'\n"
        f"spec:\n  containers: {containers}\n"
    )


def marker(agents: Any = None, added: Any = None, created: Any = ()) -> str:
    return json.dumps({"version": 1, "agents": agents or {}, "added": added or {}, "created": list(created)})


def test_a_marker_that_names_a_container_and_no_agent_is_refused() -> None:
    text = pod(marker(added={"spec.containers": ["app"]}), "[{name: app, image: x}, {name: other, image: x}]")
    for words in (("uninject", "-"), SETTINGS):
        done = run(*words, stdin=text)
        assert (done.status, done.stdout) == (1, b"")
        assert '"app"' in done.stderr


def test_a_marker_that_names_every_container_is_refused() -> None:
    agents = {"x": {"declaration": "regular", "container": "app"}}
    done = run("uninject", "-", stdin=pod(marker(agents, {"spec.containers": ["app"]})))
    assert (done.status, done.stdout) == (1, b"")


def test_a_removed_manifest_is_named_by_uninject_and_by_inject() -> None:
    text = (
        f"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: deny\n  annotations:\n"
        f"    {MARKER}: '{json.dumps({'version': 1, 'manifest': 'x'})}'\n---\n{pod(marker())}"
    )
    assert "NetworkPolicy/deny" in run("uninject", "-", stdin=text).stderr
    done = run(*SETTINGS, stdin=text)
    assert "warning" in done.stderr
    assert "NetworkPolicy/deny" in done.stderr


def test_a_marker_under_an_escaped_key_is_the_marker() -> None:
    injected = run(*SETTINGS, stdin=pod("x", key="other")).stdout.decode()
    escaped = injected.replace(f'"{MARKER}"', '"sidecar-plugin.dev\\u002finjected"').replace(
        f"    {MARKER}:", '    "sidecar-plugin.dev\\u002finjected":'
    )
    assert escaped != injected
    assert run("uninject", "-", stdin=escaped).stdout.decode() == pod("x", key="other")
    assert run(*SETTINGS, stdin=escaped).stdout.decode() == injected


def test_a_line_break_in_a_containers_name_survives() -> None:
    text = pod("x", '[{name: "a\\nb", image: x}]', key="other")
    once = run(*SETTINGS, stdin=text)
    assert once.status == 0
    assert run(*SETTINGS, stdin=once.stdout).stdout == once.stdout
    assert run("uninject", "-", stdin=once.stdout).stdout.decode() == text


def test_a_renamed_container_keeps_no_mount_of_nothing() -> None:
    text = pod("x", key="other")
    renamed = run(*SETTINGS, stdin=text).stdout.decode().replace("{name: app,", "{name: renamed,")
    assert "renamed" in renamed
    assert run("uninject", "-", stdin=renamed).stdout.decode().count("/shared") == 0


FORGED = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    sidecar-plugin.dev/injected: '{marker}'
spec:
  containers:
  - name: app
    image: web:1
    volumeMounts:
    - name: data
      mountPath: /data
  - name: second
    image: other:1
  volumes:
  - name: data
    emptyDir: {{}}
"""


def forged(agents: dict[str, str], **added: list[str]) -> str:
    """Return a pod whose marker claims these containers by agent, and what is added by the last step of its path."""
    entries = {name: {"declaration": "native", "container": container} for name, container in agents.items()}
    paths = {f"spec.{path}": names for path, names in added.items()}
    return FORGED.format(marker=json.dumps({"version": 1, "agents": entries, "added": paths, "created": []}))


@pytest.mark.parametrize("agent", ["x", "agent"])
@pytest.mark.parametrize("words", [("uninject", "-"), SETTINGS])
def test_a_container_that_goes_by_another_agents_name_is_named_in_the_report(agent: str, words: tuple[str, ...]) -> None:
    done = run(*words, stdin=forged({agent: "app"}, containers=["app"]))
    assert done.status == 0
    assert "container app" in done.stderr


FULL = {
    "container": {"name": "log", "image": "x"},
    "initContainers": [{"name": "prepare", "image": "x"}],
    "volumes": [
        {"name": "log-data", "emptyDir": {}},
        {"name": "log-config", "emptyDir": {}},
        {"name": "other", "emptyDir": {}},
    ],
    "applicationContainers": {"env": [{"name": "A", "value": "1"}], "volumeMounts": [{"name": "other", "mountPath": "/o"}]},
    "podLabels": {"l": "1"},
    "podAnnotations": {"a": "1"},
    "imagePullSecrets": [{"name": "pull"}],
}


def full(**without: Any) -> dict[str, Any]:
    """Return settings whose agent adds something of each kind, with other parts where they are given."""
    template = "".join(f"{key}: {json.dumps(part)}\n" for key, part in {**FULL, **without}.items())
    return {"agents": {"log": {"enabled": True, "template": template}}}


PLAIN = forged({}).replace("    sidecar-plugin.dev/injected: ", "    other: ")
ALL_OF_IT = (
    "variable A of app; mount /o of app; variable A of second; mount /o of second; init container prepare; "
    "volumes log-* (2), other; pull secret pull; annotation a; label l"
)


def test_the_report_names_all_that_was_removed() -> None:
    injected = inject(PLAIN, **full())
    done = run("uninject", "-", "--report", "json", stdin=injected)
    assert done.stdout.decode() == PLAIN
    workload = json.loads(done.stderr)["workloads"][0]
    assert (workload["name"], workload["removed"], workload["note"]) == ("web", ["log"], ALL_OF_IT)
    assert workload["removedParts"] == {
        "spec.containers[app].env": ["A"],
        "spec.containers[app].volumeMounts": ["/o"],
        "spec.containers[second].env": ["A"],
        "spec.containers[second].volumeMounts": ["/o"],
        "spec.initContainers": ["prepare", "log"],
        "spec.volumes": ["log-data", "log-config", "other"],
        "spec.imagePullSecrets": ["pull"],
        "metadata.annotations": ["a"],
        "metadata.labels": ["l"],
    }


def test_a_second_injection_names_only_what_it_does_not_add_again() -> None:
    """Its init container, which is no agent's own, was called removed in a warning although it was added again."""
    injected = inject(PLAIN, **full())
    again, results = inject_and_report(injected, full())
    assert again == injected
    assert (results.warnings, [outcome.parts for outcome in results.outcomes]) == ([], [{}])
    _, results = inject_and_report(injected, full(initContainers=[], podLabels={}, volumes=FULL["volumes"][2:]))
    assert results.outcomes[0].note.endswith("; init container prepare; volumes log-* (2); label l")
    assert "containers removed, which the annotation sidecar-plugin.dev/injected lists" in results.warnings[0].message


def test_each_object_of_a_list_has_its_own_line_in_the_report() -> None:
    items = [json.loads(json.dumps(yaml.safe_load(text))) for text in (PLAIN, inject(PLAIN, **full()), PLAIN)]
    for number, item in enumerate(items):
        item["metadata"]["name"] = f"web-{number}"
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=1)
    report = json.loads(run("uninject", "-", "--report", "json", stdin=text).stderr)
    assert [(workload["name"], workload["note"]) for workload in report["workloads"]] == [("web-1", ALL_OF_IT)]
    _, results = inject_and_report(text, {})
    assert [(outcome.name, outcome.removed) for outcome in results.outcomes] == [
        ("web-0", ()),
        ("web-1", ("log",)),
        ("web-2", ()),
    ]


def test_what_is_removed_from_an_object_of_an_unknown_kind_is_reported() -> None:
    text = inject(PLAIN, **full()).replace("kind: Pod", "kind: Strange").replace("apiVersion: v1", "apiVersion: example.com/v1")
    _, results = inject_and_report(text, {})
    assert [(outcome.kind, outcome.note) for outcome in results.outcomes] == [("Strange", ALL_OF_IT)]


def test_an_agents_own_container_is_no_news_when_it_is_added_again() -> None:
    """The container of the agent of these tests has another name than the agent."""
    plain = forged({}).replace("    sidecar-plugin.dev/injected: ", "    other: ")
    once = run(*SETTINGS, stdin=plain)
    again = run(*SETTINGS, stdin=once.stdout)
    assert (again.status, again.stdout) == (0, once.stdout)
    assert "removed" not in again.stderr


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(forged({}, volumes=["data"]), 6, id="no agent at all"),
        pytest.param(forged({"x": "x"}, volumes=["data"]), 12, id="a volume that the application mounts"),
    ],
)
def test_a_marker_that_would_remove_what_the_application_needs_is_refused(text: str, line: int) -> None:
    for words in (("uninject", "-"), SETTINGS):
        done = run(*words, stdin=text)
        assert (done.status, done.stdout) == (1, b"")
        assert f"<stdin>:{line}:" in done.stderr


def test_a_key_that_stands_twice_where_something_is_removed_is_refused() -> None:
    """The other one would hold from then on."""
    once = run(*SETTINGS, stdin=forged({}).replace("    sidecar-plugin.dev/injected: ", "    other: ")).stdout.decode()
    for key in ("  volumes:", "  initContainers:"):
        assert f"\n{key}\n" in once
        done = run("uninject", "-", stdin=once.rstrip("\n") + f"\n{key} []\n")
        assert (done.status, done.stdout) == (1, b"")


def test_a_block_scalar_before_an_agents_manifest_keeps_its_line_break() -> None:
    """Another tool removed the line break behind the manifest; the one before it is part of the scalar."""
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, annotations: {sidecar-plugin.dev/injected: '%s'}}"
    ours = manifest % json.dumps({"version": 1, "manifest": "agent"})
    foreign = "apiVersion: v1\nkind: Secret\nstringData:\n  text: |\n    one\n    two\n"
    done = run("uninject", "-", stdin=f"{foreign}---\n{ours}")
    assert (done.status, done.stdout.decode()) == (0, foreign)
    plain = "apiVersion: v1\nkind: Secret\n"
    assert run("uninject", "-", stdin=f"{plain}---\n{ours}").stdout.decode() == plain.rstrip("\n")


def test_an_item_of_a_list_that_is_no_manifest_of_ours_is_named_when_it_goes() -> None:
    """A forged marker on an item of a List, nested ones too: uninject and inject name the item, not the List."""
    claimed = {"version": 1, "manifest": "logging"}
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny", "annotations": {MARKER: json.dumps(claimed)}},
        "spec": {"podSelector": {}},
    }
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "stays"}}
    inner = {"apiVersion": "v1", "kind": "List", "items": [policy, other]}
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [inner]}) + "\n"
    done = run("uninject", "-", stdin=text)
    assert (done.status, b"deny" in done.stdout, b"stays" in done.stdout) == (0, False, True)
    assert "NetworkPolicy/deny" in done.stderr
    injected = run("--cluster-version=1.30", "--set", "agents.proxy.enabled=true", stdin=text)
    assert b"deny" not in injected.stdout
    assert "NetworkPolicy/deny" in injected.stderr


def test_a_mount_of_another_container_does_not_excuse_the_removal_of_its_volume() -> None:
    marker = {
        "version": 1,
        "agents": {"a": {"declaration": "acs", "container": "no-such"}},
        "added": {"spec.volumes": ["data"], "spec.containers[web].volumeMounts": ["/data"]},
        "created": [],
    }
    mount = {"name": "data", "mountPath": "/data"}
    containers = [{"name": name, "image": "x", "volumeMounts": [mount]} for name in ("web", "db")]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "annotations": {MARKER: json.dumps(marker)}},
        "spec": {"containers": containers, "volumes": [{"name": "data", "emptyDir": {}}]},
    }
    done = run("uninject", "-", stdin=yaml.safe_dump(pod))
    assert (done.status, done.stdout) == (1, b"")
    assert 'the container "db" mounts the volume "data"' in done.stderr
