"""The same container and volume put into every Deployment by kustomize's strategic-merge patch and by sidecar-plugin.

usage: against_kustomize.py [DEPLOYMENTS]...

Both run in turns on the same stream of Deployments and twice as many other documents; medians of three runs are compared. What
both added is compared before anything is printed. Above 1000 Deployments, where kustomize takes longer than anybody waits for
three runs of it, the streams are ours alone.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from measuring import KUSTOMIZE, SETTINGS, Section, Target, cost, costs_in_turns, installed_program, manifests, print_section

ALONE_ABOVE = 1_000  # Deployments
RATIO = 40
KUSTOMIZATION = """\
resources: [all.yaml]
patches:
  - target: {kind: Deployment}
    patch: |
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


def added(path: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Return each Deployment's container and volume names, in no order."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    pods = {
        document["metadata"]["name"]: document["spec"]["template"]["spec"]
        for document in yaml.load_all(path.read_bytes(), loader)
        if document["kind"] == "Deployment"
    }
    return {
        name: tuple(sorted(item["name"] for item in pod[key]) for key in ("containers", "volumes"))
        for name, pod in pods.items()
    }


def measure(program: Path, sizes: list[int]) -> Section:
    rows, targets = [], []
    lines: dict[str, list[tuple[float, float]]] = {"kustomize patch": [], "sidecar-plugin": []}
    for size in sizes:
        with TemporaryDirectory() as folder:
            work = Path(folder)
            stream, settings = work / "all.yaml", work / "sidecars.yaml"
            stream.write_text(manifests(size))
            settings.write_text(SETTINGS)
            (work / "kustomization.yaml").write_text(KUSTOMIZATION)
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
            targets.append(Target(f"{RATIO} times faster than the patch on {size} Deployments", f"{ratio:.0f}", ratio >= RATIO))
    columns = ("Deployments", "sidecar-plugin", "memory", "kustomize patch", "memory", "times faster")
    return Section("Beside a kustomize patch that adds the same", columns, rows, targets, lines)


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [100, 1_000, 5_000, 20_000]
    with installed_program() as program:
        print_section(measure(program, sizes))


if __name__ == "__main__":
    main()
