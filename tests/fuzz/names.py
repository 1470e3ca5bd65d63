"""Odd and many names in every place of settings, values files, annotations, pods and agents.

A command ends with 0, or with an error that has a place; no traceback, and nothing that steers a terminal or a CI service
reaches one. tests/fuzz/__main__.py bounds time and memory of each.
"""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.faults.process import no_surprise
from tests.support.command import Run, run

Data = Any
ATTRIBUTES = tuple(name for kind in (dict, list, str, type) for name in dir(kind))
PIECES = (
    "app", "logging", "agent", "a-b", "x.y/z", "0", "1", "-1", "1.0", "true", "null", "~", "on", "2001-12-14", ".inf",
    "<<", "=", "", " ", "a b", "\t", "\n", "\r", "\0", "\x07", "\x1b[31m", "\x1b]0;t\x07", "\x7f", "\x85", "\x9b1m",
    "\xa0", "\xad", "\u200b", "\u202e", "\u2066", "\u2028", "\u2029", "\ufeff", "\ufffe", "\ud800", "\udfff",
    "\U0001f600", "e\u0301", "\u0130", "!!python/object:os.system", "!!str x", "&a", "*a", "- x", "? x", ": ", " #",
    "|", ">", "%YAML", "---", "...", "{", "[", "'", '"', "`", "\\", "..", "../../etc/passwd", "/etc/passwd", "C:\\x",
    "a/../b", "[*]", ".*", "a.b", "a[0]", "$HOME", "%s", "%(x)s", "{}", "{0.__class__}", "{{ 7 * 191 }}", "{% raw %}",
    "{#", "::error::x", "\n::error::x", " ::add-mask::x", "##[error]x", "##vso[task.complete]x", "enabled", "template",
    "container", "sidecars", "spec", "$ref", "$schema", "#/$defs/spec", "constructor",
)  # fmt: skip
VALUES: tuple[Data, ...] = (None, True, 0, 1.5, 10**30, "", [], {}, [[]], {"": None}, "\x1b[31m", "\ud800")
LONG = 1_000_000  # characters of a long name
MANY = 10_000  # names in one mapping
PLACED = re.compile(r"sidecar-plugin: error: (.+:\d+:\d+: |.*--set|.*(in --|.*the agent own )|<stdin>: |.*\[…\])", re.DOTALL)
STEERS = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
CI_COMMAND = re.compile(r"^\s*::|##\[|##vso\[", re.MULTILINE)


def odd_names(seed: int) -> str:
    """Run commands on the odd names of a seed; return how they ended. Raises AssertionError."""
    draw = random.Random(seed)
    place = PLACES[seed % len(PLACES)]
    with TemporaryDirectory() as folder:
        done = place(draw, Path(folder))
    return f"{place.__name__[1:]}: {' '.join(str(one.status) for one in done)}"


def _holds(done: Run, shown: str = "") -> None:
    """Hold that a run ended well; `shown` is what its standard output shows to people."""
    assert done.status in (0, 1, 2), done.status
    assert len(done.stderr) < 1_000_000, "a report that nobody reads"
    no_surprise(done.stderr[:10_000])
    assert done.status != 1 or shown or PLACED.match(done.stderr), done.stderr[:500]
    for text in (done.stderr, shown):
        assert not (found := STEERS.search(text)), text[max(0, found.start() - 200) : found.end() + 50]
        assert not (found := CI_COMMAND.search(text)), text[max(0, found.start() - 200) : found.end() + 50]


def _run(*words: str, stdin: str = "") -> Run:
    """Run a command that prints manifests, or nothing, and hold that it ends well."""
    done = run(*words, stdin=stdin)
    _holds(done)
    return done


def _shown(*words: str, stdin: str = "") -> Run:
    """The same with a command that prints for people."""
    done = run(*words, stdin=stdin)
    _holds(done, done.stdout.decode())
    return done


# --- names


