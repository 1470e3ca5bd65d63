"""Injections that people and other tools edited and printed anew: uninject leaves valid text that says what removal on the data
gives, or refuses with a place; inject twice is inject once.

What the removal must give is worked out here on loaded data, by means of its own.
"""

import json
import random
from collections.abc import Callable
from typing import Any

import yaml

from sidecar_plugin.errors import SidecarPluginError
from tests.fuzz.invariants import SPECS
from tests.fuzz.manifests import stream
from tests.support.command import load
from tests.support.injection import MARKER, inject, take_out

Data = Any
BCI = {"clusterVersion": "1.28", "platform": "bci"}
ALL_SPECS: tuple[dict[str, Any], ...] = (*SPECS, {**SPECS[0], **BCI}, {**SPECS[2], **BCI})


def reprinted(seed: int) -> str:
    """Check the injection of a seed after an edit; return what became of it. Raises AssertionError."""
    draw = random.Random(seed)
    text = stream(draw.randrange(2000))
    spec = draw.choice(ALL_SPECS)
    try:
        text = inject(text, **spec)
    except SidecarPluginError:
        return "not injected"
    edit, text = edited(text, draw)
    try:
        data = load(text)
    except yaml.YAMLError:
        data = None  # the edit broke the text, or PyYAML does not read what libyaml reads
    outcomes = []
    without = _result(lambda: take_out(text))
    outcomes.append("uninject: " + ("refused" if without is None else "held"))
    if without is not None:
        assert take_out(without) == without, f"{edit}: a second uninject differs"
        if data is not None:
            assert _comparable(_removed(data)) == _comparable(load(without)), f"{edit}: not what removal on the data gives"
    second = draw.choice((spec, spec, draw.choice(ALL_SPECS)))
    again = _result(lambda: inject(text, **second))
    outcomes.append("inject: " + ("refused" if again is None else "held"))
    if again is not None:
        assert inject(again, **second) == again, f"{edit}: a third injection differs"
        if data is not None:
            load(again)
        if without is not None:
            assert _comparable(load(take_out(again))) == _comparable(load(without)), f"{edit}: a round trip differs"
    return ", ".join(outcomes)


def _result(change: Callable[[], str]) -> str | None:
    """Return what a change gives, None if it is refused with a place."""
    try:
        return change()
    except SidecarPluginError as error:
        assert error.place is not None, error.message
        return None


# --- edits


def edited(text: str, draw: random.Random) -> tuple[str, str]:
    """Return what was done to a text, and the text: a few edits, then mostly a print by another tool, then edits of lines."""
    done = []
    if draw.random() < 0.7:
        documents = load(text)
        for change in draw.sample(DATA_EDITS, draw.choice((0, 0, 1, 2))):
            change(documents, draw)
            done.append(change.__name__)
        printer = draw.choice(PRINTERS)
        text = printer(documents, draw)
        done.append(printer.__name__)
    for edit in draw.sample(TEXT_EDITS, draw.choice((0, 1, 1, 2)) if done else draw.choice((1, 2, 3))):
        text = edit(text, draw)
        done.append(edit.__name__)
    return ", ".join(done), text


def _nodes(data: Data) -> list[Data]:
    children = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return [data, *(node for child in children for node in _nodes(child))]


def _reorder(documents: list[Data], draw: random.Random) -> None:
    for node in _nodes(documents):
        if isinstance(node, dict) and draw.random() < 0.5:
            pairs = list(node.items())
            draw.shuffle(pairs)
            node.clear()
            node.update(pairs)


def _shuffle_lists(documents: list[Data], draw: random.Random) -> None:
    for node in _nodes(documents):
        if isinstance(node, list) and draw.random() < 0.3:
            draw.shuffle(node)


def _rename(documents: list[Data], draw: random.Random) -> None:
    named = [node for node in _nodes(documents) if isinstance(node, dict) and isinstance(node.get("name"), str)]
    if named:
        draw.choice(named)["name"] = draw.choice(("renamed", "app0", "agent", "other", "shared", "x]y", "", "a.b", "a\nb"))


def _drop(documents: list[Data], draw: random.Random) -> None:
    places = [node for node in _nodes(documents) if isinstance(node, (dict, list)) and node]
    for _ in range(draw.choice((1, 1, 2))):
        node = draw.choice(places)
        if node:
            node.pop(draw.choice(list(node)) if isinstance(node, dict) else draw.randrange(len(node)))


def _empty(documents: list[Data], draw: random.Random) -> None:
    places = [node for node in _nodes(documents) if isinstance(node, dict) and node]
    if not places:
        return
    node = draw.choice(places)
    node[draw.choice(list(node))] = draw.choice((None, [], {}, "", "x", ["x"], {"x": "y"}, [{"name": "x"}]))


