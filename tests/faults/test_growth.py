"""Time in proportion to the input: twice the size takes at most 2.5 times as long, for every command and many shapes.

A shape is a function from a size to a text. What a run of size 1 costs is taken off both
times. To add one, add a row.
"""

import gc
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import run
from tests.support.kubectl import stand_in

FACTOR = 2.5
SLACK = 0.04  # seconds: what a measurement of this machine is off by
TRIES = 4
DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web{0}}}\nspec:\n  template:\n    spec:\n"
CONTAINER = "      - {{name: app{0}, image: 'app:1'}}\n"
Shape = Callable[[int], str]


def many(each: str, head: str = "", tail: str = "") -> Shape:
    """Return the shape in which a piece of text stands so many times, with its number."""
    return lambda size: head + "".join(each.format(index) for index in range(size)) + tail


def in_a_pod(field: str, item: str) -> Shape:
    pod = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n  - {{name: app, image: x}}\n  {field}:\n"
    return many(
        item, pod, "  - {name: last, image: x, emptyDir: {}}\n" if field in ("volumes", "initContainers") else "  - {}\n"
    )


DEPLOYMENTS = many(f"---\n{DEPLOYMENT}      containers:\n{CONTAINER}")
FOREIGN = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{0}}}\ndata: {{k: v}}\n"
UNKNOWN = "---\napiVersion: example.com/v1\nkind: Thing{0}\nmetadata: {{name: t}}\nspec: {{containers: []}}\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n"
HPA = (
    "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: h{0}}}\nspec:\n  maxReplicas: 2\n"
    "  scaleTargetRef: {{kind: Deployment, name: web{0}}}\n"
)


def in_a_container(field: str) -> str:
    return f"{POD.format()}  - name: a\n    image: x\n    {field}:\n"


def aliases(size: int) -> str:
    head = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: &l {a: b}}\nspec:\n  containers:\n"
    head += "  - {name: app, image: x}\nmore:\n"
    return head + "".join(f"- *l  # {index}\n" for index in range(size))


def merges(size: int) -> str:
    head = "base: &b {image: x}\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n"
    return head + "".join(f"  - {{<<: *b, name: app{index}}}\n" for index in range(size)) + "  - {name: last, image: x}\n"


def flow_list(size: int) -> str:
    spec = {"containers": [{"name": "a", "image": "x"}]}
    items = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{index}"}, "spec": spec}
             for index in range(size)]  # fmt: skip
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}) + "\n"


def long_text(size: int) -> str:
    text = "".join(f"    line {index} of a long text\n" for index in range(size))
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata:\n  k: |\n    x\n{text}---\n{DEPLOYMENTS(1)}"


def injected(shape: Shape, *words: str) -> Shape:
    def text(size: int) -> str:
        done = run("--cluster-version=1.30", "--report=none", *agent(), *words, stdin=shape(size))
        assert done.status == 0, done.stderr
        return done.stdout.decode()

    return text


FRONT = {
    "clusterVersion": "1.30",
    "agents": {
        "front": {
            "enabled": True,
            "template": "container: {name: front, image: x, ports: [{name: f, containerPort: 9}]}\nservicePorts: {'80': f}\n",
        }
    },
}
IN_FRONT = f"apiVersion: sidecar-plugin.dev/v1alpha1\nkind: SidecarInjection\nspec: {json.dumps(FRONT)}\n"
LABELLED = (
    "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web{0}}}\nspec:\n  template:\n"
    "    metadata: {{labels: {{app: web, number: n{0}}}}}\n    spec:\n      containers:\n"
    "      - {{name: app, image: x, ports: [{{containerPort: 80}}]}}\n"
)
SERVICES = "---\napiVersion: v1\nkind: Service\nmetadata: {{name: s{0}}}\n"
SERVICES += "spec: {{selector: {{number: n{0}}}, ports: [{{port: 80}}]}}\n"


def behind_agents(size: int) -> str:
    """Return Deployments, and as many Services that send to an agent in front of them."""
    return IN_FRONT + many(LABELLED)(size) + many(SERVICES)(size)


