"""MkDocs calls these functions when it makes the site (`hooks` in mkdocs.yml).

- README.md, CONTRIBUTING.md, SECURITY.md, CHANGELOG.md and each agent's README.md are pages too.
- A relative link to one of these, or from one of these to a page, leads to the page. A link to another file of the repository
  leads to SIDECAR_PLUGIN_URL, the address of the repository; without one only its text stays.
- A block whose second word is a file's name gets it as its title. The second word of a console block is for the tests only.
"""

import os
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
AGENTS = ROOT.glob("templates/*/README.md")
OUTSIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    **{
        f"templates/{path.parent.name}/README.md": f"agents/{path.parent.name}.md"
        for path in ROOT.glob("templates/*/README.md")
    },
}
"""The file in the repository, and the page's name."""
SOURCES = {page: source for source, page in OUTSIDE.items()}

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?\)")
BLOCK = re.compile(r"^```(\S+) (\S+)$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of files outside docs/."""
    for source, page in OUTSIDE.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return the text of a page as MkDocs has to read it."""
    name = page.file.src_uri
    source = SOURCES.get(name, f"docs/{name}")
    return BLOCK.sub(titled, LINK.sub(lambda found: linked(found, source, name), markdown))


def linked(found: re.Match[str], source: str, page: str) -> str:
    """Return a link of a page. Raises ValueError where the file is not there."""
    text, target, anchor = found[1], found[2], found[3] or ""
    file = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    if not (ROOT / file).exists():
        raise ValueError(f"{source}: a link leads to {file}, which is not there")
    there = OUTSIDE.get(file, file.removeprefix("docs/") if file.startswith("docs/") else None)
    if there is not None:
        return f"[{text}]({posixpath.relpath(there, posixpath.dirname(page) or '.')}{anchor})"
    url = os.environ.get("SIDECAR_PLUGIN_URL", "").rstrip("/")
    return f"[{text}]({url}/blob/HEAD/{file}{anchor})" if url else text


def titled(found: re.Match[str]) -> str:
    """Return the first line of a block."""
    language, word = found.groups()
    return f"```{language}" if language == "console" else f'```{language} title="{word}"'
