"""What makes a container a sidecar, put into its text and taken out: `restartPolicy: Always`, or entries of `env`.

A mark that stands where the program would put it itself is taken out whole. A mark of the author's that stands somewhere else
becomes a comment, so that the way back finds its place, if the declaration is a single entry.
"""

import re

from sidecar_plugin.commands.convert.block_lines import Lines, behind, is_first_on_line, separator
from sidecar_plugin.commands.convert.key_order import place
from sidecar_plugin.injection.sidecars import variables
from sidecar_plugin.kubernetes.declarations.protocol import Declaration
from sidecar_plugin.yamledit.access import effective_pair
from sidecar_plugin.yamledit.documents import Edit
from sidecar_plugin.yamledit.editor import Editor
from sidecar_plugin.yamledit.emitter import Emitter, block
from sidecar_plugin.yamledit.extent import content_end, pair_end
from sidecar_plugin.yamledit.lines import content_line_end, line_break, line_end, line_start
from sidecar_plugin.yamledit.nodes import Mapping, ParseError, Scalar, Sequence, follow, is_null
from sidecar_plugin.yamledit.parser import parse
from sidecar_plugin.yamledit.removal import span_of_items, span_of_pairs

Entry = dict[str, str]
"""An entry of `env`: name and value."""
_COMMENTED_POLICY = re.compile(
    r"""^( *(?:- +)?)# (?=(["']?)restartPolicy\2: +(["']?)Always\3[ \t]*(?:#.*)?\r?$)""", re.MULTILINE
)
_COMMENT_LINE = re.compile(r"( *)# (.*)")
_LONGEST = 4  # lines of a commented mark


def put_in(text: str, container: Mapping, lines: Lines | None, declaration: Declaration, indent_lists: int) -> list[Edit]:
    """Return the edits that declare the container; `lines` are its own in a block list, `indent_lists` as in Editor."""
    if declaration.list_name == "initContainers":
        return _put_policy(text, container, lines)
    there = {entry.name for entry in variables(container, declaration.variables)}
    missing = [entry for entry in _entries(declaration) if entry["name"] not in there]
    return _put_entries(text, container, lines, missing, indent_lists) if missing else []


def take_out(text: str, container: Mapping, declaration: Declaration, is_ours: bool) -> list[Edit]:
    """Return the edits that take the declaration out again; `is_ours` says that the program put it in, so that nothing has to
    be remembered."""
    if declaration.list_name == "initContainers":
        index = next(index for index, (key, _) in enumerate(container.pairs) if key.value == "restartPolicy")
        return _take_pair(text, container, index, is_ours or _is_policy_in_place(text, container, index))
    return _take_entries(text, container, _entries(declaration), is_ours) if declaration.variables else []


def _entries(declaration: Declaration) -> list[Entry]:
    return [{"name": name, "value": value} for name, value in declaration.variables.items()]


# --- restartPolicy: Always


def _put_policy(text: str, container: Mapping, lines: Lines | None) -> list[Edit]:
    if lines and not container.flow:
        found = _COMMENTED_POLICY.search(text, line_start(text, lines.dash), lines.end)
        if found and len(found[1]) == container.column:
            return [Edit(found.end(1), found.end(1) + 2, "")]
    at = place(container, "restartPolicy")
    if not container.flow:
        line = f"{' ' * container.column}restartPolicy: Always{line_break(text)}"
        position = behind(text, pair_end(text, *container.pairs[at - 1]), container.column)
        return [Edit(position, position, line)]
    neighbour, value = container.pairs[at - 1]
    quote = '"' if neighbour.style == '"' else ""
    written = f"{quote}restartPolicy{quote}: {quote}Always{quote}"
    return [Edit(value.end, value.end, separator(text, neighbour) + written)]


def _is_policy_in_place(text: str, container: Mapping, index: int) -> bool:
    if container.flow:
        return True  # there is no comment inside of a line
    key, value = container.pairs[index]
    line = f"{' ' * container.column}restartPolicy: Always"
    start = line_start(text, key.start)
    return (
        index == place(container, "restartPolicy")
        and start == behind(text, pair_end(text, *container.pairs[index - 1]), container.column)
        and text[start : content_line_end(text, value.end)].rstrip("\r\n") == line
    )


def _take_pair(text: str, container: Mapping, index: int, whole: bool) -> list[Edit]:
    key, value = container.pairs[index]
    commented = [] if whole or container.flow else _as_comment(text, key.start, pair_end(text, key, value), container.column)
    if commented:
        return commented
    spans = _pair_spans(text, container, index)
    return [Edit(start, end, "") for start, end in spans]


def _pair_spans(text: str, container: Mapping, index: int) -> list[tuple[int, int]]:
    key = container.pairs[index][0]
    if container.flow or is_first_on_line(text, key.start):
        return span_of_pairs(text, container, {index})
    return [(key.start, container.pairs[index + 1][0].start)]  # behind the dash: the next key takes its place


# --- environment variables


def _put_entries(text: str, container: Mapping, lines: Lines | None, entries: list[Entry], indent_lists: int) -> list[Edit]:
    pair = container.pair("env")
    if len(entries) == 1 and lines and not container.flow:
        commented = _find_commented_entry(text, container, lines, entries[0])
        if commented:
            return commented
    if pair is None:
        if container.flow:
            return _inserted(text, container, {"env": entries}, indent_lists)
        at = place(container, "env")
        written = block({"env": entries}, container.column, indent_lists)
        position = behind(text, pair_end(text, *container.pairs[at - 1]), container.column)
        return [Edit(position, position, "".join(f"{line}{line_break(text)}" for line in written))]
    editor = Editor(text, indent_lists, Emitter())
    if isinstance(pair[1], Sequence):
        editor.prepend(pair[1], list(entries))
    else:
        assert isinstance(pair[1], Scalar)
        editor.fill(container, pair[0], pair[1], list(entries))
    return editor.edits()


