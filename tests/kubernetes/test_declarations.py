"""Which declaration is picked, what it writes, and when it is refused or warned about."""

import pytest

from sidecar_plugin.errors import DeclarationError, TemplateError
from sidecar_plugin.kubernetes.cluster_version import ClusterVersion
from sidecar_plugin.kubernetes.declarations import DECLARATIONS, check, choose, declare
from sidecar_plugin.kubernetes.declarations.protocol import Target

OLD, NEW = ClusterVersion(1, 28), ClusterVersion(1, 29)


@pytest.mark.parametrize(
    ("asked", "platform", "version", "picked"),
    [
        ("auto", "acs", NEW, "native"),
        ("auto", "acs", OLD, "acs"),
        ("auto", "kubernetes", NEW, "native"),
        ("auto", "kubernetes", OLD, "regular"),
        ("acs", "acs", NEW, "acs"),
        ("regular", "acs", OLD, "regular"),
        ("native", "kubernetes", OLD, "native"),
    ],
)
def test_auto_picks_by_platform_and_version_and_a_name_wins(
    asked: str, platform: str, version: ClusterVersion, picked: str
) -> None:
    assert choose(asked, platform, version).name == picked


@pytest.mark.parametrize(
    ("name", "list_name", "written"),
    [
        ("native", "initContainers", {"name": "a", "image": "i", "restartPolicy": "Always", "args": ["x"]}),
        ("acs", "containers", {"name": "a", "image": "i", "args": ["x"], "env": [{"name": "__IS_SIDECAR__", "value": "true"}]}),
        ("regular", "containers", {"name": "a", "image": "i", "args": ["x"]}),
    ],
)
def test_what_is_written(name: str, list_name: str, written: dict[str, object]) -> None:
    declaration = DECLARATIONS[name]
    assert declaration.list_name == list_name
    assert declare(declaration, {"name": "a", "args": ["x"], "image": "i"}) == written


@pytest.mark.parametrize(
    ("name", "container"),
    [
        (name, container)
        for name in DECLARATIONS
        for container in ({"restartPolicy": "Always"}, {"env": [{"name": "__IS_SIDECAR__", "value": "true"}]})
    ],
)
def test_a_container_that_declares_itself_is_refused(name: str, container: dict[str, object]) -> None:
    with pytest.raises(TemplateError, match="leave it out"):
        declare(DECLARATIONS[name], {"name": "a", **container})


def target(version: ClusterVersion, platform: str = "acs", completes: bool = False, asked: bool = False) -> Target:
    return Target(version, platform, "Job", completes, asked)


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("native", target(NEW)),
        ("acs", target(OLD, completes=True)),
        ("regular", target(OLD, platform="kubernetes")),
    ],
)
def test_nothing_to_say(name: str, use: Target) -> None:
    assert check(DECLARATIONS[name], use) is None


@pytest.mark.parametrize(
    ("name", "use", "words"),
    [
        ("native", target(OLD, asked=True), "use declaration acs or auto"),
        ("native", target(OLD, platform="kubernetes", asked=True), "use declaration regular or auto"),
        ("regular", target(OLD, platform="kubernetes", completes=True), "ask for declaration: regular by name"),
    ],
)
def test_refused_with_the_remedy(name: str, use: Target, words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        check(DECLARATIONS[name], use)


@pytest.mark.parametrize(
    ("name", "use", "words"),
    [
        ("acs", target(NEW, asked=True), "containerStatus and pod status are not updated to Running; use native"),
        ("acs", target(OLD, platform="kubernetes", asked=True), "means nothing|is a plain container"),
        ("regular", target(OLD, completes=True, asked=True), "never completes"),
    ],
)
def test_warned_about_when_asked_for_by_name(name: str, use: Target, words: str) -> None:
    import re

    assert re.search(words, check(DECLARATIONS[name], use) or "")
