"""The annotation that tells what a policy added, as `inject` would write it (see `marker`): an expression of its text.

With it `uninject` takes the sidecars out of a pod that was read from the cluster, and injection knows them again.
"""

import json
from collections.abc import Callable
from typing import Any

from sidecar_plugin.commands.export_policy import cel
from sidecar_plugin.commands.export_policy.agents import PolicyAgents
from sidecar_plugin.injection.marker import VERSION, identity_key

_APPLICATION = "containers."

On = Callable[[list[str]], str]
Missing = Callable[[str, str], str]


def more(index: int) -> str:
    """Return the variable with what is written behind the value of the annotation with that index in `listed_in`."""
    return f"more_{index}"


def marker(added: PolicyAgents, on: On, missing: Missing) -> str:
    """Return the expression. `on` says when one of some agents is put into the pod, `missing` which items of a list of an
    application's container are added to it."""
    agents = [
        _when(on([name]), f"{_json(name)}:{_json({'declaration': added.declaration.name, 'container': container})}")
        for name, container in added.containers.items()
    ]
    paths = list(dict.fromkeys(one.path for one in added.additions))
    keys = [path.removeprefix(_APPLICATION) for path in paths if path.startswith(_APPLICATION)]
    names = {
        path: [_when(on(one.agents), _json(one.key)) for one in added.additions if one.path == path]
        for path in paths
        if not path.startswith(_APPLICATION)
    }
    if added.listed_in:
        new = [f"({_has(key)} ? [] : [{_quoted(key)}])" for key in added.listed_in]
        names.setdefault("metadata.annotations", []).extend(new)
    lists = [_list(path, entries) for path, entries in names.items()] + [_application_list(key, missing) for key in keys]
    created = ["(has(object.metadata.annotations) ? [] : [" + _quoted("metadata.annotations") + "])"]
    created += [
        f"(({on(wanted)}) && !has(object.{path}) ? [{_quoted(path)}] : [])"
        for path in names
        if path not in ("spec.containers", "metadata.annotations")
        and (wanted := list(dict.fromkeys(agent for one in added.additions if one.path == path for agent in one.agents)))
    ]
    created += [_application_created(key, missing) for key in keys]
    pieces = [
        cel.text(f'{{"version":{VERSION},"agents":{{'),
        _joined(agents),
        cel.text('},"added":{'),
        _joined(lists),
        cel.text('},"created":['),
        _joined(created),
        cel.text("]"),
    ]
    if added.listed_in:
        joined = [
            f"({_has(key)} && variables.{more(index)} != '' ? "
            f"[{cel.text(_json(key) + ':')} + '\"' + variables.{more(index)} + '\"'] : [])"
            for index, key in enumerate(added.listed_in)
        ]
        head = cel.text(',"joined":{')
        texts = f"[{_joined(joined)}].filter(t, t != '')"
        pieces.append(f"{texts}.map(t, {head} + t + '}}').join('')")
    pieces.append(cel.text("}"))
    return "\n+ ".join(pieces)


def _has(annotation: str) -> str:
    return f"{cel.text(annotation)} in object.metadata.?annotations.orValue({{}})"


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _quoted(text: str) -> str:
    return cel.text(_json(text))


def _when(condition: str, words: str) -> str:
    return f"({condition} ? [{cel.text(words)}] : [])"


def _joined(lists: list[str]) -> str:
    """Return the texts of all the lists, with commas."""
    return f'({" + ".join(lists) or "[]"}).join(",")'


def _list(path: str, entries: list[str]) -> str:
    """Return a list of one text, the path with its names, or of none if there are no names."""
    return f'[{_joined(entries)}].filter(n, n != "").map(n, {cel.text(_json(path) + ":[")} + n + "]")'


def _application_list(key: str, missing: Missing) -> str:
    names = f'{missing(key, "c")}.map(e, "\\"" + string(e.{identity_key(key)}) + "\\"").join(",")'
    head, tail = cel.text('"spec.containers['), cel.text(f'].{key}":[')
    lengthened = f"object.spec.containers.filter(c, {missing(key, 'c')}.size() > 0)"
    return f'{lengthened}.map(c, {head} + c.name + {tail} + {names} + "]")'


def _application_created(key: str, missing: Missing) -> str:
    head, tail = cel.text('"spec.containers['), cel.text(f'].{key}"')
    lengthened = f"object.spec.containers.filter(c, !has(c.{key}) && {missing(key, 'c')}.size() > 0)"
    return f"{lengthened}.map(c, {head} + c.name + {tail})"
