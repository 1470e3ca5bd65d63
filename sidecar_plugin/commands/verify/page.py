"""The timelines as one HTML file that needs nothing else: SVG inside, light and dark, no script, nothing from elsewhere."""

from collections.abc import Iterator
from html import escape

from sidecar_plugin.commands.verify.timeline import Row, Run, Timeline
from sidecar_plugin.errors import visible

_BAR, _LABEL, _ROW = 480, 260, 22  # pixels of the bars, of the names on their left, and of a row's height
_STYLE = """\
:root {
  color-scheme: light dark;
  --text: #1b1f24; --back: #ffffff; --line: #d0d7de; --agent: #0969da; --app: #8c959f; --bad: #cf222e;
}
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --back: #0d1117; --line: #30363d; --agent: #4493f8; --app: #7d8590; --bad: #f85149; }
}
body {
  font: 14px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
  margin: 2rem auto; max-width: 60rem; padding: 0 1rem;
}
section { border: 1px solid var(--line); border-radius: 6px; padding: .5rem 1rem; margin: 1rem 0; overflow-x: auto; }
section.failed { border-color: var(--bad); border-width: 2px; }
h2 { font-size: 1rem; margin: .25rem 0; overflow-wrap: anywhere; }
p { margin: .25rem 0; overflow-wrap: anywhere; }
.bad { color: var(--bad); }
svg { width: 100%; min-width: 42rem; height: auto; display: block; }
svg text { font: 12px ui-monospace, monospace; fill: var(--text); }
.agent { fill: var(--agent); }
.application { fill: var(--app); }
.failed-bar { fill: var(--bad); }
.axis { stroke: var(--line); }
.swatch { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; vertical-align: -.05em; }
"""


def page(lines: list[Timeline]) -> bytes:
    """Return the page: the pods in which a promise was not kept come first."""
    ordered = sorted(lines, key=lambda line: not line.is_failed)
    failed = sum(line.is_failed for line in lines)
    head = f"{len(lines)} pod{'' if len(lines) == 1 else 's'} with sidecars, {failed} failed"
    key = "".join(
        f'<span class="swatch" style="background: var(--{color})"></span>{text}'
        for color, text in (("agent", "agent"), ("app", "application"), ("bad", "agent that failed"))
    )
    body = "".join(piece for line in ordered for piece in _section(line))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>sidecar-plugin verify: {head}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Sidecars over time</h1>\n<p>{head}.{key}</p>\n"
        f"<p>A bar goes from a container's start to its end. A paler one runs on.</p>\n{body}</body>\n</html>\n"
    ).encode()


def _section(line: Timeline) -> Iterator[str]:
    when = f"{line.began}, {line.seconds} s" if line.began else "nothing has started"
    yield f'<section class="{"failed" if line.is_failed else "ok"}">\n<h2>{_text(line.name)}</h2>\n<p>{_text(when)}</p>\n'
    height = len(line.rows) * _ROW
    label = f"containers of {line.name} over time"
    yield f'<svg viewBox="0 0 {_LABEL + _BAR + 200} {height}" role="img" aria-label="{_text(label)}">\n'
    for index, row in enumerate(line.rows):
        yield from _row(row, index * _ROW, line.drawn_seconds)
    yield "</svg>\n"
    for message in line.messages:
        yield f'<p class="bad">{_text(message)}</p>\n'
    yield "</section>\n"


def _row(row: Row, top: int, seconds: int) -> Iterator[str]:
    shown = row.name if len(row.name) <= 30 else f"{row.name[:29]}…"
    kind = "failed-bar" if row.is_failed else "application" if row.role == "application" else "agent"
    yield f'<text x="0" y="{top + 15}">{_text(shown)}</text>'
    yield f'<line class="axis" x1="{_LABEL}" y1="{top + _ROW - 1}" x2="{_LABEL + _BAR}" y2="{top + _ROW - 1}"/>\n'
    for run in row.runs:
        left, width = _span(run, seconds)
        title = f"{row.name} ({row.role}): {run.start} s to {'now' if run.end is None else f'{run.end} s'}, {row.note}"
        open_end = ' fill-opacity=".6"' if run.end is None else ""
        yield (
            f'<rect class="{kind}"{open_end} x="{_LABEL + left}" y="{top + 4}" width="{width}" height="{_ROW - 9}" rx="2">'
            f"<title>{_text(title)}</title></rect>\n"
        )
    yield f'<text x="{_LABEL + _BAR + 8}" y="{top + 15}">{_text(row.note)}</text>\n'


def _span(run: Run, seconds: int) -> tuple[int, int]:
    """Return the left edge and the width of a bar, in pixels; a moment has a width too."""
    left = run.start * (_BAR - 4) // seconds if seconds else 0
    right = _BAR if run.end is None else (run.end * _BAR // seconds if seconds else 0)
    return left, max(right - left, 4)


def _text(text: str) -> str:
    return escape(visible(text).replace("\n", " "), quote=True)
