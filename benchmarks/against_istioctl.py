"""The same sidecar put into every Deployment by `istioctl kube-inject` and by sidecar-plugin.

usage: against_istioctl.py [DEPLOYMENTS]...

Twice: a small container of ours, given to both as a template, and Istio's own proxy, which istioctl injects by the templates
and values of Istio's chart, and we by a template that gives the same. istioctl's configuration comes from files, so it asks
no cluster. Both run in turns on the same stream of Deployments and twice as many other documents; what both added is compared
first.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from measuring import HELM, ROOT, SETTINGS, Section, Target, cost, costs_in_turns, installed_program, manifests, print_section

ISTIOCTL = ROOT / "tools" / "bin" / "istioctl"
STAMP = ROOT / "tools" / "bin" / ".istioctl.version"
CHART = "manifests/charts/istio-control/istio-discovery"
RATIO, RATIO_AT = 15, 1_000  # Deployments
SMALL, PROXY = "a small container", "Istio's proxy"
LISTS = ("initContainers", "containers", "volumes")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def write_istios(folder: Path) -> None:
    """Write what Istio's chart would put into the cluster: config.yaml, the templates; mesh.yaml; values.json."""
    module = STAMP.read_text().strip().replace("/istioctl/cmd/istioctl", "")
    found = subprocess.run(["go", "mod", "download", "-json", module], cwd=folder, capture_output=True, text=True, check=True)
    chart = Path(json.loads(found.stdout)["Dir"], CHART)
    command = [HELM, "template", "istiod", chart, "--namespace=istio-system"]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    documents = [document for document in yaml.load_all(rendered, LOADER) if document]
    data = {document["metadata"]["name"]: document["data"] for document in documents if document["kind"] == "ConfigMap"}
    (folder / "config.yaml").write_text(data["istio-sidecar-injector"]["config"])
    (folder / "values.json").write_text(data["istio-sidecar-injector"]["values"])
    (folder / "mesh.yaml").write_text(data["istio"]["mesh"])


def pods(path: Path) -> dict[str, dict[str, Any]]:
    """Return the lists of each Deployment's pod spec, their items by name and without empty fields."""
    found = (document for document in yaml.load_all(path.read_bytes(), LOADER) if document)
    documents = [document for document in found if document["kind"] == "Deployment"]
    specs = {document["metadata"]["name"]: document["spec"]["template"]["spec"] for document in documents}
    return {
        name: {key: {item["name"]: _filled(item) for item in spec.get(key, ())} for key in LISTS}
        for name, spec in specs.items()
    }


def _filled(item: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if value}


def settings_for(pod: dict[str, Any], name: str) -> str:
    """Return settings with an agent that adds what istioctl added to the pod of the Deployment `name`."""
    added = {key: [item for item in pod[key].values() if item["name"] not in ("app", "config")] for key in LISTS}
    [container] = added["containers"]
    parts = {"container": container, "initContainers": added["initContainers"], "volumes": added["volumes"]}
    template = yaml.safe_dump(parts, sort_keys=False).replace(name, "{{ workload.name }}")
    settings = yaml.safe_load(SETTINGS)
    settings["spec"]["agents"] = {"proxy": {"enabled": True, "template": template}}
    return yaml.safe_dump(settings)


def measure(program: Path, sizes: list[int]) -> Section:
    rows, targets = [], []
    lines: dict[str, list[tuple[float, float]]] = {}
    with TemporaryDirectory() as folder:
        work = Path(folder)
        write_istios(work)
        small = yaml.safe_load(yaml.safe_load(SETTINGS)["spec"]["agents"]["agent"]["template"])
        (work / "small.yaml").write_text(
            yaml.safe_dump({"spec": {"containers": [small["container"]], "volumes": small["volumes"]}})
        )
        (work / "nothing.json").write_text('{"global": {}}')
        (work / "small-settings.yaml").write_text(SETTINGS)
        for size in sizes:
            stream = work / "all.yaml"
            stream.write_text(manifests(size))
            for sidecar, config, values in ((SMALL, "small.yaml", "nothing.json"), (PROXY, "config.yaml", "values.json")):
                istioctl = (
                    *(ISTIOCTL, "kube-inject", "--revision=default", f"--filename={stream}"),
                    *(f"--injectConfigFile={work / config}", f"--meshConfigFile={work / 'mesh.yaml'}"),
                    f"--valuesFile={work / values}",
                )
                settings, theirs, ours = work / "small-settings.yaml", work / "theirs.out", work / "ours.out"
                cost(istioctl, stdout=theirs)
                wanted = pods(theirs)
                if sidecar == PROXY:
                    settings = work / "proxy-settings.yaml"
                    settings.write_text(settings_for(wanted["app-0"], "app-0"))
                plugin = (program, "--report=none", "--config", settings)
                cost(plugin, stream, ours)
                if pods(ours) != wanted or len(wanted) != size:
                    sys.exit(f"{sidecar}: the two did not add the same: the figures would mean nothing")
                runs = 3 if size < 20_000 else 1  # minutes
                spent = costs_in_turns({"sidecar-plugin": (plugin, stream), "istioctl": (istioctl, None)}, runs)
                fast, slow = spent["sidecar-plugin"], spent["istioctl"]
                for name, each in spent.items():
                    lines.setdefault(f"{name}, {sidecar}", []).append((size, each.seconds))
                ratio = slow.seconds / fast.seconds
                figures = (f"{figure:.2f} s | {memory / 1e6:.0f} MB" for figure, memory in (fast, slow))
                rows.append((str(size), sidecar, *(cell for pair in figures for cell in pair.split(" | ")), f"{ratio:.1f}"))
                if size == RATIO_AT:
                    targets.append(
                        Target(f"{sidecar}: {RATIO} times faster than istioctl on {size}", f"{ratio:.1f}", ratio >= RATIO)
                    )
    columns = ("Deployments", "what is injected", "sidecar-plugin", "memory", "istioctl kube-inject", "memory", "times faster")
    return Section("Beside istioctl kube-inject", columns, rows, targets, lines)


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [100, 1_000, 5_000, 20_000]
    with installed_program() as program:
        print_section(measure(program, sizes))


if __name__ == "__main__":
    main()
