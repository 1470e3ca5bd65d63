"""A chart of 20 documents: does the post-renderer take longer than Helm takes to render the chart?

usage: startup.py [RUNS]

`helm template` and sidecar-plugin on its output run in turns, so that both meet the same load; medians are compared.
"""

import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from measuring import CONFIG_MAP, DEPLOYMENT, HELM, PROGRAM, SERVICE, SETTINGS, about_this_machine, cost

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


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with TemporaryDirectory() as folder:
        work = Path(folder)
        write_chart(work / "twenty")
        (work / "sidecars.yaml").write_text(SETTINGS)
        rendered = work / "rendered.yaml"
        cost((HELM, "template", "shop", work / "twenty"), stdout=rendered)
        program = (PROGRAM, "--report=none")
        commands = {
            "helm template": (HELM, "template", "shop", work / "twenty"),
            "an agent of five lines": (*program, "--config", work / "sidecars.yaml"),
            "the agent logging": (*program, "--cluster-version=1.30", "--set=agents.logging.enabled=true"),
        }
        rounds = [[cost(command, rendered).seconds for command in commands.values()] for _ in range(runs)]
    medians = dict(zip(commands, map(median, zip(*rounds, strict=True)), strict=True))
    print(f"chart of 20 documents, medians of {runs} runs in turns; {about_this_machine()}")
    for name, seconds in medians.items():
        print(f"{name:24}{seconds * 1000:6.0f} ms  {seconds / medians['helm template']:.2f} times helm template")


if __name__ == "__main__":
    main()
