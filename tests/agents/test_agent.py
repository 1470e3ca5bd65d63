"""Agents: rendering, the values they take, and messages that name the template's file and line."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sidecar_plugin.agents.agent import TEMPLATE, Agent, AgentFolder, ValuesError
from sidecar_plugin.agents.container_patch import patch_container
from sidecar_plugin.agents.folders import AgentFolders
from sidecar_plugin.agents.parts import Parts
from sidecar_plugin.errors import SettingsError, TemplateError
from sidecar_plugin.runtime.cache import Memo, keeping

CONTEXT: dict[str, Any] = {"cluster": {"version": "1.30", "platform": "acs"}, "declaration": "native"}


def workload(name: str = "web") -> dict[str, Any]:
    return {"kind": "Deployment", "name": name, "namespace": "", "labels": {}, "annotations": {}, "containers": []}


MINIMAL = 'container: {name: a, image: "x"}\n'


def agent(template: str, **files: str) -> Agent:
    return Agent(AgentFolder("mine", "mine", template, lambda: {TEMPLATE: template, **files}))


def render(template: str, *overrides: dict[str, Any], **files: str) -> Parts:
    return agent(template, **files).render(overrides, CONTEXT, workload)


@pytest.mark.parametrize("name", ["logging", "monitoring", "proxy"])
@pytest.mark.parametrize("declaration", ["native", "acs", "regular"])
@pytest.mark.parametrize("platform", ["acs", "kubernetes"])
def test_built_in_agents_render_from_their_defaults(name: str, declaration: str, platform: str) -> None:
    folder = AgentFolders(()).folder(name)
    assert folder is not None
    context = {**CONTEXT, "declaration": declaration, "cluster": {"version": "1.30", "platform": platform}}
    parts = Agent(folder).render((), context, workload)
    assert parts.container["name"] == name
    assert parts.container["securityContext"]["runAsNonRoot"] is True


@pytest.mark.parametrize("name", ["logging", "monitoring", "proxy"])
def test_a_value_that_the_schema_does_not_know_is_refused(name: str) -> None:
    folder = AgentFolders(()).folder(name)
    assert folder is not None
    with pytest.raises(ValuesError) as caught:
        Agent(folder).render(({"imag": {"tag": "1"}},), CONTEXT, workload)
    assert caught.value.problem.message == 'unknown key "imag"; did you mean "image"?'


def test_values_merge_over_the_defaults_in_order() -> None:
    template = "container: {name: a, image: {{ values.image | tojson }}, args: {{ values.args | tojson }}}"
    parts = render(template, {"image": "b"}, {"args": ["1", "on"]}, **{"values.yaml": "image: a\nargs: []\n"})
    assert (parts.container["image"], parts.container["args"]) == ("b", ["1", "on"])


def test_templates_see_workload_cluster_and_declaration() -> None:
    text = "{{ workload.kind }}/{{ workload.name }} {{ cluster.version }} {{ cluster.platform }} {{ declaration }}"
    parts = render(f'container: {{name: a, image: x, workingDir: "{text}"}}')
    assert parts.container["workingDir"] == "Deployment/web 1.30 acs native"


def test_files_of_the_folder_can_be_included_and_hashed() -> None:
    template = (
        MINIMAL
        + '{% set c %}{% include "c.conf.j2" %}{% endset %}podAnnotations: {c: {{ c | tojson }}, h: {{ c | sha256 | tojson }}}'
    )
    parts = render(template, **{"c.conf.j2": 'level "{{ declaration }}"\n'})
    assert parts.pod_annotations["c"] == 'level "native"\n'
    assert len(parts.pod_annotations["h"]) == 64


def test_toyaml_writes_block_yaml() -> None:
    template = "container:\n  name: a\n  image: x\n  env:\n    {{ values.env | toyaml | indent(4) }}\n"
    assert render(template, {"env": [{"name": "A", "value": "on"}]}).container["env"] == [{"name": "A", "value": "on"}]


@pytest.mark.parametrize(
    ("template", "line", "message"),
    [
        ("{{ values.missing }}", 1, "has no attribute 'missing'"),
        ("a\n{% if %}", 2, "Expected an expression"),
        ("a\n{{ 1 / 0 }}", 2, "division by zero"),
        ("\n\n{{ fail('port 70000 is no port') }}", 3, "port 70000 is no port"),
        ("{{ undefined_name }}", 1, "'undefined_name' is undefined"),
        ("a\n{% include 'missing' %}", 2, "missing"),
        ("{{ ''.__class__ }}", 1, "access to attribute '__class__'"),
        ("{{ ''.__class__.__mro__ }}", 1, "unsafe"),
        ("{{ values.update({}) }}", 1, "unsafe|not safely callable"),
        ("{{ cycler.__init__.__globals__ }}", 1, "unsafe"),
        ("{{ range(1000000) | list }}", 1, "Range too big"),
        ("{% for i in range(90000) %}{{ 'x' * 100 }}{% endfor %}", 1, "renders more than 1000000 characters"),
        ("{{ lipsum() }}", 1, "'lipsum' is undefined"),
        ("{{ [1] | random }}", 1, "No filter named 'random'"),
    ],
)
def test_a_template_that_fails_is_named_with_its_line(template: str, line: int, message: str) -> None:
    with pytest.raises(TemplateError, match=message) as caught:
        render(template)
    assert caught.value.place is not None
    assert (caught.value.place.file, caught.value.place.line) == (f"mine/{TEMPLATE}", line)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "1:1", "must be a mapping, but is null"),
        ("container: {name: a\n", "2:1", "not YAML"),
        ("- a\n", "1:1", "must be a mapping, but is a list"),
        ("volumes: []\n", "1:1", 'the key "container" is missing'),
        (MINIMAL + "volume: []\n", "2:1", 'unknown key "volume"; did you mean "volumes"?'),
        ("container: {image: x}\n", "1:12", 'the key "name" is missing'),
        (MINIMAL + "podLabels: {a: 1}\n", "2:16", "must be a string, but is the number 1"),
        (MINIMAL + "volumes:\n- {emptyDir: {}}\n", "3:3", 'the key "name" is missing'),
        (MINIMAL + "container: {name: b, image: x}\n", "2:1", 'the key "container" stands twice'),
    ],
)
def test_a_rendering_that_is_no_agent_is_named_with_its_place(text: str, place: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message.replace("?", r"\?")) as caught:
        render(text)
    assert str(caught.value).startswith(f"mine/{TEMPLATE} (rendered):{place}: ")


@keeping(Memo())
def test_a_known_rendering_is_not_rendered_again() -> None:
    first = Agent(AgentFolder("mine", "mine", "1", lambda: {TEMPLATE: MINIMAL})).render((), CONTEXT, workload)

    def never() -> dict[str, str]:
        raise AssertionError("the files were read")

    assert Agent(AgentFolder("mine", "mine", "1", never)).render((), CONTEXT, workload) == first


@keeping(Memo())
def test_a_rendering_serves_all_workloads_if_the_template_looks_at_none() -> None:
    folder = AgentFolder("mine", "mine", "1", lambda: {TEMPLATE: MINIMAL})
    first = Agent(folder).render((), CONTEXT, workload)

    def never() -> dict[str, Any]:
        raise AssertionError("the workload was asked for")

    assert Agent(folder).render((), CONTEXT, never) == first


@pytest.mark.parametrize("change", ["signature", "values", "workload"])
@keeping(Memo())
def test_whatever_a_rendering_depends_on_makes_it_a_new_one(change: str) -> None:
    template = "container: {name: a, image: x, workingDir: {{ [values, workload.name] | string | tojson }}}"
    Agent(AgentFolder("mine", "mine", "1", lambda: {TEMPLATE: template})).render(({},), CONTEXT, workload)
    reads = []

    def read() -> dict[str, str]:
        reads.append(1)
        return {TEMPLATE: template}

    signature = "2" if change == "signature" else "1"
    values = {"a": 1} if change == "values" else {}
    other = partial(workload, "other" if change == "workload" else "web")
    Agent(AgentFolder("mine", "mine", signature, read)).render((values,), CONTEXT, other)
    assert reads


def test_templates_folders_add_and_replace_agents(tmp_path: Path) -> None:
    for name in ("logging", "audit"):
        (tmp_path / name).mkdir()
        (tmp_path / name / TEMPLATE).write_text(MINIMAL)
    folders = AgentFolders((str(tmp_path),))
    assert folders.names() == ["audit", "logging", "monitoring", "proxy"]
    folder = folders.folder("logging")
    assert folder is not None
    assert folder.read() == {TEMPLATE: MINIMAL}


def test_a_changed_file_changes_the_signature(tmp_path: Path) -> None:
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / TEMPLATE).write_text(MINIMAL)
    before = AgentFolders((str(tmp_path),)).folder("audit")
    (tmp_path / "audit" / TEMPLATE).write_text(MINIMAL + "#")
    after = AgentFolders((str(tmp_path),)).folder("audit")
    assert before is not None
    assert after is not None
    assert before.signature != after.signature


@pytest.mark.parametrize(
    ("container", "patch", "patched"),
    [
        ({"args": ["a"]}, {}, {"args": ["a"]}),
        (
            {"resources": {"limits": {"cpu": 1}}},
            {"resources": {"requests": {"cpu": 1}}},
            {"resources": {"limits": {"cpu": 1}, "requests": {"cpu": 1}}},
        ),
        ({"args": ["a"], "command": ["b"]}, {"args": None}, {"command": ["b"]}),
        ({"args": ["a", "b"]}, {"args": ["c"]}, {"args": ["c"]}),
        (
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"env": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]},
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "3"}, {"name": "C", "value": "4"}]},
        ),
        ({"ports": [{"containerPort": 1}]}, {"ports": [{"containerPort": 2}]}, {"ports": [{"containerPort": 2}]}),
        ({}, {"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "A", "value": "1"}]}),
        (
            {"livenessProbe": {"exec": {"command": ["a"]}, "periodSeconds": 5}},
            {"livenessProbe": {"periodSeconds": None}},
            {"livenessProbe": {"exec": {"command": ["a"]}}},
        ),
    ],
)
def test_a_container_patch(container: dict[str, Any], patch: dict[str, Any], patched: dict[str, Any]) -> None:
    named = {"name": "a", "image": "x"}
    container = named | container
    before = json.dumps(container)
    assert patch_container(container, patch) == named | patched
    assert json.dumps(container) == before


def test_a_patch_that_names_an_item_twice_is_refused() -> None:
    with pytest.raises(SettingsError, match="does not fit"):
        patch_container({"env": [{"name": "B"}]}, {"env": [{"name": "A"}, {"name": "A"}]})


@pytest.mark.parametrize(
    ("patch", "field"), [({"name": None}, ""), ({"image": 5}, "image"), ({"env": {"a": "b"}}, "env"), ({"env": [5]}, "env.0")]
)
def test_a_patch_that_leaves_no_container_is_refused(patch: dict[str, Any], field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        patch_container({"name": "a", "image": "x"}, patch)
    assert caught.value.field == field
