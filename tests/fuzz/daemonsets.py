"""Hostile DaemonSets for `from-daemonset`: names that are paths, links, too long, odd, or the same but for their case.

Nothing outside the agent's folder is written, nothing that exists is changed, and what is written loads; or a refusal.
"""

import json
import os
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.faults.process import no_surprise
from tests.support.command import run

PIECES = (
    "..", ".", "/", "//", "\\", "\0", "a" * 300, "\u00e9",
    "e\u0301", "\u202e", "\u2028", "\x1b[31m", "\x9b1m", "\n", "\r", "\t", " ",
    "CON", "nul.txt", "aux", "COM1", "file:stream", "~", "~root", "$HOME",
    "%s", "{{ x }}", "{% raw %}", "{#", "'", '"', "`", "-", "--x",
    "_", ".hidden", "agent.yaml.j2", "values.yaml", "values.schema.json",
    "README.md", "README", "conf", "CONF", "x.conf", "x.conf.j2",
    "C:\\x", "\\\\host\\share", "\ud800", "\U0001f600", "]", "[", "*",
    "?", "<!-- ", "| a |", "::error::x", "link", "outside", "#}{{ 7 * 191 }}{#",
)  # fmt: skip
PLAIN = ("agent", "conf", "fluent-bit.conf", "data", "CONF", "a.b", "parsers", "x")
TEXTS = (
    "key value\n",
    "{{ cycler.__init__ }}",
    "{% include '/etc/passwd' %}",
    "a\r\nb\n",
    "",
    "{# #}{{",
    "\0",
    "\u2028",
    "\x1b[2J",
)


def hostile_daemon_set(seed: int) -> str:
    """Check the DaemonSet of a seed; return what became of it. Raises AssertionError."""
    draw = random.Random(seed)
    with TemporaryDirectory() as top:
        work, outside = Path(top, "work"), Path(top, "outside")
        agents = work / "agents"
        for folder in (agents / "trusted", outside):
            folder.mkdir(parents=True)
        for file in (agents / "trusted" / "agent.yaml.j2", outside / "file", agents / "README.md"):
            file.write_text("mine")
        for link in (agents / "link", agents / "conf"):
            link.symlink_to(outside)
        before = _tree(Path(top))
        manifest = work / "in.yaml"
        manifest.write_text(_manifest(draw))
        words = ["--container", _name(draw)] if draw.random() < 0.1 else []
        words += ["--name", draw.choice(("made", "trusted", "link", *PIECES))] if draw.random() < 0.5 else []
        if any("\0" in word or "\ud800" in word for word in words):  # no argument of a process
            words = []
        done = run("from-daemonset", str(manifest), f"--output-dir={agents}", *words)
        assert done.status in (0, 1, 2), done
        no_surprise(done.stderr)
        assert not _raw(done.stderr), f"raw control characters: {done.stderr!r}"
        after = _tree(Path(top))
        after.pop("work/in.yaml")
        assert {path: after.get(path) for path in before} == before, "what was there is changed"
        new = sorted(set(after) - set(before))
        if done.status:
            assert done.stderr, "refused without a word"
            assert not new, f"refused, and wrote {new}"
            return "refused"
        made = {path.split("/")[2] for path in new if path.startswith("work/agents/") and path.count("/") > 1}
        assert len(made) == 1, f"wrote {new}"
        [name] = made
        assert all(path == f"work/agents/{name}" or path.startswith(f"work/agents/{name}/") for path in new), new
        assert not any(after[path] == "link" for path in new), new
        assert "{{ 7 * 191 }}" not in after[f"work/agents/{name}/agent.yaml.j2"], "a name became a part of the template"
        shown = run("agents", name, f"--templates={agents}")
        assert shown.status == 0, (name, shown.stderr)
        assert not _raw(shown.stdout.decode()), f"raw control characters: {shown.stdout!r}"
        return "made"


def _raw(text: str) -> str:
    """Return the control characters in a text that a terminal would act on."""
    return "".join(character for character in text if character != "\n" and (character < " " or "\x7f" <= character < "\xa0"))


def _tree(top: Path) -> dict[str, str]:
    """Return every path below a folder with what it is: a link, a folder, or a file's text."""
    found = {}
    for root, folders, files in os.walk(top):
        for name in (*folders, *files):
            path = Path(root, name)
            kind = "link" if path.is_symlink() else "folder" if path.is_dir() else path.read_bytes().decode("latin-1")
            found[str(path.relative_to(top))] = kind
    return found


def _name(draw: random.Random) -> str:
    if draw.random() < 0.6:
        return draw.choice(PLAIN)
    return "".join(draw.choice((*PIECES, *PLAIN)) for _ in range(draw.choice((1, 1, 2, 3))))


def _manifest(draw: random.Random) -> str:
    maps = [draw.choice(("cm", "cm2", _name(draw))) for _ in range(draw.choice((0, 1, 1, 2)))]
    volumes: list[Any] = [{"name": f"v{index}", "configMap": {"name": name}} for index, name in enumerate(maps)]
    if draw.random() < 0.3:
        volumes.append({"name": _name(draw), "hostPath": {"path": draw.choice(("/var/log", "/", "/proc", "..", _name(draw)))}})
    keys = [[_name(draw) for _ in range(draw.choice((1, 2, 4)))] for _ in maps]
    for volume, those in zip(volumes, keys, strict=False):
        if draw.random() < 0.3:
            volume["configMap"]["items"] = [{"key": key, "path": draw.choice((key, _name(draw)))} for key in those]
    mounts = [
        {"name": one["name"], "mountPath": draw.choice((f"/etc/{index}", _name(draw)))} for index, one in enumerate(volumes)
    ]
    if mounts and draw.random() < 0.2:
        mounts[0]["subPath"] = _name(draw)
    container: dict[str, Any] = {"name": draw.choice(("agent", _name(draw))), "image": draw.choice(("x:1", _name(draw)))}
    container["volumeMounts"] = mounts
    if draw.random() < 0.3:
        container["env"] = [{"name": _name(draw), "value": draw.choice((*TEXTS, _name(draw)))}]
    if draw.random() < 0.3:
        container["args"] = [draw.choice(TEXTS), _name(draw)]
    spec: dict[str, Any] = {"containers": [container], "volumes": volumes}
    if draw.random() < 0.2:
        spec["initContainers"] = [{"name": _name(draw), "image": "x"}]
    metadata = {"name": draw.choice(("logs", _name(draw)))}
    documents: list[Any] = [
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata, "spec": {"template": {"spec": spec}}}
    ]
    for name, those in zip(maps, keys, strict=True):
        data = {key: draw.choice(TEXTS) for key in those}
        documents.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
    return "\n---\n".join(map(json.dumps, documents)) + "\n"
