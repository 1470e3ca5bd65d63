"""HTML pages that stand alone: light and dark, no script, nothing from elsewhere, and every text from outside escaped.

A page's content security policy (https://www.w3.org/TR/CSP3/) allows its own style element, by its hash, and nothing else. So a
text that got in unescaped could neither run nor load anything.
"""

from base64 import b64encode
from hashlib import sha256
from html import escape

from sidecar_plugin.errors import visible

_STYLE = """\
:root {
  color-scheme: light dark;
  --text: #1b1f24; --muted: #59636e; --back: #ffffff; --line: #d0d7de; --agent: #0969da; --app: #8c959f; --bad: #cf222e;
  --warning: #9a6700; --added: #dafbe1; --removed: #ffebe9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6edf3; --muted: #9198a1; --back: #0d1117; --line: #30363d; --agent: #4493f8; --app: #7d8590; --bad: #f85149;
    --warning: #d29922; --added: #12361f; --removed: #4a1c1c;
  }
}
body {
  font: 14px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
  margin: 2rem auto; max-width: 60rem; padding: 0 1rem;
}
section { border: 1px solid var(--line); border-radius: 6px; padding: .5rem 1rem; margin: 1rem 0; overflow-x: auto; }
h2 { font-size: 1rem; margin: .25rem 0; overflow-wrap: anywhere; }
p { margin: .25rem 0; overflow-wrap: anywhere; }
.bad { color: var(--bad); }
"""


def html_page(title: str, heading: str, style: str, body: str) -> bytes:
    """Return the page. Title and heading are plain text, the body is HTML; `style` is added to the style of all pages."""
    content = f"\n{_STYLE}{style}"
    digest = b64encode(sha256(content.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html_text(title)}</title>\n<style>{content}</style>\n</head>\n<body>\n"
        f"<h1>{html_text(heading)}</h1>\n{body}</body>\n</html>\n"
    ).encode()


def html_text(text: str) -> str:
    """Return a text as one line of HTML, for an element or an attribute in quotes, with control characters as escapes."""
    return html_lines(text).replace("\n", " ")


def html_lines(text: str) -> str:
    """Return a text of several lines as HTML, with control characters as escapes."""
    return escape(visible(text), quote=True)
