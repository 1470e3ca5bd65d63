"""The timelines as one HTML page that stands alone, SVG inside."""

from collections.abc import Iterator

from sidecar_plugin.commands.verify.timeline import Row, Run, Timeline
from sidecar_plugin.runtime.html_page import html_page, html_text

_BAR, _LABEL, _ROW = 480, 260, 22  # pixels of the bars, of the names on their left, and of a row's height
_STYLE = """\
section.failed { border-color: var(--bad); border-width: 2px; }
svg { width: 100%; min-width: 42rem; height: auto; display: block; }
svg text { font: 12px ui-monospace, monospace; fill: var(--text); }
.agent { fill: var(--agent); background: var(--agent); }
.application { fill: var(--app); background: var(--app); }
.failed-bar { fill: var(--bad); background: var(--bad); }
.axis { stroke: var(--line); }
.swatch { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; vertical-align: -.05em; }
"""


def page(lines: list[Timeline]) -> bytes:
    """Return the page: the pods in which a promise was not kept come first."""
    ordered = sorted(lines, key=lambda line: not line.is_failed)
    failed = sum(line.is_failed for line in lines)
    head = f"{len(lines)} pod{'' if len(lines) == 1 else 's'} with sidecars, {failed} failed"
    key = "".join(
        f'<span class="swatch {kind}"></span>{text}'
        for kind, text in (("agent", "agent"), ("application", "application"), ("failed-bar", "agent that failed"))
    )
    body = "".join(piece for line in ordered for piece in _section(line))
    lead = f"<p>{head}.{key}</p>\n<p>A bar goes from a container's start to its end. A paler one runs on.</p>\n"
    return html_page(f"sidecar-plugin verify: {head}", "Sidecars over time", _STYLE, lead + body)


def _section(line: Timeline) -> Iterator[str]:
    when = f"{line.began}, {line.seconds} s" if line.began else "nothing has started"
    yield f'<section class="{"failed" if line.is_failed else "ok"}">\n'
    yield f"<h2>{html_text(line.name)}</h2>\n<p>{html_text(when)}</p>\n"
    height = len(line.rows) * _ROW
    label = f"containers of {line.name} over time"
    yield f'<svg viewBox="0 0 {_LABEL + _BAR + 200} {height}" role="img" aria-label="{html_text(label)}">\n'
    for index, row in enumerate(line.rows):
        yield from _row(row, index * _ROW, line.drawn_seconds)
    yield "</svg>\n"
    for message in line.messages:
        yield f'<p class="bad">{html_text(message)}</p>\n'
    yield "</section>\n"


def _row(row: Row, top: int, seconds: int) -> Iterator[str]:
    shown = row.name if len(row.name) <= 30 else f"{row.name[:29]}…"
    kind = "failed-bar" if row.is_failed else "application" if row.role == "application" else "agent"
    yield f'<text x="0" y="{top + 15}">{html_text(shown)}</text>'
    yield f'<line class="axis" x1="{_LABEL}" y1="{top + _ROW - 1}" x2="{_LABEL + _BAR}" y2="{top + _ROW - 1}"/>\n'
    for run in row.runs:
        left, width = _span(run, seconds)
        title = f"{row.name} ({row.role}): {run.start} s to {'now' if run.end is None else f'{run.end} s'}, {row.note}"
        open_end = ' fill-opacity=".6"' if run.end is None else ""
        yield (
            f'<rect class="{kind}"{open_end} x="{_LABEL + left}" y="{top + 4}" width="{width}" height="{_ROW - 9}" rx="2">'
            f"<title>{html_text(title)}</title></rect>\n"
        )
    yield f'<text x="{_LABEL + _BAR + 8}" y="{top + 15}">{html_text(row.note)}</text>\n'


def _span(run: Run, seconds: int) -> tuple[int, int]:
    """Return the left edge and the width of a bar, in pixels; a moment has a width too."""
    left = run.start * (_BAR - 4) // seconds if seconds else 0
    right = _BAR if run.end is None else (run.end * _BAR // seconds if seconds else 0)
    return left, max(right - left, 4)
