"""Selection: globs, and label selectors as kubectl reads them."""

import pytest

from sidecar_plugin.errors import SettingsError
from sidecar_plugin.kubernetes.selectors import parse_label_selector

LABELS = {"app": "web", "tier": "front", "app.kubernetes.io/name": "x", "empty": ""}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("app", True),
        ("!app", False),
        ("app=web", True),
        ("app==web", True),
        ("app = web", True),
        ("app!=web", False),
        ("missing!=web", True),
        ("app in (web, api)", True),
        ("app notin (web)", False),
        ("missing notin (web)", True),
        ("missing in (web)", False),
        ("app=web,tier=front", True),
        ("app=web,tier=back", False),
        ("tier in (front),!legacy", True),
        ("app.kubernetes.io/name=x", True),
        ("empty=", True),
        ("empty in ()", True),
    ],
)
def test_label_selectors(selector: str, matches: bool) -> None:
    assert all(requirement.matches(LABELS) for requirement in parse_label_selector(selector, "labelSelector")) is matches


@pytest.mark.parametrize(
    "selector", ["=web", "app in web", "app in (web", "a b", "app=web tier=front", "-x", ",", "app=web,,x"]
)
def test_what_cannot_be_read_is_quoted(selector: str) -> None:
    with pytest.raises(SettingsError, match="cannot be read as a selector"):
        parse_label_selector(selector, "labelSelector")
