"""The metadata of the package that depends on where the project is published: the project URLs and the README's links.

The build backend calls it (pyproject.toml). The environment variable SIDECAR_PLUGIN_URL is the address of the repository. The
README links to files of the repository by relative paths; on a package index these are links to nothing. With the address they
become links to the files of this version; without one the text of each link stays and the link goes.
"""

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

RELATIVE_LINK = re.compile(r"\[([^\]]+)\]\((?![a-z]+:|#)([^)\s]+)\)")


def on_an_index(readme: str, url: str, version: str) -> str:
    """Return the README with links that hold outside the repository."""
    target = rf"[\1]({url}/blob/v{version}/\2)" if url else r"\1"
    return RELATIVE_LINK.sub(target, readme)


def urls(url: str, version: str) -> dict[str, str]:
    """Return the project URLs, by the labels that package indexes know."""
    if not url:
        return {}
    files = f"{url}/blob/v{version}"
    return {
        "Homepage": url,
        "Documentation": f"{files}/docs/settings.md",
        "Changelog": f"{files}/CHANGELOG.md",
        "Source": url,
        "Issues": f"{url}/issues",
    }


class PublishedMetadata(MetadataHookInterface):
    """Fills in `readme` and `urls`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Called by hatchling with the table `project`."""
        url = os.environ.get("SIDECAR_PLUGIN_URL", "").rstrip("/")
        if url and not re.fullmatch(r"https://[^\s/]+/\S+", url):
            raise ValueError(
                f"SIDECAR_PLUGIN_URL is {url!r}; give the repository's address, https://HOST/PATH, or leave it unset"
            )
        root = Path(self.root)
        [version] = re.findall(r'^__version__ = "(.+)"$', (root / "sidecar_plugin" / "__init__.py").read_text(), re.MULTILINE)
        text = (root / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": on_an_index(text, url, version)}
        metadata["urls"] = urls(url, version)
