"""Measure everything, and write the figures into docs/performance.md and the plot beside it.

usage: run.py [--quick]

--quick measures small streams, prints, and writes nothing.
"""

import subprocess
import sys
from datetime import datetime, timezone

import against_istioctl
import against_kustomize
import growth
import startup
from measuring import HELM, KUSTOMIZE, ROOT, Section, about_this_machine, installed_program, print_section

PAGE, PLOT = ROOT / "docs" / "performance.md", ROOT / "docs" / "performance.svg"
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"


def markdown(sections: list[Section]) -> str:
    """Return the tables as Markdown, the promises last."""
    version = [subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip() for words in VERSIONS]
    today = datetime.now(timezone.utc).date()
    lines = [f"Measured on {today}: {about_this_machine()}, Helm {version[0]}, kustomize {version[1]}. Medians, in turns.", ""]
    for section in sections:
        lines += [f"### {section.title}", ""]
        lines += [f"| {' | '.join(row)} |" for row in (section.columns, ("---",) * len(section.columns), *section.rows)]
        lines.append("")
    lines += ["### Promises", "", "| promise | measured | |", "|---|---|---|"]
    lines += [f"| {t.promise} | {t.measured} | {'met' if t.met else 'not met'} |" for s in sections for t in s.targets]
    return "\n".join(lines)


VERSIONS = ((HELM, "version", "--template={{.Version}}"), (KUSTOMIZE, "version"))


def draw(sections: list[Section]) -> None:
    """Draw the sections that have lines, side by side on logarithmic axes."""
    from matplotlib import pyplot, rcParams

    rcParams["svg.hashsalt"] = "sidecar-plugin"
    drawn = [section for section in sections if section.lines]
    figure, axes = pyplot.subplots(1, len(drawn), figsize=(5 * len(drawn), 3.5), layout="constrained", squeeze=False)
    for section, axis in zip(drawn, axes[0], strict=True):
        for name, points in section.lines.items():
            axis.plot(*zip(*points, strict=True), marker="o", label=name)
        axis.set(title=section.title, xlabel=section.columns[0], xscale="log")
        axis.set_ylabel("seconds" if len(section.lines) > 1 else next(iter(section.lines)))
        if len(section.lines) > 1:
            axis.set_yscale("log")
            axis.legend()
        else:
            axis.set_ylim(bottom=0)
    figure.savefig(PLOT, metadata={"Date": None})


def main() -> None:
    quick = sys.argv[1:] == ["--quick"]
    if sys.argv[1:] and not quick:
        sys.exit("usage: run.py [--quick]")
    with_istioctl = against_istioctl.ISTIOCTL.exists()
    if not with_istioctl and not quick:
        sys.exit("benchmarks: istioctl is missing; tools/install istioctl brings it")
    with installed_program() as program:
        steps = [
            lambda: startup.measure(program, 3 if quick else 15),
            lambda: against_kustomize.measure(program, [20] if quick else [100, 1_000, 5_000, 20_000]),
            lambda: against_kustomize.measure(program, [20] if quick else [100, 1_000], "the agent logging"),
            lambda: growth.documents(program, [300, 9_000] if quick else [500, 5_000, 50_000]),
            lambda: growth.agents(program, [1, 2] if quick else [1, 2, 4, 8], 20 if quick else 1_000),
            lambda: growth.one_document(program, [10] if quick else [10, 100, 1_000, 5_000]),
        ]
        if with_istioctl:
            steps.insert(3, lambda: against_istioctl.measure(program, [20] if quick else [100, 1_000, 5_000, 20_000]))
        else:
            print("Beside istioctl kube-inject: not measured; tools/install istioctl brings it")
        sections = []
        for step in steps:
            sections.append(step())
            print_section(sections[-1])
    if not quick:
        before, rest = PAGE.read_text().split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{markdown(sections)}\n{END}{rest.split(END)[1]}")
        draw(sections)


if __name__ == "__main__":
    main()
