"""The same container and volumes put into every Deployment by kustomize's strategic-merge patch and by sidecar-plugin.

usage: against_kustomize.py [DEPLOYMENTS]...

Both run in turns on the same stream of Deployments and twice as many other documents; medians of three runs are compared. What
both added is compared before anything is printed. Above 1000 Deployments, where kustomize takes longer than anybody waits for
three runs of it, the streams are ours alone.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from measuring import KUSTOMIZE, SETTINGS, Section, Target, cost, costs_in_turns, installed_program, manifests, print_section

ALONE_ABOVE = 1_000  # Deployments
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: any}
spec:
  template:
    spec:
      containers:
        - name: agent
          image: registry.example.com/agent:1
          volumeMounts: [{name: agent-logs, mountPath: /var/log/agent}]
      volumes: [{name: agent-logs, emptyDir: {}}]
"""
LOGGING = """\
apiVersion: sidecar-plugin.dev/v1alpha1
kind: SidecarInjection
metadata: {name: benchmark}
spec: {clusterVersion: "1.30", agents: {logging: {enabled: true}}}
"""
LISTS = ("initContainers", "containers", "volumes")
RATIOS = {"a small agent": 40, "the agent logging": 30}


def logging_patch(path: Path) -> str:
    """Return the patch that adds what sidecar-plugin added to the first Deployment of its output, the agent logging."""
    document = next(one for one in documents(path) if one["kind"] == "Deployment")
    template = document["spec"]["template"]
    pod = template["spec"]
    ours = {key: [item for item in pod[key] if item["name"].startswith("logging")] for key in ("initContainers", "volumes")}
    mounts = [mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"].startswith("logging")]
    spec = {**ours, "containers": [{"name": pod["containers"][0]["name"], "volumeMounts": mounts}]}
    annotations = template["metadata"]["annotations"]
    whole = {"metadata": {"annotations": annotations}, "spec": spec}
    names = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "any"}}
    return yaml.safe_dump({**names, "spec": {"template": whole}}, sort_keys=False)


def documents(path: Path) -> Iterator[dict[str, Any]]:
    yield from yaml.load_all(path.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def added(path: Path) -> dict[str, tuple[list[str], ...]]:
    """Return the names of each Deployment's containers and volumes, in no order."""
    pods = {
        document["metadata"]["name"]: document["spec"]["template"]["spec"]
        for document in documents(path)
        if document["kind"] == "Deployment"
    }
    return {name: tuple(sorted(item["name"] for item in pod.get(key, ())) for key in LISTS) for name, pod in pods.items()}


def measure(program: Path, sizes: list[int], agent: str = "a small agent") -> Section:
    rows, targets = [], []
    lines: dict[str, list[tuple[float, float]]] = {"kustomize patch": [], "sidecar-plugin": []}
    for size in sizes:
        with TemporaryDirectory() as folder:
            work = Path(folder)
            stream, settings = work / "all.yaml", work / "sidecars.yaml"
            stream.write_text(manifests(size))
            settings.write_text(LOGGING if agent == "the agent logging" else SETTINGS)
            (work / "kustomization.yaml").write_text(
                "resources: [all.yaml]\npatches: [{target: {kind: Deployment}, path: patch.yaml}]\n"
            )
            commands = {
                "sidecar-plugin": ((program, "--report=none", "--config", settings), stream),
                "kustomize patch": ((KUSTOMIZE, "build", work), None),
            }
            if size > ALONE_ABOVE:
                del commands["kustomize patch"]
            else:
                outputs = [work / "ours.out", work / "theirs.out"]
                for (command, stdin), output in zip(commands.values(), outputs, strict=True):
                    cost(command, stdin, output)
                    patch = logging_patch(outputs[0]) if agent == "the agent logging" else PATCH
                    (work / "patch.yaml").write_text(patch)
                ours, theirs = map(added, outputs)
                if ours != theirs or len(ours) != size:
                    sys.exit("the two did not add the same: the figures would mean nothing")
            spent = costs_in_turns(commands, 3)
        for name, each in spent.items():
            lines[name].append((size, each.seconds))
        fast, slow = spent["sidecar-plugin"], spent.get("kustomize patch")
        ratio = slow.seconds / fast.seconds if slow else None
        rows.append(
            (
                str(size),
                f"{fast.seconds:.2f} s",
                f"{fast.memory / 1e6:.0f} MB",
                f"{slow.seconds:.2f} s" if slow else "not run",
                f"{slow.memory / 1e6:.0f} MB" if slow else "",
                f"{ratio:.0f}" if ratio else "",
            )
        )
        if size == ALONE_ABOVE and ratio:
            wanted = RATIOS[agent]
            promise = f"{agent}: {wanted} times faster than the patch on {size} Deployments"
            targets.append(Target(promise, f"{ratio:.0f}", ratio >= wanted))
    columns = ("Deployments", "sidecar-plugin", "memory", "kustomize patch", "memory", "times faster")
    title = f"Beside a kustomize patch that adds the same, {agent}"
    return Section(title, columns, rows, targets, lines if agent == "a small agent" else {})


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [100, 1_000, 5_000, 20_000]
    with installed_program() as program:
        for agent in RATIOS:
            print_section(measure(program, sizes, agent))


if __name__ == "__main__":
    main()
