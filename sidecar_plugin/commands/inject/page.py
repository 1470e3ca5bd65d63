"""The page of `inject --html`: each workload, its agents, the warnings at it, and the difference, folded."""

from collections import Counter
from collections.abc import Iterator

from sidecar_plugin.commands.inject.changes import Change
from sidecar_plugin.runtime.html_page import html_lines, html_page, html_text
from sidecar_plugin.runtime.report import Outcome, Results
from sidecar_plugin.runtime.report import Warning as ReportWarning

_STYLE = """\
section.warned { border-color: var(--warning); border-width: 2px; }
.place, .muted { color: var(--muted); font-weight: normal; }
.warning { color: var(--warning); }
table { border-collapse: collapse; margin: .25rem 0; }
th, td { text-align: left; padding: .1rem 1.5rem .1rem 0; overflow-wrap: anywhere; }
th { color: var(--muted); font-weight: normal; }
summary { cursor: pointer; }
pre { font: 12px/1.5 ui-monospace, monospace; overflow-x: auto; margin: .5rem 0; tab-size: 4; }
code { display: inline-block; min-width: 100%; font: inherit; }
code > * { display: block; text-decoration: none; min-height: 1.5em; }
ins { background: var(--added); }
del { background: var(--removed); }
"""


def page(changes: list[Change], results: Results) -> bytes:
    """Return the page: what files were refused, warnings without a workload, then documents, those with warnings first."""
    outcomes = [outcome for change in changes for outcome in change.outcomes]
    changed = sum(bool(outcome.agents) for outcome in outcomes)
    head = f"{_count(len(outcomes), 'workload')}, {changed} with agents, {_count(len(results.warnings), 'warning')}"
    if results.errors:
        head += f", {_count(len(results.errors), 'file')} refused"
    shown = {warning for change in changes for warning in change.warnings}
    body = [f"<p>{head}.</p>\n", *_agents(outcomes)]
    body += [f'<p class="bad">error: {html_text(str(error))}</p>\n' for error in results.errors]
    body += [_warning(warning) for warning in results.warnings if warning not in shown]
    for change in sorted(changes, key=_rank):
        body += _section(change)
    return html_page(f"sidecar-plugin inject: {head}", "Sidecars in this change", _STYLE, "".join(body))


def _rank(change: Change) -> int:
    return 0 if change.warnings else 1 if change.hunks else 2


def _agents(outcomes: list[Outcome]) -> Iterator[str]:
    counts = Counter((injected.agent, injected.declaration) for outcome in outcomes for injected in outcome.agents)
    if counts:
        yield from _table(
            ("agent", "declaration", "workloads"),
            [(agent, declaration, str(number)) for (agent, declaration), number in sorted(counts.items())],
        )


def _section(change: Change) -> Iterator[str]:
    yield f'<section class="{"warned" if change.warnings else "quiet"}">\n'
    if not change.outcomes:
        title, where = (change.title, change.place.file) if change.title else ("Document", f"{change.place}")
        yield _heading(title, where)
    for outcome in change.outcomes:
        place = outcome.locate()
        yield _heading(outcome.label, f"{place.file}:{place.line}")
        if outcome.agents:
            yield from _table(("agent", "declaration", "container"), list(outcome.agents))
        removed = f"removed: {', '.join(outcome.removed)}" if outcome.removed else ""
        for note in (removed, outcome.skipped, outcome.note):
            if note:
                yield f'<p class="muted">{html_text(note)}</p>\n'
    yield from map(_warning, change.warnings)
    yield from _difference(change)
    yield "</section>\n"


def _heading(title: str, place: str) -> str:
    return f'<h2>{html_text(title)} <span class="place">{html_text(place)}</span></h2>\n'


def _warning(warning: ReportWarning) -> str:
    return f'<p class="warning">warning: {html_text(str(warning))}</p>\n'


def _difference(change: Change) -> Iterator[str]:
    signs = Counter(line.sign for hunk in change.hunks for line in hunk.lines)
    if not change.hunks:
        yield '<p class="muted">nothing changes</p>\n'
        return
    yield f"<details>\n<summary>{_count(signs['+'], 'line')} added, {signs['-']} removed</summary>\n"
    for agent, note in dict.fromkeys(pair for outcome in change.outcomes for pair in outcome.agent_notes):
        yield f'<p class="muted">{html_text(f"{agent}: {note}")}</p>\n'
    yield "<pre><code>"
    for hunk in change.hunks:
        yield f'<span class="muted">{f"line {hunk.line}" if hunk.line else "…"}</span>'
        for line in hunk.lines:
            element = {"+": "ins", "-": "del"}.get(line.sign, "span")
            yield f"<{element}>{line.sign}{html_lines(line.text.removesuffix(chr(10)))}</{element}>"
    yield "</code></pre>\n</details>\n"


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    yield "<table>\n<tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>\n"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{html_text(cell)}</td>" for cell in row) + "</tr>\n"
    yield "</table>\n"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
