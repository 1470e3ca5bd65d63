"""The same container and volume put into every Deployment by kustomize's strategic-merge patch and by sidecar-plugin.

usage: against_kustomize.py [DEPLOYMENTS]

Both run one after the other in this run, on the same stream of DEPLOYMENTS (1000) Deployments and twice as many other
documents; what both added is compared before anything is printed. kustomize takes most of a minute for 1000.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from measuring import KUSTOMIZE, PROGRAM, SETTINGS, about_this_machine, cost, manifests

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


def main() -> None:
    deployments = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "all.yaml").write_text(manifests(deployments))
        (work / "kustomization.yaml").write_text(KUSTOMIZATION)
        (work / "sidecars.yaml").write_text(SETTINGS)
        ours, theirs = work / "ours.yaml", work / "theirs.yaml"
        program = (PROGRAM, "--report=none", "--config", work / "sidecars.yaml")
        fast = min(cost(program, work / "all.yaml", ours) for _ in range(3))
        slow = cost((KUSTOMIZE, "build", work), stdout=theirs)
        if added(ours) != added(theirs) or len(added(ours)) != deployments:
            sys.exit("the two did not add the same: the figures would mean nothing")
    print(f"{deployments} Deployments and {2 * deployments} other documents; {about_this_machine()}")
    print(f"kustomize patch  {slow.seconds:8.2f} s  {slow.memory / 1e6:6.0f} MB")
    print(f"sidecar-plugin   {fast.seconds:8.2f} s  {fast.memory / 1e6:6.0f} MB  (best of 3)")
    print(f"{slow.seconds / fast.seconds:.0f} times faster")


if __name__ == "__main__":
    main()