def ports_behind_an_agent(size: int) -> str:
    head = "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec:\n  selector: {app: web}\n  ports:\n"
    return IN_FRONT + LABELLED.format(0) + many("  - {{port: 80, targetPort: 80, name: p{0}}}\n", head)(size)


def injected_list(size: int) -> str:
    """Return a List of Pods that agents were put into."""
    done = run("--cluster-version=1.30", "--report=none", *agent(), stdin=flow_list(size))
    assert done.status == 0, done.stderr
    return done.stdout.decode()


def acs(size: int) -> str:
    sidecar = "      - {{name: side{0}, image: x, env: [{{name: __IS_SIDECAR__, value: 'true'}}]}}\n"
    return many(sidecar, DEPLOYMENT.format(0) + "      containers:\n" + CONTAINER.format(0))(size)


def pods(size: int) -> str:
    status = {"name": "a", "ready": True, "started": True, "restartCount": 0, "image": "x", "state": {"running": {}}}
    statuses = {"phase": "Running", "containerStatuses": [status], "initContainerStatuses": [{**status, "name": "s"}]}
    sidecar = {"name": "s", "image": "x", "restartPolicy": "Always"}
    spec = {"containers": [{"name": "a", "image": "x"}], "initContainers": [sidecar]}
    items = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{index}"}, "spec": spec, "status": statuses}
        for index in range(size)
    ]  # fmt: skip
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def daemonset(key: str, item: Callable[[int], Any]) -> Shape:
    def text(size: int) -> str:
        container: dict[str, Any] = {"name": "a", "image": "x:1"}
        spec: dict[str, Any] = {"containers": [container]}
        (container if key in ("env", "args") else spec)[key] = [item(index) for index in range(size)]
        template = {"metadata": {"labels": {"a": "b"}}, "spec": spec}
        whole = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "a"}, "spec": {"template": template}}
        return json.dumps(whole)

    return text


def settings(entry: str, key: str) -> Shape:
    head = "apiVersion: sidecar-plugin.dev/v1alpha1\nkind: SidecarInjection\nmetadata: {{name: s}}\n"
    head += "spec:\n  clusterVersion: '1.30'\n"
    return many(entry, f"{head.format()}  {key}:\n", f"---\n{DEPLOYMENTS(1)}")


def agent() -> list[str]:
    return [
        "--set",
        "agents.own.enabled=true",
        "--set-file",
        f"agents.own.template={Path(__file__).parent / 'growth_agent.yaml.j2'}",
    ]


def enabled(size: int) -> str:
    """Return settings that switch so many agents on."""
    row = "    own{0}: {{enabled: true, template: 'container: {{name: own{0}, image: x}}'}}\n"
    return settings(row, "agents")(size).partition("---\n")[0]


def variables(size: int) -> str:
    template = f"container: {{name: own, image: x, env: [{many('{{name: A{0}, value: b}}, ')(size)}]}}"
    return enabled(1) + f"    own: {{enabled: true, template: {json.dumps(template)}}}\n"


def targets(size: int) -> str:
    return enabled(1) + many("  - {{names: [n{0}]}}\n", "  targets:\n")(size)


def beside_pods(each: str) -> Shape:
    """Return the shape of as many Deployments as other objects."""
    return lambda size: DEPLOYMENTS(size) + many(each)(size)


