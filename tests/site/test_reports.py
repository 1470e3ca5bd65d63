"""The pages of `inject --html` and `verify --html` in a real browser: nothing that a manifest's author wrote runs or loads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.site.conftest import NARROW, Tab
from tests.support.command import SETTINGS, run

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.site
RUNS = "window.pwned = 1"
HOSTILE = [
    f"<script>{RUNS}</script>",
    f"<img src=x onerror='{RUNS}'>",
    f"</span></h2></section></body><svg onload='{RUNS}'></svg>",
    f"</code></pre></details><script>{RUNS}</script>",
    f"</style><script>{RUNS}</script>",
    f"</title><script>{RUNS}</script>",
    f"--><script>{RUNS}</script><!--",
    f"]]><script>{RUNS}</script>",
    f'" autofocus onfocus="{RUNS}" style="position: fixed; inset: 0',
    "<iframe src='data:text/html,x'></iframe><meta http-equiv=refresh content='0;url=https://example.com/'>",
    "<link rel=stylesheet href=https://example.com/x.css><style>body {display: none}</style>",
    f"&#60;script&#62;{RUNS}&#60;/script&#62;",
    "\u202e\u2066 right to left",
]


@pytest.fixture
def tab(browser: "Browser", tmp_path: Path) -> Iterator[Tab]:
    """A page on files of `tmp_path`, and what it complains of: with a policy of the page also what it does not allow."""
    context = browser.new_context()
    yield Tab(context.new_page(), tmp_path.as_uri())
    context.close()


def injected(folder: Path) -> str:
    """Return the page of a change in which each text that an author can write is hostile."""
    documents = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": text, "namespace": text, "labels": {text: text}, "annotations": {text: text}},
            "spec": {"containers": [{"name": text, "image": text, "env": [{"name": "AGENT", "value": text}]}]},
        }
        for text in HOSTILE
    ]
    text = yaml.safe_dump_all(documents, allow_unicode=True, width=10**6)
    source = folder / "<script>x<" / f"{HOSTILE[1]}.yaml".replace("/", "")
    source.parent.mkdir()
    source.write_text(text.replace("spec:", f"# {HOSTILE[0]} {HOSTILE[3]}\nspec:"))
    done = run("inject", *SETTINGS, "--html", str(folder / "page.html"), str(source))
    assert done.status == 0, done.stderr
    return (folder / "page.html").read_text()


def verified(folder: Path) -> str:
    """Return the page of pods in which each text that a cluster can hold is hostile."""
    state = {"terminated": {"exitCode": 1, "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:01:00Z"}}
    pods = [
        {
            "kind": "Pod",
            "metadata": {"name": text, "namespace": text},
            "spec": {"initContainers": [{"name": text, "restartPolicy": "Always"}], "containers": [{"name": f"app {text}"}]},
            "status": {
                "phase": "Failed",
                "reason": text,
                "message": text,
                "initContainerStatuses": [{"name": text, "state": {"terminated": {**state["terminated"], "reason": text}}}],
                "containerStatuses": [
                    {"name": f"app {text}", "state": {"terminated": {**state["terminated"], "message": text}}}
                ],
            },
        }
        for text in HOSTILE
    ]
    run("verify", "-", "--html", str(folder / "page.html"), stdin=json.dumps({"kind": "List", "items": pods}))
    return (folder / "page.html").read_text()


@pytest.mark.parametrize("written", [injected, verified])
def test_a_page_of_hostile_names_runs_nothing_and_is_drawn(written: object, tab: Tab, tmp_path: Path) -> None:
    assert callable(written)
    text = written(tmp_path)
    page = tab.page
    page.goto(f"{tab.address}/page.html", wait_until="load")
    assert page.evaluate("window.pwned") is None
    assert page.title().startswith("sidecar-plugin ")
    assert page.locator("script, img, iframe, link, object, [onload], [onerror], [onfocus], [style]").count() == 0
    assert page.locator("section").count() == len(HOSTILE)
    assert page.evaluate("document.querySelectorAll('body > *').length") >= len(HOSTILE)
    assert page.evaluate("getComputedStyle(document.querySelector('section')).borderTopStyle") == "solid"
    for name in HOSTILE[:-1]:
        assert page.locator("h2", has_text=name).count() >= 1
    assert "\u202e" not in text
    page.set_viewport_size(NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert tab.complaints == []


def test_a_folded_difference_opens_without_a_script(tab: Tab, tmp_path: Path) -> None:
    injected(tmp_path)
    page = tab.page
    page.goto(f"{tab.address}/page.html")
    folded = page.locator("details").first
    assert not folded.locator("pre").is_visible()
    folded.locator("summary").click()
    assert folded.locator("pre").is_visible()
    assert folded.locator("ins").first.bounding_box()["height"] > 10
    shown = page.locator("pre").evaluate_all("all => all.map(one => one.textContent).join('')")
    assert all(f"name: {name}" in shown.replace("'", "").replace('"', "") for name in ("<script>window.pwned = 1</script>",))
    assert tab.complaints == []


def test_bars_have_a_width_and_a_title(tab: Tab, tmp_path: Path) -> None:
    verified(tmp_path)
    page = tab.page
    page.goto(f"{tab.address}/page.html")
    boxes = [bar.bounding_box() for bar in page.locator("svg rect").all()]
    assert len(boxes) == 2 * len(HOSTILE)
    assert all(box["width"] > 10 and box["height"] > 5 for box in boxes)
    assert page.locator("svg rect > title").count() == len(boxes)


@pytest.mark.parametrize("written", [injected, verified])
def test_the_policy_holds_where_a_text_got_in_unescaped(written: object, tab: Tab, tmp_path: Path) -> None:
    """The second wall: with the hostile texts put into the page as they are."""
    assert callable(written)
    text = written(tmp_path).replace("<body>\n", "<body>\n" + "\n".join(HOSTILE[:2]) + HOSTILE[-3] + "\n", 1)
    (tmp_path / "broken.html").write_text(text)
    tab.page.goto(f"{tab.address}/broken.html", wait_until="load")
    assert tab.page.evaluate("window.pwned") is None
    assert any("Content Security Policy" in complaint for complaint in tab.complaints)
    assert tab.page.evaluate("getComputedStyle(document.body).display") == "block"