def _name(draw: random.Random) -> str:
    chance = draw.random()
    if chance < 0.4:
        return draw.choice(PIECES)
    if chance < 0.5:
        return draw.choice(ATTRIBUTES)
    if chance < 0.51:
        return draw.choice(PIECES) * (LONG // 16)
    if chance < 0.52:
        return draw.choice("a*[?") * LONG
    return "".join(draw.choice((*PIECES, chr(draw.randrange(0x250)))) for _ in range(draw.choice((2, 3, 5))))


def _names(draw: random.Random) -> list[str]:
    if draw.random() < 0.06:
        pattern = draw.choice(("a{}", "{}", "\x1b{}", "::{}", "{}" + "x" * 60, "../{}", "a{}.b", "A{}"))
        return [pattern.format(index) for index in range(MANY)]
    return [_name(draw) for _ in range(draw.choice((1, 1, 1, 2, 3)))]


def _mapping(draw: random.Random, value: Callable[[], Data] | None = None) -> dict[str, Data]:
    take = value or (lambda: draw.choice(VALUES) if draw.random() < 0.5 else _name(draw) if draw.random() < 0.9 else {"a": "b"})
    names = _names(draw)
    same = take() if len(names) < 9 else draw.choice((None, "x", {"a": "b"}))
    return {name: take() if len(names) < 9 else same for name in names}


def _written(data: Data, draw: random.Random) -> str:
    """Return data as JSON, which is YAML; some words in it as YAML's own properties."""
    text = json.dumps(data, ensure_ascii=draw.random() < 0.5)
    if draw.random() < 0.15:
        mark = draw.choice(
            ("!!python/object:os.system ", "!x ", "!!binary ", "!!set ", "&a ", "!<tag:x> ", "!!null ", "!!int ")
        )
        at = draw.choice([found.end() for found in re.finditer(r"[:,\[{] ?", text)] or [0])
        text = text[:at] + " " + mark + text[at:]
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


# --- places


def _spec(draw: random.Random) -> Data:
    """Return settings with odd names in one place."""
    agent: dict[str, Data] = {"enabled": True, "template": TEMPLATE}
    spec: dict[str, Data] = {"clusterVersion": "1.30", "agents": {"own": agent}}
    choice = draw.randrange(13)
    if choice == 0:
        spec.update(_mapping(draw))
    elif choice == 1:
        spec["agents"].update(_mapping(draw, lambda: draw.choice(({"enabled": True}, {}, None, agent))))
    elif choice == 2:
        agent.update(_mapping(draw))
    elif choice == 3:
        spec["agents"]["logging"] = {"enabled": True, **_mapping(draw)}
    elif choice == 4:
        rows = (
            {"names": _names(draw)},
            {"kinds": _names(draw)},
            {"labelSelector": {"matchLabels": _mapping(draw)}},
            _mapping(draw),
        )
        spec[draw.choice(("targets", "exclude"))] = [draw.choice(rows)]
    elif choice == 5:
        row = {"group": "a.io", "kind": "K", "podTemplate": "spec.template"}
        spec["workloads"] = [{**row, draw.choice(tuple(row)): name} for name in _names(draw)]
    elif choice == 6:
        agent["container"] = draw.choice((_mapping(draw), {"env": [{"name": name, "value": "x"} for name in _names(draw)]}))
    elif choice == 7:
        spec["imagePullSecrets"] = [{"name": name} for name in _names(draw)]
    elif choice == 8:
        agent["template"] = _template(draw)
    elif choice == 9:
        spec[draw.choice(("platform", "declaration", "clusterVersion", "imageRegistry"))] = _name(draw)
    elif choice == 10:
        agent["position"] = draw.choice((_name(draw), {"before": _name(draw)}, _mapping(draw)))
    elif choice == 11:
        agent["template"] = "container: {name: own, image: 'own:1', env: [{name: A, value: {{ v | tojson }}}]}"
        agent["v"] = draw.choice((_mapping(draw), _names(draw), _name(draw)))
    else:
        agent["targets"] = [{"names": _names(draw), "namespaces": _names(draw)}]
    return spec


TEMPLATE = "container: {name: own, image: 'own:1'}\n"


def _template(draw: random.Random) -> str:
    """Return a template that brings odd names."""
    parts: dict[str, Data] = {"container": {"name": "own", "image": "own:1"}}
    choice = draw.randrange(7)
    if choice == 0:
        parts["container"]["name"] = _name(draw)
    elif choice == 1:
        parts["volumes"] = [{"name": name, "emptyDir": {}} for name in _names(draw)]
    elif choice == 2:
        parts[draw.choice(("podLabels", "podAnnotations"))] = _mapping(draw, lambda: _name(draw))
    elif choice == 3:
        parts["applicationContainers"] = {"env": [{"name": name, "value": "x"} for name in _names(draw)]}
    elif choice == 4:
        metadata = {"name": _name(draw)}
        parts["manifests"] = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": _mapping(draw)}]
    elif choice == 5:
        parts.update(_mapping(draw))
    else:
        parts["container"].update(_mapping(draw))
    return json.dumps(parts)


def _pod(draw: random.Random) -> Data:
    """Return a pod with odd names in it."""
    container: dict[str, Data] = {"name": "app", "image": "app:1"}
    metadata: dict[str, Data] = {"name": "p", "annotations": {}, "labels": {}}
    spec: dict[str, Data] = {"containers": [container]}
    prefix = "sidecar-plugin.dev/"
    choice = draw.randrange(12)
    if choice == 0:
        metadata["annotations"][f"{prefix}agents"] = draw.choice((",", ", ")).join(_names(draw))
    elif choice == 1:
        metadata["annotations"].update({f"{prefix}values.{name}": "{}" for name in _names(draw)})
    elif choice == 2:
        metadata["annotations"][f"{prefix}values.own"] = _written(_mapping(draw), draw)
    elif choice == 3:
        metadata["annotations"].update({f"{prefix}{name}": value for name, value in _mapping(draw).items()})
        metadata["annotations"].update({f"{prefix}{name}": _name(draw) for name in ("inject", "chart")})
    elif choice == 4:
        metadata[draw.choice(("annotations", "labels"))].update(_mapping(draw))
    elif choice == 5:
        metadata[draw.choice(("name", "namespace"))] = _name(draw)
    elif choice == 6:
        spec["containers"] = [{"name": name, "image": "x"} for name in _names(draw)[:300]]
    elif choice == 7:
        spec["volumes"] = [{"name": name, "emptyDir": {}} for name in _names(draw)]
    elif choice == 8:
        container["env"] = [{"name": name, "value": "x"} for name in _names(draw)]
    elif choice == 9:
        container["volumeMounts"] = [{"name": "v", "mountPath": name} for name in _names(draw)]
    elif choice == 10:
        target = draw.choice((spec, container, metadata))
        target.update({name: value for name, value in _mapping(draw).items() if name not in target})
    else:
        spec["nodeSelector"] = _mapping(draw)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": "Running"}}


PLAIN = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "app", "image": "x"}]}}
OWN = ("--cluster-version=1.30", "--set", "agents.own.enabled=true", "--set-file", "agents.own.template=FILE")


