"""A rendering is shared by workloads in which its template read the same, and by no other."""

from collections.abc import Callable
from typing import Any

import pytest

from sidecar_plugin.agents.agent import TEMPLATE, Agent, AgentFolder
from sidecar_plugin.agents.folders import AgentFolders
from sidecar_plugin.errors import TemplateError
from sidecar_plugin.runtime.cache import Memo, keeping
from tests.agents.test_agent import CONTEXT

WORKLOADS: list[dict[str, Any]] = [
    {"kind": "Deployment", "name": "web", "namespace": "", "labels": {}, "annotations": {}, "containers": []},
    {"kind": "Deployment", "name": "api", "namespace": "a", "labels": {"app": "x"}, "annotations": {}, "containers": []},
    {
        "kind": "Job",
        "name": "web",
        "namespace": "a",
        "labels": {"app": "y", "b": "z"},
        "annotations": {"n": "1"},
        "containers": [],
    },
    *(
        {
            "kind": "Deployment",
            "name": "web",
            "namespace": "",
            "labels": {"app": "x"},
            "annotations": {"n": "2"},
            "containers": list(each),
        }
        for each in (
            [{"name": "a", "image": "x", "ports": [], "resources": {}}],
            [{"name": "a", "image": "y", "ports": [{"containerPort": 80}], "resources": {"requests": {}}}],
            [{"name": "b", "image": "y", "ports": [{"containerPort": 81, "name": "m"}], "resources": {"requests": {"cpu": 1}}}],
            [{"name": "b", "image": "y", "ports": ["odd"], "resources": {"requests": {"cpu": True}}}],
            [{"name": "b", "image": "y", "ports": [None, None], "resources": {"limits": {"cpu": 1.0}}}],
            [{"name": "a", "image": "x", "ports": [], "resources": {"requests": None}}] * 2,
        )
    ),
]
READING = [
    "nothing",
    "{{ workload.name }}",
    "{{ workload['kind'] }}",
    "{{ workload }}",
    "{{ workload ~ '' }}",
    "{{ workload | tojson }}",
    "{{ [workload.labels] | tojson }}",
    "{{ workload.labels | toyaml }}",
    "{{ {'a': workload.containers} | toyaml }}",
    "{{ workload.labels | length }}",
    "{{ workload.labels | list }}",
    "{{ workload.labels | dictsort }}",
    "{{ workload.labels | items | list }}",
    "{{ workload.labels.values() | list }}",
    "{{ workload.labels == {'app': 'x'} }}",
    "{{ workload.labels in [{}] }}",
    "{{ dict(workload.labels, c=1) }}",
    "{{ dict(**workload.labels) }}",
    "{{ 'labels' if workload.labels else 'none' }}",
    "{{ 'app' in workload.labels }}",
    "{{ workload.labels.app is defined }}",
    "{{ workload.labels.get('app', 'none') }}",
    "{{ workload.labels.app | default('none') }}",
    "{{ workload | attr('name') }}",
    "{{ [workload] | map(attribute='labels.app', default='-') | join }}",
    "{{ workload.labels | urlencode if workload.labels is mapping and not workload.labels else '' }}",
    "{{ workload.labels | string | length }}",
    "{{ workload.labels | pprint }}",
    "{{ workload.annotations.n if workload.labels.app == 'x' else workload.kind }}",
    "{{ workload.containers | length }}",
    "{{ workload.containers | map(attribute='name') | join(',') }}",
    "{% for c in workload.containers %}{% for p in c.ports %}{{ p.name if p is mapping else p }} {% endfor %}{% endfor %}",
    "{{ workload.containers | map(attribute='resources') | list }}",
    "{{ 'requests' in (workload.containers | map(attribute='resources') | first | default({})) }}",
    "{{ workload.containers | groupby('image') | map('first') | list }}",
    "{{ workload.containers == [] }}",
    "{{ workload.containers[:1] | tojson }}",
    "{{ workload.containers | reverse | map(attribute='image') | list | tojson }}",
    "{{ {'requests': {'cpu': '1m'}} | with_share_of(workload.containers, 50) | tojson }}",
]


def rendered(agent: Agent, workload: dict[str, Any]) -> Any:
    try:
        return agent.render((), CONTEXT, lambda: workload).container["image"]
    except TemplateError as error:
        return error.message


@pytest.mark.parametrize("is_built_in", [True, False], ids=["here", "in the process"])
@pytest.mark.parametrize("reading", READING)
def test_a_shared_rendering_is_the_one_that_the_workload_would_get_alone(reading: str, is_built_in: bool) -> None:
    """In any order, in one run and from the kept results of another."""
    text = f"{{% set text %}}{reading}{{% endset %}}container: {{name: a, image: {{{{ 'x:' ~ (text | sha256) }}}}}}"
    folder = AgentFolder("a", "a", "1", lambda: {TEMPLATE: text}, is_built_in=is_built_in)
    memo = Memo()
    for workloads in (WORKLOADS, WORKLOADS[::-1]):
        with keeping(memo):
            shared = Agent(folder)
        for workload in workloads:
            with keeping(Memo()):
                alone = Agent(folder)
            assert rendered(shared, workload) == rendered(alone, workload), workload


@pytest.mark.parametrize(("reading", "count"), [("", 1), ("{{ workload.kind }}", 2), ("{{ workload.name }}", 2)])
def test_workloads_share_renderings(reading: str, count: int) -> None:
    template = f"{{% set x = workload.kind %}}container: {{name: a, image: x, workingDir: 'x{reading}'}}"
    if "kind" not in reading:
        template = template.replace("workload.kind", "1")
    agent = Agent(AgentFolder("a", "a", "1", lambda: {TEMPLATE: template}))
    assert len({id(agent.render((), CONTEXT, lambda each=each: each)) for each in WORKLOADS}) == count


@pytest.mark.parametrize("name", ["logging", "monitoring", "proxy"])
@pytest.mark.parametrize("platform", ["kubernetes", "acs"])
def test_what_a_built_in_agent_renders_does_not_name_the_workload(name: str, platform: str) -> None:
    """A thousand workloads of other names, labels, annotations and images share one rendering."""
    folder = AgentFolders(()).folder(name)
    assert folder is not None
    agent = Agent(folder)
    context = {**CONTEXT, "cluster": {"version": "1.30", "platform": platform}}

    def workload(number: int) -> Callable[[], dict[str, Any]]:
        kind = ("Deployment", "Job", "Pod")[number % 3]
        container = {
            "name": f"c{number}",
            "image": f"i:{number}",
            "ports": [{"name": "http", "containerPort": 80}],
            "resources": {},
        }
        own = {"app": f"app-{number}"}
        data = {"kind": kind, "name": f"app-{number}", "namespace": f"n{number}", "labels": own, "annotations": own}
        return lambda: {**data, "containers": [container]}

    assert len({id(agent.render((), context, workload(number))) for number in range(1000)}) == 1
