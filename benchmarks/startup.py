"""A chart of 20 documents: does the post-renderer take longer than Helm takes to render the chart?

usage: startup.py [RUNS]

`helm template` and sidecar-plugin on its output run in turns, so that both meet the same load; medians are compared.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import (
    CONFIG_MAP,
    DEPLOYMENT,
    HELM,
    SERVICE,
    SETTINGS,
    Section,
    Target,
    cost,
    costs_in_turns,
    installed_program,
    print_section,
)

CHART = "apiVersion: v2\nname: twenty\nversion: 1.0.0\n"
NUMBER = "{{ .Values.number }}"


def write_chart(folder: Path) -> None:
    """Write a chart of 20 templates: 6 Deployments with their Services, and 8 ConfigMaps."""
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(CHART)
    (folder / "values.yaml").write_text("number: 7\n")
    for kind, template, count in (("a", DEPLOYMENT, 6), ("b", SERVICE, 6), ("c", CONFIG_MAP, 8)):
        for index in range(count):
            (folder / "templates" / f"{kind}{index}.yaml").write_text(template.format(number=f"{index}-{NUMBER}"))


def measure(program: Path, runs: int) -> Section:
    with TemporaryDirectory() as folder:
        work = Path(folder)
        write_chart(work / "twenty")
        (work / "sidecars.yaml").write_text(SETTINGS)
        rendered = work / "rendered.yaml"
        helm = (HELM, "template", "shop", work / "twenty")
        cost(helm, stdout=rendered)
        small = (program, "--report=none", "--config", work / "sidecars.yaml")
        logging = (program, "--report=none", "--cluster-version=1.30", "--set=agents.logging.enabled=true")
        kept = ("env", f"SIDECAR_PLUGIN_CACHE={work / 'kept'}")
        fresh = ("env", "SIDECAR_PLUGIN_CACHE=off")
        commands = {
            "helm template": (helm, None),
            "a small agent": ((*kept, *small), rendered),
            "the agent logging": ((*kept, *logging), rendered),
            "a small agent, nothing kept": ((*fresh, *small), rendered),
            "the agent logging, nothing kept": ((*fresh, *logging), rendered),
        }
        costs_in_turns(commands, 1)  # fills the folder of kept results
        spent = costs_in_turns(commands, runs)
    helms = spent["helm template"].seconds
    rows = [(name, f"{each.seconds * 1000:.0f} ms", f"{each.seconds / helms:.2f}") for name, each in spent.items()]
    targets = [
        Target(f"{name}: no longer than helm template", f"{ratio:.2f}", ratio <= 1)
        for name in ("a small agent", "the agent logging")
        if (ratio := spent[name].seconds / helms)
    ]
    return Section("A chart of 20 documents", ("run", "time", "times helm template"), rows, targets, {})


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with installed_program() as program:
        print_section(measure(program, runs))


if __name__ == "__main__":
    main()