def _settings(draw: random.Random, folder: Path) -> list[Run]:
    metadata = {"name": _name(draw) if draw.random() < 0.1 else "s"}
    document = {
        "apiVersion": "sidecar-plugin.dev/v1alpha1",
        "kind": "SidecarInjection",
        "metadata": metadata,
        "spec": _spec(draw),
    }
    if draw.random() < 0.05:
        document.update(_mapping(draw))
    text = _written(document, draw)
    file = folder / "settings.yaml"
    file.write_text(text)
    pod = json.dumps(PLAIN)
    other = draw.choice((("export-policy", "--cluster-version=1.33", "--config", str(file)), ("images", "--config", str(file))))
    done = [_run("--report=text", stdin=f"{text}\n---\n{pod}\n"), _run("inject", "--config", str(file), "-", stdin=pod)]
    return [*done, _run(*other)]


def _values(draw: random.Random, folder: Path) -> list[Run]:
    values = {"sidecars": _spec(draw)} if draw.random() < 0.7 else {"sidecars": {}, **_mapping(draw)}
    file = folder / "values.yaml"
    file.write_text(_written(values, draw))
    return [_run("inject", "--values", str(file), "-", stdin=json.dumps(PLAIN))]


def _options(draw: random.Random, _: Path) -> list[Run]:
    name, option = _name(draw).replace("\0", ""), draw.choice(("--set", "--set-string", "--set-file", "--platform", "--report"))
    name = name.encode("utf-8", "surrogateescape" if "\ud800" not in name and "\udfff" not in name else "replace").decode()
    word = draw.choice(
        (f"agents.{name}.enabled=true", f"{name}=x", f"agents.logging.{name}=x", f"agents.logging.env={name}", name)
    )
    return [_run("inject", option, word[:100_000], "-", stdin=json.dumps(PLAIN))]


def _pods(draw: random.Random, folder: Path) -> list[Run]:
    text = _written(_pod(draw), draw)
    (folder / "t").write_text(TEMPLATE)
    own = [word.replace("FILE", str(folder / "t")) for word in OWN]
    done = [_run("inject", *own, f"--report={draw.choice(('text', 'json'))}", "-", stdin=text)]
    shown = [
        ("inject", "--diff", *own, "-"),
        ("check", "--cluster-version=1.30", f"--format={draw.choice(('text', 'json', 'sarif'))}", "-"),
        ("convert", "--to=acs", "--cluster-version=1.28", "--diff", "-"),
        ("verify", "-"),
    ]
    return [*done, *(_shown(*words, stdin=text) for words in draw.sample(shown, 2))]


def _agents(draw: random.Random, folder: Path) -> list[Run]:
    name = re.sub(r"[/\0\ud800\udfff]", "", _name(draw)) or "x"
    name = "own" if draw.random() < 0.5 or name in (".", "..") or len(name.encode()) > 200 else name
    agent = folder / name
    agent.mkdir()
    (agent / "agent.yaml.j2").write_text(_template(draw).encode("utf-8", "replace").decode())
    if draw.random() < 0.5:
        (agent / "values.yaml").write_text(_written(_mapping(draw), draw))
    if draw.random() < 0.3:
        properties = {one: draw.choice(({"type": "string"}, True, {"enum": _names(draw)[:99]})) for one in _names(draw)}
        (agent / "values.schema.json").write_text(
            json.dumps({"type": "object", "properties": properties, "required": _names(draw)})
        )
    if draw.random() < 0.3:
        (agent / "README.md").write_text(f"# {_name(draw)}\n\n{_name(draw)}\n".encode("utf-8", "replace").decode())
    templates = f"--templates={folder}"
    use = ("inject", templates, "--cluster-version=1.30", "--set", "agents.own.enabled=true", "-")
    done = [_run(*use, stdin=json.dumps(PLAIN)), _shown("schema", templates)]
    return [*done, _shown("agents", templates), _shown("agents", name, templates)]


PLACES: tuple[Callable[[random.Random, Path], list[Run]], ...] = (
    _settings,
    _values,
    _options,
    _pods,
    _agents,
    _settings,
    _pods,
)