def _repeat(documents: list[Data], draw: random.Random) -> None:
    places = [node for node in _nodes(documents) if isinstance(node, list) and node and node is not documents]
    if places:
        node = draw.choice(places)
        node.insert(draw.randrange(len(node) + 1), json.loads(json.dumps(draw.choice(node))))


def _edit_marker(documents: list[Data], draw: random.Random) -> None:
    for node in _nodes(documents):
        if isinstance(node, dict) and isinstance(node.get(MARKER), str) and draw.random() < 0.7:
            try:
                marker = json.loads(node[MARKER])
            except ValueError:
                continue
            inner = [each for each in _nodes(marker) if isinstance(each, (dict, list)) and each]
            each = draw.choice(inner)
            each.pop(draw.choice(list(each)) if isinstance(each, dict) else draw.randrange(len(each)))
            node[MARKER] = json.dumps(marker)


DATA_EDITS = (_reorder, _reorder, _shuffle_lists, _rename, _drop, _empty, _repeat, _edit_marker)


# --- printers


class _Shared(yaml.SafeDumper):
    """Writes what is equal once, with an anchor, and as aliases from then on."""


class _Apart(yaml.SafeDumper):
    """Writes no aliases."""

    def ignore_aliases(self, _: Data) -> bool:
        return True


def _sorted_json(documents: list[Data], draw: random.Random) -> str:
    indent = draw.choice((None, 1, 2, 4))
    return "\n---\n".join(json.dumps(one, indent=indent, sort_keys=True) for one in documents) + draw.choice(("\n", ""))


def _json(documents: list[Data], draw: random.Random) -> str:
    separators = draw.choice(((",", ":"), (", ", ": ")))
    ascii_only = draw.random() < 0.5
    return "\n---\n".join(json.dumps(one, separators=separators, ensure_ascii=ascii_only) for one in documents) + "\n"


def _dump(documents: list[Data], draw: random.Random, dumper: type[yaml.SafeDumper] = _Apart) -> str:
    return yaml.dump_all(  # type: ignore[no-any-return]
        documents,
        Dumper=dumper,
        default_flow_style=draw.choice((False, False, True, None)),
        sort_keys=draw.random() < 0.5,
        width=draw.choice((20, 40, 80, 1000)),
        indent=draw.choice((2, 4, 8)),
        allow_unicode=draw.random() < 0.5,
        explicit_start=draw.random() < 0.5,
        default_style=draw.choice((None, None, None, '"', "'", "|", ">")),
        canonical=draw.random() < 0.1,
        line_break=draw.choice((None, "\r\n")),
    )


def _dump_shared(documents: list[Data], draw: random.Random) -> str:
    return _dump([_interned(document, {}, draw.choice((0.3, 1.0)), draw) for document in documents], draw, _Shared)


def _interned(data: Data, seen: dict[str, Data], share: float, draw: random.Random) -> Data:
    """Return the data in which most of what is equal is the same object, which the dumper writes as an alias."""
    if isinstance(data, dict):
        data = {key: _interned(value, seen, share, draw) for key, value in data.items()}
    elif isinstance(data, list):
        data = [_interned(item, seen, share, draw) for item in data]
    else:
        return data
    return seen.setdefault(json.dumps(data), data) if data and draw.random() < share else data


def _explicit(documents: list[Data], draw: random.Random) -> str:
    share = draw.choice((0.2, 0.6, 1.0))
    return "---\n" + "---\n".join("\n".join(_lines(document, 0, share, draw)) + "\n" for document in documents)


def _lines(data: Data, column: int, share: float, draw: random.Random) -> list[str]:
    """Return lines of block style, of whose keys some are explicit: `? key`."""
    margin, lines = " " * column, []
    if not isinstance(data, (dict, list)) or not data:
        return [margin + json.dumps(data)]
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        inner = _lines(value, column + 2, share, draw)
        if draw.random() < 0.1:
            lines.append(f"{margin}# a comment")
        if isinstance(data, list):
            start = "-"
        elif draw.random() < share:
            lines.append(f"{margin}? {json.dumps(key)}")
            start = ":"
        else:
            start = f"{json.dumps(key)}:"
        is_scalar = not isinstance(value, (dict, list)) or not value
        if is_scalar or (start in "-:" and draw.random() < 0.6):
            lines += [f"{margin}{start} {inner[0].lstrip()}", *inner[1:]] if start in "-:" or is_scalar else []
        else:
            lines += [f"{margin}{start}{draw.choice(('', ' # why'))}", *inner]
    return lines


PRINTERS = (_sorted_json, _json, _dump, _dump, _dump_shared, _explicit)


# --- edits of lines