def _inserted(text: str, container: Mapping, entries: dict[str, object], indent_lists: int) -> list[Edit]:
    editor = Editor(text, indent_lists, Emitter())
    editor.add(container, entries)
    return editor.edits()


def _take_entries(text: str, container: Mapping, entries: list[Entry], is_ours: bool) -> list[Edit]:
    at = next(index for index, (key, _) in enumerate(container.pairs) if key.value == "env")
    key, env = container.pairs[at]
    assert isinstance(env, Sequence)
    taken = {entry.place for entry in variables(container, [entry["name"] for entry in entries])}
    whole = is_ours or len(entries) > 1
    if len(env.items) == len(taken) and (not env.flow or text[key.start : env.start].startswith('"env": ')):
        in_place = at == place(container, "env") and _is_pair_ours(text, container, at, entries)
        return _take_pair(text, container, at, whole or in_place)
    index = min(taken)
    if not whole and not env.flow and not (index == 0 and _is_item_ours(text, env, entries)):
        item = env.items[index]
        dash = env.first if index == 0 else text.rfind("-", 0, item.start)
        if commented := _as_comment(text, dash, content_end(text, item), env.column):
            return commented
    return [Edit(start, end, "") for start, end in span_of_items(text, env, taken)]


def _is_pair_ours(text: str, container: Mapping, at: int, entries: list[Entry]) -> bool:
    key, env = container.pairs[at]
    assert isinstance(env, Sequence)
    if container.flow or env.flow or at == 0:
        return container.flow
    written = block({"env": entries}, container.column, env.column - container.column)
    start = line_start(text, key.start)
    stands = text[start : content_line_end(text, content_end(text, env))].splitlines()
    return start == behind(text, pair_end(text, *container.pairs[at - 1]), container.column) and stands == written


def _is_item_ours(text: str, env: Sequence, entries: list[Entry]) -> bool:
    start = line_start(text, env.first)
    return text[start : content_line_end(text, content_end(text, env.items[0]))].splitlines() == block(entries, env.column)


# --- comments


def _as_comment(text: str, start: int, end: int, column: int) -> list[Edit]:
    """Return the edits that make comments of the lines of `start` to `end`, [] if they cannot be told apart as such again."""
    stop = content_line_end(text, end)
    edits: list[Edit] = []
    position = line_start(text, start)
    while position < stop:
        at = position + column
        following = line_end(text, position)
        ahead = text[position:at].strip(" ") if edits else text[position:at].strip(" -")
        if ahead or following > stop or text[at : at + 1] in "#\r\n":
            return []
        edits.append(Edit(at, at, "# "))
        position = following
    return edits if len(edits) <= _LONGEST and (len(edits) == 1 or is_first_on_line(text, start)) else []


def _find_commented_entry(text: str, container: Mapping, lines: Lines, entry: Entry) -> list[Edit]:
    """Return the edits that make the entry out of the comment that `take_out` left, [] if there is none."""
    rows: list[tuple[int, str, str]] = []
    position = line_start(text, lines.dash)
    while position < lines.end:
        following = line_end(text, position)
        found = _COMMENT_LINE.match(text, position, following)
        rows.append((position, found[1], found[2].rstrip("\r")) if found else (position, "", ""))
        position = following
    env = effective_pair(container, "env")
    column = env[1].column if env and isinstance(env[1], Sequence) and not env[1].flow else None
    for index in range(len(rows)):
        for count in range(1, _LONGEST + 1):
            run = rows[index : index + count]
            margin = run[0][1]
            if len(run) < count or any(row[1] != margin or not row[2] for row in run):
                break
            what = _entry_in("\n".join(row[2] for row in run), entry)
            if (what == "pair" and env is None and len(margin) == container.column) or (
                what == "item" and len(margin) == column
            ):
                return [Edit(row[0] + len(margin), row[0] + len(margin) + 2, "") for row in run]
    return []


def _entry_in(text: str, wanted: Entry) -> str:
    """Say what the uncommented text is: the "item" that is wanted, the "pair" `env` with just that item, or ""."""
    if wanted["name"] not in text:
        return ""
    try:
        root = parse(text).root
    except ParseError:
        return ""
    what = "item"
    if isinstance(root, Mapping) and [key.value for key, _ in root.pairs] == ["env"]:
        what, root = "pair", follow(root.pairs[0][1])
    if not isinstance(root, Sequence) or len(root.items) != 1 or not isinstance(root.items[0], Mapping):
        return ""
    entry = root.items[0]
    values = [(key.value, value.value if isinstance(value, Scalar) else "") for key, value in entry.pairs]
    is_string = all(isinstance(value, Scalar) and (key.value == "name" or value.style) for key, value in entry.pairs)
    return what if sorted(values) == sorted(wanted.items()) and is_string else ""


def env_problem(container: Mapping) -> str:
    """Return why no entry can be put into the container's environment as it is written, "" if one can."""
    pair = effective_pair(container, "env")
    if pair is None:
        return ""
    if pair not in container.pairs:
        return "comes from a merge key; write it out here"
    if isinstance(pair[1], Sequence):
        return ""
    if is_null(pair[1]):
        return "is null in flow style; write [] or leave it out" if container.flow else ""
    return "must be a list"
