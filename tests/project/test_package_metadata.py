"""What a package index shows of the project: links that hold outside the repository, and no address that nobody gave."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
URL = "https://git.example.com/team/sidecar-plugin"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("published_metadata", ROOT / "tools" / "published_metadata.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", text)


def test_the_readme_links_to_files_that_are_there() -> None:
    relative = [link for link in links(README) if ":" not in link]
    assert len(relative) > 10
    assert not [link for link in relative if not (ROOT / link.partition("#")[0]).exists()]


def test_with_an_address_each_link_names_the_files_of_this_version(tool: ModuleType) -> None:
    text = tool.on_an_index(README, URL, "1.2.3")
    assert len(links(text)) == len(links(README))
    assert [link for link in links(README) if ":" not in link] == [
        link.removeprefix(f"{URL}/blob/v1.2.3/") for link in links(text) if link.startswith(URL)
    ]
    assert not [link for link in links(text) if ":" not in link]
    assert set(tool.urls(URL, "1.2.3")) == {"Homepage", "Documentation", "Changelog", "Source", "Issues"}


def test_without_an_address_there_is_no_link_to_nothing(tool: ModuleType) -> None:
    text = tool.on_an_index(README, "", "1.2.3")
    assert not [link for link in links(text) if ":" not in link]
    assert "Architecture" in text
    assert tool.urls("", "1.2.3") == {}


@pytest.mark.parametrize("url", ["git.example.com/a", "http://git.example.com/a", "https://git.example.com", "https://a b/c"])
def test_an_address_that_is_none_is_refused(url: str, tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDECAR_PLUGIN_URL", url)
    with pytest.raises(ValueError, match="SIDECAR_PLUGIN_URL"):
        tool.PublishedMetadata(str(ROOT), {}).update({})
