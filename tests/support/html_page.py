"""A page that the program wrote, as a browser reads it: elements, attributes, text; and what holds for each of our pages."""

import base64
import hashlib
import re
from html.parser import HTMLParser


class Page(HTMLParser):
    """Counts the elements of a page and keeps its text; fails for one that is not closed or does not stand alone."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: dict[str, int] = {}
        self.attributes: list[tuple[str, str]] = []
        self.said = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []
        self._check_alone(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] = self.elements.get(tag, 0) + 1
        self.attributes += [(key, value or "") for key, value in attrs]
        if tag != "meta":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(key, value or "") for key, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data

    def _check_alone(self, text: str) -> None:
        """Hold that the page runs and loads nothing, and that its policy allows its own style alone."""
        assert not {"script", "link", "img", "iframe", "base", "form", "object"} & self.elements.keys()
        assert not [key for key, _ in self.attributes if key.startswith("on") or key in ("style", "src", "href")]
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
        assert "prefers-color-scheme: dark" in text
        (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
        assert not re.search(r"@import|url\(", style)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        (policy,) = [value for key, value in self.attributes if key == "content" and "-src" in value]
        assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