def _carriage_returns(text: str, _: random.Random) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _comments(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    for _ in range(draw.choice((1, 3, 10))):
        at = draw.randrange(len(lines))
        lines.insert(at, " " * draw.choice((0, 2, 4, 9)) + draw.choice(("# moved", "#", "", "# - name: agent")))
    return "\n".join(lines)


def _comments_behind(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    for _ in range(draw.choice((1, 3))):
        at = draw.randrange(len(lines))
        lines[at] += draw.choice((" # behind", "  #", " "))
    return "\n".join(lines)


def _no_comments(text: str, _: random.Random) -> str:
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("#"))


def _remove_lines(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    at = draw.randrange(len(lines))
    del lines[at : at + draw.choice((1, 1, 2, 4))]
    return "\n".join(lines)


def _move_lines(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    at, count = draw.randrange(len(lines)), draw.choice((1, 2, 3))
    moved = lines[at : at + count]
    del lines[at : at + count]
    to = draw.randrange(len(lines) + 1)
    return "\n".join([*lines[:to], *moved, *lines[to:]])


def _indent_lists(text: str, draw: random.Random) -> str:
    """Indent the rest of the text from a list's dash on, as an editor does with a selection."""
    lines = text.split("\n")
    start = draw.randrange(len(lines))
    end = start + draw.choice((1, 2, 3, 5, 8))
    return "\n".join(f"  {line}" if start <= index < end else line for index, line in enumerate(lines))


def _escape_key(text: str, _: random.Random) -> str:
    return text.replace(f'"{MARKER}"', '"sidecar-plugin.dev\\u002Finjected"').replace(
        f" {MARKER}:", ' "sidecar-plugin.dev\\x2finjected":'
    )


def _no_end(text: str, _: random.Random) -> str:
    return text.rstrip("\r\n")


TEXT_EDITS = (
    _carriage_returns, _comments, _comments, _comments_behind, _no_comments, _remove_lines, _remove_lines, _move_lines,
    _indent_lists, _escape_key, _no_end,
)  # fmt: skip


# --- what the removal must give


def _removed(documents: list[Data]) -> list[Data]:
    """Return data without what the markers in it list."""
    documents = json.loads(json.dumps(documents))
    documents = [one for one in documents if not _is_manifest(one)]
    for node in _nodes(documents):
        if isinstance(node, list):
            node[:] = [item for item in node if not _is_manifest(item)]
        elif isinstance(node, dict) and isinstance(node.get("spec"), dict):
            marker = _marker(node)
            if "added" in marker:
                _remove(node, marker)
    return documents


def _marker(node: Data) -> Data:
    for key in ("metadata", "annotations", MARKER):
        node = node.get(key) if isinstance(node, dict) else None
    data = json.loads(node) if isinstance(node, str) else {}
    return data if isinstance(data, dict) else {}


def _is_manifest(data: Data) -> bool:
    return "manifest" in _marker(data)


def _remove(template: Data, marker: Data) -> None:
    template["metadata"]["annotations"].pop(MARKER)
    _shorten(template, marker.get("joined", {}))
    volumes = marker["added"].get("spec.volumes", ())
    for path, names in marker["added"].items():
        if path.startswith("spec.containers["):
            name, _, key = path.removeprefix("spec.containers[").rpartition("].")
            containers = [one for one in _list(template["spec"].get("containers")) if isinstance(one, dict)]
            same = [one for one in containers if one.get("name") == name][:1]
            if same and key in same[0]:
                _filter(same[0], key, "mountPath" if key == "volumeMounts" else "name", names)
            elif key == "volumeMounts":
                for one in containers:
                    _filter(one, key, "mountPath", names, volumes)
        else:
            *steps, key = path.split(".")
            node = template
            for step in steps:
                node = node.get(step) if isinstance(node, dict) else None
            if isinstance(node, dict):
                _filter(node, key, "name", names)


def _shorten(template: Data, joined: dict[str, str]) -> None:
    annotations = template["metadata"]["annotations"]
    for key, more in joined.items():
        if isinstance(annotations.get(key), str) and more in annotations[key]:
            head, _, tail = annotations[key].rpartition(more)
            annotations[key] = head + tail


def _list(data: Data) -> list[Data]:
    return data if isinstance(data, list) else []


def _filter(node: Data, key: str, identity: str, names: list[str], volumes: list[str] | None = None) -> None:
    there = node.get(key)
    if isinstance(there, list):
        node[key] = [
            item
            for item in there
            if not (
                isinstance(item, dict) and item.get(identity) in names and (volumes is None or (item.get("name") in volumes))
            )
        ]
    elif isinstance(there, dict):
        node[key] = {name: value for name, value in there.items() if name not in names}


def _comparable(data: Data) -> Data:
    """Return data without nulls, of which `load` keeps two spellings as text, and without what is empty."""
    if isinstance(data, dict):
        kept = {key: _comparable(value) for key, value in data.items()}
        return {key: value for key, value in kept.items() if value not in (None, {}, [], "Null", "NULL")}
    return [_comparable(item) for item in data if item is not None] if isinstance(data, list) else data
