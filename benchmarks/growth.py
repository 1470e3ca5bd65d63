"""Time and memory as the stream, the number of agents and one document grow.

usage: growth.py [DOCUMENTS]...

A third of the documents are Deployments. What an almost empty run takes is subtracted from the time per document.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from measuring import DEPLOYMENT, SETTINGS, Section, Target, cost, costs_in_turns, installed_program, manifests, print_section

GROWTH, TIMES, ROOM = 1.3, 6, 40e6


def documents(program: Path, sizes: list[int], runs: int = 3) -> Section:
    """Measure streams of so many documents."""
    rows, lines, each, fits = [], [], [], []
    with TemporaryDirectory() as folder:
        settings = Path(folder, "sidecars.yaml")
        settings.write_text(SETTINGS)
        streams = {size: Path(folder, f"{size}.yaml") for size in (3, *sizes)}
        for size, stream in streams.items():
            stream.write_text(manifests(size // 3))
        command = (program, "--report=none", "--config", settings)
        spent = costs_in_turns({str(size): (command, stream) for size, stream in streams.items()}, runs)
        lengths = {size: stream.stat().st_size for size, stream in streams.items()}
    for size in sizes:
        seconds, memory = spent[str(size)]
        each.append((seconds - spent["3"].seconds) / size * 1e6)
        fits.append(memory <= TIMES * lengths[size] + ROOM)
        lines.append((float(size), each[-1]))
        size_of = f"{lengths[size] / 1e6:.1f} MB"
        rows.append((str(size), size_of, f"{seconds:.2f} s", f"{each[-1]:.0f} µs", f"{memory / 1e6:.0f} MB"))
    if min(each) <= 0:
        sys.exit("a stream took less time than an almost empty one: this machine is too busy for a figure")
    ratio = each[-1] / each[0]
    targets = [
        Target(
            f"at most {GROWTH} times the time per document at {sizes[-1]} as at {sizes[0]}", f"{ratio:.2f}", ratio <= GROWTH
        ),
        Target(f"memory at most {TIMES} times the input plus {ROOM / 1e6:.0f} MB", rows[-1][-1], all(fits)),
    ]
    columns = ("documents", "input", "time", "per document", "peak memory")
    return Section("As the stream grows", columns, rows, targets, {"µs per document": lines})


def agents(program: Path, counts: list[int], deployments: int, runs: int = 3) -> Section:
    """Measure one stream with more and more agents."""
    one = yaml.safe_load(SETTINGS)["spec"]["agents"]["agent"]
    commands = {}
    with TemporaryDirectory() as folder:
        stream = Path(folder, "all.yaml")
        stream.write_text(manifests(deployments))
        for count in counts:
            settings = yaml.safe_load(SETTINGS)
            settings["spec"]["agents"] = {
                f"agent-{number}": {**one, "template": one["template"].replace("agent", f"agent-{number}")}
                for number in range(count)
            }
            Path(folder, f"{count}.yaml").write_text(yaml.safe_dump(settings))
            commands[str(count)] = ((program, "--report=none", "--config", Path(folder, f"{count}.yaml")), stream)
        spent = costs_in_turns(commands, runs)
    rows = [(count, f"{each.seconds:.2f} s", f"{each.memory / 1e6:.0f} MB") for count, each in spent.items()]
    title = f"As agents are added, {deployments} Deployments"
    return Section(title, ("agents", "time", "peak memory"), rows, [], {})


def one_document(program: Path, sizes: list[int], runs: int = 3) -> Section:
    """Measure one List of many Deployments as YAML, as JSON, and as a ResourceList through the KRM function."""
    rows = []
    with TemporaryDirectory() as folder:
        settings = Path(folder, "sidecars.yaml")
        settings.write_text(SETTINGS)
        for size in sizes:
            items = [yaml.safe_load(DEPLOYMENT.format(number=number)) for number in range(size)]
            listed = {"apiVersion": "v1", "kind": "List", "items": items}
            function = {"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": items}
            function["functionConfig"] = yaml.safe_load(SETTINGS)
            dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
            plain = (program, "--report=none", "--config", settings)
            commands = {}
            for name, command, text in (
                ("YAML", plain, yaml.dump(listed, Dumper=dumper)),
                ("JSON", plain, json.dumps(listed, indent=2)),
                ("ResourceList", (program,), yaml.dump(function, Dumper=dumper)),
            ):
                path = Path(folder, name)
                path.write_text(text)
                cost(command, path, path.with_suffix(".out"))
                found = path.with_suffix(".out").read_text().count("registry.example.com/agent:1")
                if found < size:
                    sys.exit(f"{name}: {found} of {size} Deployments got the agent: the figures would mean nothing")
                commands[name] = (command, path)
            spent = costs_in_turns(commands, runs)
            rows.append((str(size), *(f"{each.seconds:.2f} s, {each.memory / 1e6:.0f} MB" for each in spent.values())))
    return Section("As one document grows", ("Deployments in it", "YAML", "JSON", "ResourceList"), rows, [], {})


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [500, 5_000, 50_000]
    with installed_program() as program:
        print_section(documents(program, sizes))
        print_section(agents(program, [1, 2, 4, 8], max(1, sizes[0] // 3)))
        print_section(one_document(program, [10, max(10, sizes[0])]))


if __name__ == "__main__":
    main()
