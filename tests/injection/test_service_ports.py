"""Services whose target ports an agent takes: which are changed, which are refused, and that all of it is taken back."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sidecar_plugin.errors import ManifestError
from tests.support.command import run
from tests.support.injection import inject, inject_and_report, take_out

TEMPLATE = """\
container:
  name: front
  image: example.com/front:1
  ports:
{% for port in values.ports %}
  - {name: front-{{ port }}, containerPort: {{ port + 10000 }}}
{% endfor %}
servicePorts:
{% for port in values.ports %}
  "{{ port }}": front-{{ port }}
{% endfor %}
podLabels: {front: "yes"}
"""
FRONT = {"agents": {"front": {"enabled": True, "template": TEMPLATE, "ports": [8080]}}}


def deployment(
    name: str = "web", labels: str = "app: web", namespace: str = "", ports: str = "[{name: http, containerPort: 8080}]"
):
    where = f", namespace: {namespace}" if namespace else ""
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}{where}}}\nspec:\n  template:\n    metadata:\n"
        f"      labels: {{{labels}}}\n    spec:\n      containers:\n      - {{name: app, image: x, ports: {ports}}}\n"
    )


def service(ports: str, selector: str = "{app: web}", more: str = "", metadata: str = "{name: web}") -> str:
    return f"apiVersion: v1\nkind: Service\nmetadata: {metadata}\nspec:\n  selector: {selector}\n{more}  ports: {ports}\n"


def target_ports(text: str) -> list[list[Any]]:
    """Return the target ports of each Service in a stream."""
    services = (each for each in yaml.safe_load_all(text) if each["kind"] == "Service")
    return [[port.get("targetPort") for port in each["spec"]["ports"]] for each in services]


TAKEN = {
    "a number": ("[{port: 80, targetPort: 8080}]", ["front-8080"]),
    "a name": ("[{port: 80, targetPort: http}]", ["front-8080"]),
    "a name in quotes": ('[{port: 80, targetPort: "http"}]', ["front-8080"]),
    "the port itself": ("[{port: 8080}]", ["front-8080"]),
    "in a block": ("\n  - port: 80\n    targetPort: http # the front\n  - port: 8080", ["front-8080", "front-8080"]),
    "a number in hexadecimal": ("[{port: 80, targetPort: 0x1F90}]", ["front-8080"]),
    "null, which is the port itself": ("[{port: 8080, targetPort: null}]", ["front-8080"]),
    "0, which is the port itself": ("[{port: 8080, targetPort: 0}]", ["front-8080"]),
    "a name beside a key in quotes": ('[{"port": 80, "targetPort": http}]', ["front-8080"]),
    "a name in single quotes": ("[{port: 80, targetPort: 'http'}]", ["front-8080"]),
    "TCP, as it is said": ("[{port: 80, protocol: TCP, targetPort: 8080}]", ["front-8080"]),
}
LEFT = {
    "UDP": service("[{port: 8080, protocol: UDP}]"),
    "another number": service("[{port: 80, targetPort: 9090}]"),
    "another name": service("[{port: 80, targetPort: admin}]"),
    "without a selector": service("[{port: 8080}]", "{}"),
    "another selector": service("[{port: 8080}]", "{app: other}"),
    "one label more": service("[{port: 8080}]", "{app: web, tier: back}"),
    "another namespace": service("[{port: 8080}]", metadata="{name: web, namespace: other}"),
    "an external name": service("[{port: 8080}]", more="  type: ExternalName\n  externalName: example.com\n"),
    "headless": service("[{port: 8080}]", more="  clusterIP: None\n"),
    "of Knative": service("[{port: 8080}]").replace("apiVersion: v1", "apiVersion: example.com/v1"),
}


@pytest.mark.parametrize("what", TAKEN)
def test_a_service_that_selects_the_pod_sends_to_the_agent(what: str) -> None:
    ports, wanted = TAKEN[what]
    for text in (f"{service(ports)}---\n{deployment()}", f"{deployment()}---\n{service(ports)}"):
        injected = inject(text, **FRONT)
        assert target_ports(injected) == [wanted]
        assert inject(injected, **FRONT) == injected
        assert take_out(injected) == text


@pytest.mark.parametrize("what", LEFT)
def test_every_other_service_stays_as_it_is(what: str) -> None:
    text = f"{LEFT[what]}---\n{deployment(namespace='prod')}"
    assert inject(text, **FRONT).startswith(LEFT[what])


@pytest.mark.parametrize("before", ["http", "'http'", '"http"', "8080", "null"])
def test_what_another_tool_reprinted_as_json_is_put_back_as_json(before: str) -> None:
    ports = f"[{{port: 8080, targetPort: {before}}}]"
    reprinted = "---\n".join(
        f"{json.dumps(each)}\n" for each in yaml.safe_load_all(inject(f"{service(ports)}---\n{deployment()}", **FRONT))
    )
    first = take_out(reprinted).split("---\n")[0]
    assert json.loads(first)["spec"]["ports"] == yaml.safe_load(ports)


@pytest.mark.parametrize("name", ["no", "1e3", "on", "8-x"])
@pytest.mark.parametrize("ports", ["[{port: 80, targetPort: http}]", "\n  - port: 80\n    targetPort: http"])
def test_the_name_of_an_agents_port_stays_a_text(name: str, ports: str) -> None:
    template = TEMPLATE.replace("front-{{ port }}", json.dumps(name).replace('"', "'"))
    text = f"{service(ports)}---\n{deployment()}"
    spec = {"agents": {"front": {**FRONT["agents"]["front"], "template": template}}}
    injected = inject(text, **spec)
    assert target_ports(injected) == [[name]]
    assert take_out(injected) == text


def test_labels_of_the_agents_count() -> None:
    text = service("[{port: 8080}]", '{front: "yes"}')
    assert target_ports(inject(f"{text}---\n{deployment()}", **FRONT)) == [["front-8080"]]


def test_a_list_and_json_are_as_good() -> None:
    as_json = (
        '{"kind": "List", "apiVersion": "v1", "items": [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, '
        '"spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}, {"port": 8080}]}}, '
        '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"app": "web"}}, "spec": '
        '{"containers": [{"name": "app", "image": "x", "ports": [{"containerPort": 8080}]}]}}]}\n'
    )
    injected = inject(as_json, **FRONT)
    assert [port["targetPort"] for port in yaml.safe_load(injected)["items"][0]["spec"]["ports"]] == ["front-8080"] * 2
    assert take_out(injected) == as_json


def test_several_services_and_several_workloads_with_the_agent_go_together() -> None:
    services = "---\n".join(service("[{port: 8080}]", metadata=f"{{name: {name}}}") for name in ("one", "two"))
    text = f"{services}---\n{deployment('a')}---\n{deployment('b')}"
    assert target_ports(inject(text, **FRONT)) == [["front-8080"], ["front-8080"]]


def test_a_pod_that_has_no_such_port_does_not_count() -> None:
    text = f"{service('[{port: 8080}]')}---\n{deployment()}---\n{deployment('worker', ports='[]')}"
    spec = {**FRONT, "exclude": [{"names": ["worker"]}]}
    assert target_ports(inject(text, **spec)) == [["front-8080"]]


REFUSED = {
    "a workload without the agent": (f"{service('[{port: 8080}]')}---\n{deployment()}---\n{deployment('canary')}", 1),
    "ports with an anchor": (
        f"{deployment()}---\n{service('&p [{port: 8080}]')}",
        12,
    ),
    "a targetPort with an anchor": (f"{service('[{port: 80, targetPort: &p 8080}]')}---\n{deployment()}", 1),
    "a targetPort that is an alias": (
        f"{service('[{port: &p 8080, targetPort: *p}]')}---\n{deployment()}",
        1,
    ),
    "metadata that others share": (f"{service('[{port: 8080}]', metadata='&m {name: web}')}---\n{deployment()}", 1),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_changed_is_refused_at_the_service(what: str) -> None:
    text, line = REFUSED[what]
    with pytest.raises(ManifestError, match="Service/web") as refused:
        inject(text, **FRONT, exclude=[{"names": ["canary"]}])
    assert refused.value.place is not None
    assert refused.value.place.line == line


@pytest.mark.parametrize(
    "ports",
    [
        "\n  - port: 8080\n    targetPort:",
        '[{port: 8080, targetPort: ""}]',
        "[{port: 8080, targetPort}]",
        r'[{port: 80, targetPort: "ht\x74p"}]',
        "[{port: 80, targetPort: !!str http}]",
    ],
)
def test_what_could_not_be_put_back_is_refused(ports: str) -> None:
    with pytest.raises(ManifestError, match="could not be put back as it is written; write a name or a number"):
        inject(f"{service(ports)}---\n{deployment()}", **FRONT)


SETTINGS = ["--set", "clusterVersion=1.30,agents.proxy.enabled=true,agents.proxy.services=true"]


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (deployment(), ("Deployment/web", "targetPort: proxy-8080")),
        (f"{LEFT['headless']}---\n{deployment()}", ("Service/web", "headless", "proxy")),
    ],
    ids=["no Service", "headless"],
)
def test_what_goes_past_the_agent_is_a_warning(stream: str, words: tuple[str, ...]) -> None:
    done = run("inject", "-", *SETTINGS, stdin=stream.encode())
    assert done.status == 0
    (warning,) = [line for line in done.stderr.splitlines() if "warning" in line]
    assert all(word in warning for word in words)
    assert run("inject", "-", "--strict", *SETTINGS, stdin=stream.encode()).status == 1


def test_the_report_names_what_was_changed() -> None:
    done = run("inject", "-", *SETTINGS, stdin=f"{service('[{port: 80, targetPort: http}]')}---\n{deployment()}".encode())
    assert [line for line in done.stderr.splitlines() if line.startswith("Service/web") and "proxy-8080" in line]
    assert "warning" not in done.stderr


def test_a_service_that_names_the_port_by_itself_is_no_warning() -> None:
    text = f"{service('[{port: 80, targetPort: proxy-8080}]')}---\n{deployment()}"
    done = run("inject", "-", "--strict", *SETTINGS, stdin=text.encode())
    assert done.status == 0, done.stderr
    assert done.stdout.decode().startswith(service("[{port: 80, targetPort: proxy-8080}]"))


def test_what_somebody_has_changed_since_stays() -> None:
    text = f"{service('[{port: 80, targetPort: http}]')}---\n{deployment()}"
    changed = inject(text, **FRONT).replace("targetPort: front-8080", "targetPort: 9090")
    assert target_ports(take_out(changed)) == [[9090]]
    assert "injected" not in take_out(changed)


@pytest.mark.parametrize(
    "forged",
    [
        '{"version":1,"agents":["a"],"targetPorts":{"80/TCP":{"is":"x","was":"1\\n  evil: 1"}},"created":[]}',
        '{"version":1,"agents":["a"],"targetPorts":{"80/TCP":{"is":"x","more":"1"}},"created":[]}',
        '{"version":1,"agents":["a"],"targetPorts":[],"created":["metadata"]}',
    ],
)
def test_a_forged_marker_is_refused(forged: str) -> None:
    annotation = forged.replace("'", "''")
    text = service(
        "[{port: 80, targetPort: x}]", metadata=f"{{name: web, annotations: {{sidecar-plugin.dev/injected: '{annotation}'}}}}"
    )
    with pytest.raises(ManifestError):
        take_out(text)


NAMES = st.sampled_from(["http", '"http"', "'http'", "8080", "0x1F90", "admin", "9090"])
PORTS = st.lists(
    st.builds(
        lambda number, target, flow: (number, target, flow),
        st.integers(1, 65535),
        st.none() | NAMES,
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda port: port[0],
)


@given(
    PORTS,
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from(
        [
            "{name: web}",
            "\n  name: web\n  annotations:",
            "\n  name: web\n  annotations: {a: b}",
            "\n  name: web\n  annotations:\n    a: b",
        ]
    ),
)
def test_any_service_is_taken_back_exactly(ports: list[Any], newline: str, ends: bool, metadata: str) -> None:
    lines = []
    for number, target, flow in ports:
        more = "" if target is None else f"targetPort: {target}"
        lines.append(
            f"\n  - {{port: {number}{', ' * bool(more)}{more}}}"
            if flow
            else f"\n  - port: {number} # p{f'{chr(10)}    {more}' * bool(more)}"
        )
    text = f"{deployment()}---\n{service(''.join(lines), metadata=metadata)}".replace("\n", newline)
    text = text if ends else text.removesuffix(newline)
    injected = inject(text, **FRONT)
    assert take_out(injected) == text
    assert inject(injected, **FRONT) == injected
    wanted = [
        "front-8080" if (target or str(number)).strip("'\"") in ("http", "8080", "0x1F90") else yaml.safe_load(target or "null")
        for number, target, _ in ports
    ]
    assert target_ports(injected) == [wanted]


def test_the_items_of_a_krm_function_are_as_good() -> None:
    spec = {"clusterVersion": "1.30", **FRONT}
    settings = {
        "apiVersion": "sidecar-plugin.dev/v1alpha1",
        "kind": "SidecarInjection",
        "metadata": {"name": "a"},
        "spec": spec,
    }
    items = json.dumps([yaml.safe_load(text) for text in (service("[{port: 80, targetPort: http}]"), deployment())])
    resource_list = (
        f"apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: {items}\nfunctionConfig: {json.dumps(settings)}\n"
    )
    done = run(stdin=resource_list.encode())
    assert done.status == 0, done.stderr
    first = yaml.safe_load(done.stdout)["items"][0]
    assert first["spec"]["ports"] == [{"port": 80, "targetPort": "front-8080"}]


def test_the_report_names_target_ports_that_are_put_back_and_not_written_again() -> None:
    both = service("[{port: 80, targetPort: 8080}, {port: 81, targetPort: http}, {port: 8080}]") + "---\n" + deployment()
    injected = inject(both, **FRONT)
    report = json.loads(run("uninject", "-", "--report", "json", stdin=injected).stderr)
    again = "targetPort of port 80/TCP: 8080 again; targetPort of port 81/TCP: http again; targetPort of port 8080/TCP: removed"
    assert report["workloads"][0]["note"] == again
    for settings, note in (({**FRONT, "exclude": [{"names": ["web"]}]}, again), (FRONT, "")):
        _, results = inject_and_report(injected, settings)
        notes = [outcome.note for outcome in results.outcomes if outcome.kind == "Service"]
        assert len(notes) == 1
        assert ("again" in notes[0], notes[0] == again) == (bool(note), bool(note))


@pytest.mark.parametrize("number", ["\u00b2", "\u0661", "9" * 5000])
def test_a_port_of_odd_digits_is_no_number(number: str) -> None:
    """Python's int takes the second and refuses the other two with an error of its own."""
    text = service(f"[{{port: 80, targetPort: '{number}'}}]") + "---\n" + deployment(ports=f"[{{containerPort: '{number}'}}]")
    settings = {"agents": {"front": {**FRONT["agents"]["front"], "template": TEMPLATE.partition("servicePorts")[0]}}}
    assert take_out(inject(text, **settings)) == text
