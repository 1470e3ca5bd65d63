"""What in a pod does not go with the agents it gets: each rule with a pod that breaks it and one beside it that does not."""

import pytest

from tests.support.command import run

AGENT = (
    "container: {name: a, image: x, ports: [{containerPort: 2020}], securityContext: {runAsUser: 0}, "
    "resources: {requests: {cpu: 100m, memory: 64Mi}}, livenessProbe: {httpGet: {port: 3030}}}"
)
NATIVE = "{name: own, image: x, restartPolicy: Always, ports: [{containerPort: 2020}]}"


def affinity(expression: str) -> str:
    terms = f"{{nodeSelectorTerms: [{{matchExpressions: [{expression}]}}]}}"
    return f"affinity: {{nodeAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: {terms}}}}}"


BREAKS = [
    pytest.param("", "ports: [{containerPort: 2020}]", "port 2020", id="a port of the agent"),
    pytest.param("", "ports: [{containerPort: 3030}]", "port 3030", id="a port that the agent's probe asks"),
    pytest.param("", "readinessProbe: {tcpSocket: {port: 2020}}", "port 2020", id="a port that the pod's probe asks"),
    pytest.param(f"initContainers: [{NATIVE}]", "", "port 2020", id="a native sidecar's port"),
    pytest.param("hostNetwork: true", "", "hostNetwork", id="the node's network"),
    pytest.param("securityContext: {runAsNonRoot: true}", "", "runAsNonRoot", id="user 0"),
    pytest.param("resources: {requests: {cpu: 100m}}", "resources: {requests: {cpu: 50m}}", "of cpu", id="too little"),
    pytest.param("terminationGracePeriodSeconds: 0", "", "terminationGracePeriodSeconds", id="no time at the end"),
    pytest.param("initContainers: [{name: web, image: x}]", "", 'the name "web"', id="one name in both lists"),
    pytest.param("os: {name: windows}", "", "Windows", id="a Windows pod"),
    pytest.param("nodeSelector: {kubernetes.io/os: windows}", "", "must be for Windows", id="a Windows node"),
    pytest.param("nodeSelector: {beta.kubernetes.io/os: windows}", "", "must be for Windows", id="the label's old name"),
    pytest.param(
        affinity("{key: kubernetes.io/os, operator: In, values: [windows]}"), "", "must be for Windows", id="affinity"
    ),
]
GOES = [
    pytest.param("", "ports: [{containerPort: 2020, protocol: UDP}]", id="the same port of another protocol"),
    pytest.param("", "ports: [{containerPort: 8080}]", id="another port"),
    pytest.param("initContainers: [{name: own, image: x, ports: [{containerPort: 2020}]}]", "", id="an init container's port"),
    pytest.param("hostNetwork: false", "", id="the pod's own network"),
    pytest.param("securityContext: {runAsUser: 1000}", "", id="another user"),
    pytest.param("resources: {requests: {cpu: 200m}}", "resources: {requests: {cpu: 50m}}", id="enough requests"),
    pytest.param("terminationGracePeriodSeconds: 30", "", id="time at the end"),
    pytest.param("nodeSelector: {kubernetes.io/os: linux}", "", id="a Linux node"),
    pytest.param(affinity("{key: kubernetes.io/os, operator: In, values: [linux, windows]}"), "", id="affinity to either"),
    pytest.param(affinity("{key: kubernetes.io/os, operator: NotIn, values: [windows]}"), "", id="affinity to others"),
]


def inject(spec: str, container: str, *words: str) -> tuple[int, bytes, str]:
    fields = "".join(f"  {line}\n" for line in [spec] if line)
    own = f", {container}" if container else ""
    pod = (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n{fields}  containers:\n  - {{name: web, image: x{own}}}\n"
    )
    template = AGENT.replace(",", "\\,")
    done = run("--cluster-version", "1.34", "--platform", "kubernetes", "--set",
               f"agents.a.enabled=true,agents.a.template={template}", *words, stdin=pod)  # fmt: skip
    return done.status, done.stdout, done.stderr


@pytest.mark.parametrize(("spec", "container", "words"), BREAKS)
def test_what_does_not_go_with_an_agent_is_a_warning_with_its_place(spec: str, container: str, words: str) -> None:
    status, _, said = inject(spec, container)
    assert status == 0
    [warning] = [line for line in said.splitlines() if "warning" in line]
    assert warning.startswith("sidecar-plugin: warning: <stdin>:")
    assert words in warning
    assert inject(spec, container, "--strict")[0] == 1


@pytest.mark.parametrize(("spec", "container"), GOES)
def test_what_goes_with_an_agent_is_no_warning(spec: str, container: str) -> None:
    assert "warning" not in inject(spec, container)[2]


def test_a_windows_pod_gets_agents_of_ones_own_only() -> None:
    """The images of the built-in agents are for Linux; of another agent only its author knows."""
    _, output, said = inject("os: {name: windows}", "", "--set", "agents.logging.enabled=true")
    assert (output.count(b"name: a,") + output.count(b"name: a\n"), output.count(b"fluent-bit")) == (1, 0)
    assert "the images of logging are for Linux" in said


def test_two_agents_on_one_port_are_named_both() -> None:
    other = "agents.b.enabled=true,agents.b.template=container: {name: b\\, image: x\\, ports: [{containerPort: 2020}]}"
    assert "the agent b and the agent a both listen on port 2020" in inject("", "", "--set", other)[2]


def needs(seconds: int, grace: str) -> list[str]:
    """Return the warnings about an agent that needs so many seconds to end."""
    template = f"container: {{name: b\\, image: x}}\ngracePeriodSeconds: {seconds}"
    said = inject(grace, "", "--set", f"agents.b.enabled=true,agents.b.template={template}")[2]
    return [line for line in said.splitlines() if "warning" in line]


@pytest.mark.parametrize(
    ("seconds", "grace", "is_enough"),
    [
        (10, "terminationGracePeriodSeconds: 9", False),
        (10, "terminationGracePeriodSeconds: 10", True),
        (31, "", False),
        (30, "", True),
        (0, "terminationGracePeriodSeconds: 1", True),
    ],
)
def test_an_agent_says_how_long_it_needs_to_end(seconds: int, grace: str, is_enough: bool) -> None:
    found = needs(seconds, grace)
    assert bool(found) != is_enough
    assert all(f"the agent b needs {seconds} seconds" in line for line in found)


@pytest.mark.parametrize(("grace", "outcome"), [(8, "the API server refuses the pod"), (9, "it is killed")])
def test_an_agents_sleep_is_held_against_the_grace_period(grace: int, outcome: str) -> None:
    template = "container: {name: b\\, image: x\\, lifecycle: {preStop: {sleep: {seconds: 9}}}}"
    values = f"agents.b.enabled=true,agents.b.template={template}"
    said = inject(f"terminationGracePeriodSeconds: {grace}", "", "--set", values)[2]
    assert "preStop of the agent b, 9 seconds" in said
    assert outcome in said


@pytest.mark.parametrize(
    ("values", "needed"),
    [
        ("agents.proxy.enabled=true,agents.proxy.drain.seconds=40", "41"),
        ("agents.logging.enabled=true,agents.logging.engine=fluent-bit,agents.logging.shutdownSeconds=60", "61"),
    ],
)
def test_the_built_in_agents_say_it_by_their_values(values: str, needed: str) -> None:
    assert f"needs {needed} seconds to end, and terminationGracePeriodSeconds is 30" in inject("", "", "--set", values)[2]