LIMITS = "---\napiVersion: v1\nkind: LimitRange\nmetadata: {{name: l{0}}}\n"
LIMITS += "spec: {{limits: [{{type: Container, max: {{cpu: {0}m}}, maxLimitRequestRatio: {{memory: 2}}}}]}}\n"
QUOTA = "---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {{name: q{0}}}\n"
QUOTA += "spec: {{hard: {{limits.cpu: {0}, requests.memory: 1Gi}}}}\n"
INJECT = ("inject", "--report=none", "--cluster-version=1.30", "AGENT", "-")
CONTAINERS = many(CONTAINER, DEPLOYMENT.format(0) + "      containers:\n")
CONVERT = ("convert", "--report=none")
UNINJECT = ("uninject", "--report=none", "-")
POLICY = ("export-policy", "--report=none", "--cluster-version=1.33", "--config", "FILE")
FROM_DAEMONSET = ("from-daemonset", "OUT", "-")
SHAPES: dict[str, tuple[tuple[str, ...], Shape, int]] = {
    "inject: documents": (INJECT, DEPLOYMENTS, 600),
    "inject: documents without workloads": (INJECT, many(FOREIGN, tail=f"---\n{DEPLOYMENTS(1)}"), 20000),
    "inject: documents of unknown kinds": (INJECT, many(UNKNOWN), 4000),
    "inject: containers of a pod": (INJECT, CONTAINERS, 250),
    "inject: init containers": (INJECT, in_a_pod("initContainers", "  - {{name: i{0}, image: x}}\n"), 8000),
    "inject: volumes": (INJECT, in_a_pod("volumes", "  - {{name: v{0}, emptyDir: {{}}}}\n"), 6000),
    "inject: ports": (INJECT, many("    - {{containerPort: {0}1}}\n", in_a_container("ports")), 12000),
    "inject: variables": (INJECT, many("    - {{name: A{0}, value: b}}\n", in_a_container("env")), 15000),
    "inject: mounts": (INJECT, many("    - {{name: v, mountPath: /m{0}}}\n", in_a_container("volumeMounts")), 12000),
    "inject: comments": (INJECT, many("# a comment, {0}\n", tail=DEPLOYMENTS(1)), 200000),
    "inject: a long text": (INJECT, long_text, 100000),
    "inject: aliases": (INJECT, aliases, 20000),
    "inject: merge keys": (INJECT, merges, 250),
    "inject: a list in one line": (INJECT, flow_list, 500),
    "inject: autoscalers": (INJECT, beside_pods(HPA), 400),
    "inject: LimitRanges and workloads": (INJECT, beside_pods(LIMITS), 400),
    "inject: ResourceQuotas and workloads": (INJECT, beside_pods(QUOTA), 400),
    "inject: again": (INJECT, injected(DEPLOYMENTS), 300),
    "inject: again, containers of a pod": (INJECT, injected(CONTAINERS), 250),
    "inject --diff: documents": (("inject", "--diff", *INJECT[1:]), DEPLOYMENTS, 500),
    "inject --diff: containers of a pod": (("inject", "--diff", *INJECT[1:]), CONTAINERS, 250),
    "inject: settings, targets": (INJECT, settings("  - {{names: [n{0}]}}\n", "targets"), 3000),
    "inject: settings, workloads": (INJECT, settings("  - {{group: a.io, kind: K{0}, podTemplate: t}}\n", "workloads"), 3000),
    "inject --html: documents": (("inject", "--html", "PAGE", *INJECT[1:]), DEPLOYMENTS, 300),
    "inject --html: containers of a pod": (("inject", "--html", "PAGE", *INJECT[1:]), CONTAINERS, 250),
    "inject: Services and workloads": (("inject", "--report=none", "-"), behind_agents, 300),
    "inject: ports of a Service": (("inject", "--report=none", "-"), ports_behind_an_agent, 1500),
    "inject: again, a list in one line": (INJECT, injected_list, 250),
    "uninject: a list in one line": (UNINJECT, injected_list, 250),
    "uninject: documents": (UNINJECT, injected(DEPLOYMENTS), 500),
    "uninject: containers of a pod": (UNINJECT, injected(CONTAINERS), 250),
    "convert: documents": ((*CONVERT, "--to=acs", "-"), injected(DEPLOYMENTS), 100),
    "convert: sidecars of a pod": ((*CONVERT, "--to=native", "-"), acs, 300),
    "check: documents": (("check", "-"), DEPLOYMENTS, 1000),
    "check: findings in a pod": (("check", "-"), acs, 1000),
    "check: autoscalers": (("check", "-"), beside_pods(HPA), 500),
    "check: LimitRanges and workloads": (("check", "-"), beside_pods(LIMITS), 500),
    "check: ResourceQuotas and workloads": (("check", "-"), beside_pods(QUOTA), 500),
    "agents: folders": (("agents", "FOLDERS"), many("---\nv: {0}\n"), 1000),
    "agents: values of an agent": (("agents", "own0", "FOLDERS"), many("v{0}: x\n"), 20000),
    "schema: folders": (("schema", "FOLDERS"), many("---\nv: {0}\n"), 1000),
    "schema: values of an agent": (("schema", "FOLDERS"), many("v{0}: x\n"), 5000),
    "export-policy: agents": (POLICY, enabled, 300),
    "export-policy: variables of an agent": (POLICY, variables, 1500),
    "export-policy: targets": (POLICY, targets, 2000),
    "export-policy --engine kyverno: variables": ((*POLICY, "--engine=kyverno"), variables, 1500),
    "export-policy --engine sidecarset: variables": ((*POLICY, "--engine=sidecarset", "--engine-version=1.9"), variables, 1500),
    "export-policy --guard: targets": ((*POLICY, "--guard=deny"), targets, 2000),
    "images: agents": (("images", "--cluster-version=1.30", "--config", "FILE"), enabled, 300),
    "verify: pods": (("verify", "-"), pods, 4000),
    "verify --timeline: pods": (("verify", "--timeline", "-"), pods, 1500),
    "verify --html: pods": (("verify", "--html", "PAGE", "-"), pods, 1500),
    "verify --plan: workloads": (("verify", "--plan", "KUBECTL"), injected_list, 250),
    "check --cluster: workloads": (("check", "--cluster", "KUBECTL"), injected_list, 250),
    "from-daemonset: variables": (FROM_DAEMONSET, daemonset("env", lambda at: {"name": f"A{at}", "value": "b"}), 1500),
    "from-daemonset: arguments": (FROM_DAEMONSET, daemonset("args", lambda index: f"--a{index}"), 4000),
    "from-daemonset: volumes": (FROM_DAEMONSET, daemonset("volumes", lambda at: {"name": f"v{at}", "emptyDir": {}}), 3000),
}  # fmt: skip


