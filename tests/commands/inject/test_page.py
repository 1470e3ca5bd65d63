"""`inject --html`: the page stands alone, shows each workload with its agents, warnings and difference, escaped."""

import re
from html import unescape
from pathlib import Path

import pytest

from tests.support.command import SETTINGS, run
from tests.support.html_page import Page

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: {0}
  namespace: shop
spec:
  containers:
  - name: app
    image: {0}:1
"""
WARNED = POD + "    env: [{{name: AGENT, value: mine}}]\n"
OPTED_OUT = POD.replace("  namespace", '  annotations: {{sidecar-plugin.dev/inject: "false"}}\n  namespace')
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: other}\n"
OWN_SETTINGS = "apiVersion: sidecar-plugin.dev/v1alpha1\nkind: SidecarInjection\nspec: {}\n"
BRINGS = (
    "agents.bringer.template=container: {name: bringer\\, image: x}\nmanifests:\n"
    "- {apiVersion: v1\\, kind: ConfigMap\\, metadata: {name: brought}\\, data: {a: b}}"
)


def stream(*documents: str) -> str:
    return "---\n".join(documents)


def pages(folder: Path, source: str, *words: str) -> tuple[Page, list[str]]:
    """Return the page of a run on standard input and the text of each of its sections; the output is as without a page."""
    file = folder / "page.html"
    done = run("inject", *SETTINGS, *words, "--html", str(file), "-", stdin=source)
    assert done == run("inject", *SETTINGS, *words, "-", stdin=source)
    assert done.status == 0, done.stderr
    text = file.read_text()
    sections = re.findall(r"<section.*?</section>", text, re.DOTALL)
    return Page(text), [unescape(re.sub(r"<[^>]*>", "\n", section)) for section in sections]


def test_each_workload_has_its_agents_and_its_own_difference(tmp_path: Path) -> None:
    source = stream(OWN_SETTINGS, POD.format("web"), SERVICE, POD.format("api"), OPTED_OUT.format("out"))
    page, (web, api, out) = pages(tmp_path, source)
    assert "3 workloads, 2 with agents, 0 warnings" in page.said
    for section, name, other, line in ((web, "web", "api", 5), (api, "api", "web", 19)):
        assert f"Pod/shop/{name}" in section
        assert f"<stdin>:{line}" in section
        assert "\nagent\n\nnative\n\nagent\n" in section
        assert "+  - name: agent" in section
        assert f"     image: {name}:1" in section
        assert other not in section
    assert "Pod/shop/out" in out
    assert "nothing changes" in out
    assert page.elements["details"] == 2
    assert "open" not in [key for key, _ in page.attributes]


def test_warnings_stand_with_their_workload_which_comes_first(tmp_path: Path) -> None:
    page, (warned, quiet) = pages(tmp_path, stream(POD.format("web"), WARNED.format("api")))
    assert "Pod/shop/api" in warned
    assert re.search(r"warning: <stdin>:\d+:\d+: .*AGENT", warned)
    assert "warning" not in quiet
    assert page.attributes.count(("class", "warned")) == 1


def test_a_warning_of_no_workload_stands_at_the_top(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    run("inject", "--html", str(file), "-", stdin=POD.format("web"))
    assert "warning: no settings, so nothing was injected" in Page(file.read_text()).said


def test_manifests_of_agents_are_shown_apart_and_once(tmp_path: Path) -> None:
    words = ("--set", "agents.bringer.enabled=true", "--set", BRINGS)
    source = stream(POD.format("web"), POD.format("api"))
    _, (web, api, brought) = pages(tmp_path, source, *words)
    assert "ConfigMap" not in web + api
    assert "Manifests that agents bring along" in brought
    assert "+kind: ConfigMap" in brought
    injected = run("inject", *SETTINGS, *words, "-", stdin=source).stdout.decode()
    _, again = pages(tmp_path, injected, *words)
    assert len(again) == 2
    assert all("nothing changes" in section for section in again)
    _, (*_, gone) = pages(tmp_path, injected)
    assert "added before for the agent bringer, was removed" in gone
    assert "-kind: ConfigMap" in gone


def test_what_a_second_run_changes_is_the_difference(tmp_path: Path) -> None:
    injected = run("inject", *SETTINGS, "-", stdin=POD.format("web")).stdout.decode()
    _, (web,) = pages(tmp_path, injected, "--set", "agents.agent.enabled=false")
    assert "removed: agent" in web
    assert "-  - name: agent" in web


def test_workloads_of_one_list_share_a_difference(tmp_path: Path) -> None:
    items = "".join(f"- {POD.format(name)}".replace("\n", "\n  ").rstrip(" ") for name in ("web", "api"))
    page, (section,) = pages(tmp_path, f"apiVersion: v1\nkind: List\nitems:\n{items}")
    assert "Pod/shop/web" in section
    assert "Pod/shop/api" in section
    assert page.elements["details"] == 1


@pytest.mark.parametrize("number", [1, 50, 1000])
def test_a_page_has_a_section_for_each_workload(tmp_path: Path, number: int) -> None:
    page, sections = pages(tmp_path, stream(*(POD.format(f"web-{index}") for index in range(number))))
    assert len(sections) == page.elements["details"] == number


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", "</pre><img src=x onerror=x>", "a\\u202eb", "&amp;", "a\\e[31m"])
def test_a_manifest_is_text_and_nothing_else(tmp_path: Path, evil: str) -> None:
    source = WARNED.format("web").replace("name: web", f'name: "{evil}"').replace("image: web", f"image: web # {evil}")
    page, (section,) = pages(tmp_path, source)
    assert page.elements["section"] == 1
    assert f"# {evil}" in section


def test_a_secret_is_not_shown(tmp_path: Path) -> None:
    words = (
        "--set",
        "agents.bringer.enabled=true",
        "--set",
        BRINGS.replace("ConfigMap", "Secret").replace("a: b", "a: aGlkZGVu"),
    )
    page, _ = pages(tmp_path, POD.format("web"), *words)
    assert "aGlkZGVu" not in page.said
    assert "a line that holds a Secret is not shown" in page.said


def test_a_refused_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(POD.format("web"))
    (tmp_path / "bad.yaml").write_text("a: [\n")
    file = tmp_path / "page.html"
    done = run("inject", *SETTINGS, "--keep-going", "--html", str(file), str(tmp_path))
    assert done.status == 1
    page = Page(file.read_text())
    assert "1 file refused" in page.said
    assert "bad.yaml:2:1" in page.said


@pytest.mark.parametrize("how", [["--in-place"], ["--output-dir", "out"], ["--diff"], []])
def test_the_page_and_the_results_are_written_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("web.yaml").write_text(POD.format("web"))
    Path("folder").mkdir()
    for page, words in (("folder", []), ("web.yaml", []), ("", []), ("page.html", ["--strict"])):
        if words:
            Path("web.yaml").write_text(WARNED.format("web"))
        before = Path("web.yaml").read_text()
        done = run("inject", *SETTINGS, *words, *how, "--html", page, "web.yaml")
        assert (done.status, done.stdout) == (1 if words else 2, b""), done
        assert Path("web.yaml").read_text() == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "web.yaml"]
    done = run("inject", *SETTINGS, *how, "--html", "pages/page.html", "web.yaml")
    assert done.status == 0
    assert Page(Path("pages/page.html").read_text()).elements["section"] == 1
    assert (Path("web.yaml").read_text() != before) is (how == ["--in-place"])


def test_a_page_does_not_replace_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("web.yaml").write_text(POD.format("web"))
    done = run("inject", *SETTINGS, "--output-dir", "out", "--html", "out/web.yaml", "web.yaml")
    assert (done.status, done.stdout) == (2, b"")
    assert "is a manifest of this run" in done.stderr
    assert not Path("out").exists()