def cost(command: tuple[str, ...], text: str, folder: Path) -> float:
    """Return the seconds of computing of one run. The text is its standard input, FILE, or one agent's values a document, or
    what KUBECTL, a stand-in for a cluster, gives."""
    words: list[str] = []
    for word in command:
        path = folder / f"{word}{time.monotonic_ns()}"
        if word == "FILE":
            path.write_text(text)
        if word == "FOLDERS":
            for index, values in enumerate(text.split("---\n")):
                (path / f"own{index}").mkdir(parents=True)
                (path / f"own{index}" / "agent.yaml.j2").write_text("container: {name: own, image: x}\n")
                (path / f"own{index}" / "values.yaml").write_text(values)
        given = {
            "AGENT": agent(),
            "OUT": ["--output-dir", str(path)],
            "FILE": [str(path)],
            "PAGE": [str(path)],
            "KUBECTL": stand_in(path, text) if word == "KUBECTL" else [],
            "FOLDERS": ["--templates", str(path)],
        }
        words += given.get(word, [word])
    gc.disable()  # as the program itself does
    try:
        begun = time.process_time()
        done = run(*words, stdin=text)
        spent = time.process_time() - begun
    finally:
        gc.enable()
    assert done.status in (0, 1) and "Traceback" not in done.stderr, done.stderr[:500]
    return spent


@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES)
def test_twice_the_input_takes_at_most_two_and_a_half_times_as_long(name: str, tmp_path: Path) -> None:
    command, shape, size = SHAPES[name]
    texts = [shape(each) for each in (1, size, 2 * size)]
    best = [min(cost(command, text, tmp_path) for _ in range(2)) for text in texts]
    for _ in range(TRIES):
        base, once, twice = best
        if twice - base <= FACTOR * (once - base) + SLACK:
            return
        best = [min(known, cost(command, text, tmp_path)) for known, text in zip(best, texts, strict=True)]
    pytest.fail(f"{size}: {best[1] - best[0]:.2f} s, twice as many: {best[2] - best[0]:.2f} s")
