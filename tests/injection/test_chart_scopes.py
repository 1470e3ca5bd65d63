"""A chart's settings are for the workloads of that chart and its subcharts; Helm's words tell which workload is whose."""

from textwrap import indent

import pytest

from sidecar_plugin.kubernetes.origin import chart_of, covers, values_path
from tests.support.command import run

SOURCE = "---\n# Source: {template}\n"
ANNOTATION = "postrenderer.helm.sh/postrender-filename"


def pod(name: str, template: str, by: str = "source") -> str:
    """Return a Pod that Helm rendered from a template, as Helm 3 (source) or Helm 4 (annotation) marks it, or unmarked."""
    mark = SOURCE.format(template=template) if by == "source" else "---\n"
    annotations = f"\n  annotations:\n    {ANNOTATION}: {template}" if by == "annotation" else ""
    return (
        f"{mark}apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}{annotations}\n"
        f"spec:\n  containers:\n  - name: web\n    image: web:1\n"
    )


def settings(chart: str, spec: str, by: str = "source", version: str = "v1.30.0") -> str:
    """Return what the library chart renders in a chart."""
    template = f"{chart}/templates/sidecars.yaml"
    mark = SOURCE.format(template=template) if by == "source" else "---\n"
    annotation = f"    {ANNOTATION}: {template}\n" if by == "annotation" else ""
    return (
        f"{mark}apiVersion: sidecar-plugin.dev/v1alpha1\nkind: SidecarInjection\nmetadata:\n  name: settings\n"
        f"  annotations:\n{annotation}    sidecar-plugin.dev/chart: {chart}\n    sidecar-plugin.dev/kube-version: {version}\n"
        f"spec:\n{indent(spec, '  ')}\n"
    )


def agents(stream: str, *options: str) -> dict[str, set[str]]:
    """Return the agents that each Pod of a stream gets."""
    import json

    done = run("--report=json", *options, stdin=stream)
    assert done.status == 0, done.stderr
    assert "SidecarInjection" not in done.stdout.decode()
    return {
        workload["name"]: {agent["agent"] for agent in workload["agents"]} for workload in json.loads(done.stderr)["workloads"]
    }


LOGGING, PROXY = "agents: {logging: {enabled: true}}", "agents: {proxy: {enabled: true}}"
PODS = (
    ("web", "shop/templates/web.yaml"),
    ("api", "shop/charts/api/templates/api.yaml"),
    ("db", "shop/charts/api/charts/db/templates/db.yaml"),
    ("search", "shop/charts/search/templates/search.yaml"),
)

AUDIT = """\
container: {name: audit, image: "audit:1"}
manifests: [{apiVersion: v1, kind: ConfigMap, metadata: {name: audit}, data: {level: info}}]
"""

both_helms = pytest.mark.parametrize("by", ["source", "annotation"])


@both_helms
def test_a_subcharts_settings_are_for_its_own_workloads_and_those_below(by: str) -> None:
    stream = "".join(pod(*one, by) for one in PODS) + settings("shop/charts/api", PROXY, by)
    assert agents(stream) == {"web": set(), "api": {"proxy"}, "db": {"proxy"}, "search": set()}


@both_helms
def test_the_settings_of_the_chart_above_are_for_all_and_the_nearest_chart_wins(by: str) -> None:
    own = "agents: {logging: {enabled: false}, proxy: {enabled: true}}"
    stream = settings("shop/charts/api", own, by) + "".join(pod(*one, by) for one in PODS) + settings("shop", LOGGING, by)
    assert agents(stream) == {"web": {"logging"}, "api": {"proxy"}, "db": {"proxy"}, "search": {"logging"}}


def test_the_subcharts_of_two_names_that_begin_alike_are_apart() -> None:
    stream = pod("api-two", "shop/charts/api-two/templates/pod.yaml") + settings("shop/charts/api", PROXY)
    assert agents(stream) == {"api-two": set()}


def test_two_releases_in_one_stream_are_apart() -> None:
    stream = pod("web", "shop/templates/web.yaml") + pod("other", "bank/templates/web.yaml") + settings("shop", LOGGING)
    assert agents(stream) == {"web": {"logging"}, "other": set()}


def test_a_document_that_the_chart_wrote_by_hand_is_the_charts_too() -> None:
    by_hand = (
        SOURCE.format(template="shop/charts/api/templates/own.yaml")
        + "apiVersion: sidecar-plugin.dev/v1alpha1\nkind: SidecarInjection\nmetadata: {name: own}\n"
        + "spec: {clusterVersion: '1.30', agents: {proxy: {enabled: true}}}\n"
    )
    assert agents("".join(pod(*one) for one in PODS[:2]) + by_hand) == {"web": set(), "api": {"proxy"}}


def test_options_are_for_every_workload_and_win() -> None:
    stream = "".join(pod(*one) for one in PODS[:2]) + settings("shop/charts/api", "agents: {logging: {enabled: false}}")
    assert agents(stream, "--set=clusterVersion=1.30,agents.logging.enabled=true") == {"web": {"logging"}, "api": {"logging"}}


def test_the_version_that_helm_knows_is_taken_where_nobody_gives_one() -> None:
    """So the chart above gives one for all, though the document of each subchart names the one that Helm knows."""
    web, api = pod(*PODS[0]), pod(*PODS[1])
    below = settings("shop/charts/api", f"clusterVersion: ''\n{LOGGING}", version="v1.20.0")
    for above, declaration in (("clusterVersion: '1.30'", "native"), ("clusterVersion: '1.28'", "acs")):
        done = run("--report=text", stdin=web + api + below + settings("shop", above, version="v1.20.0"))
        assert done.status == 0
        assert f"Pod/api   logging  {declaration}" in done.stderr
    assert "Pod/api   logging  acs" in run(stdin=api + below + web).stderr


def test_one_charts_settings_are_for_a_whole_stream_that_names_no_charts() -> None:
    """As kustomize hands over a chart's documents."""
    assert agents(pod("web", "", "nothing") + settings("shop", LOGGING)) == {"web": {"logging"}}


@pytest.mark.parametrize("other", ["shop/charts/api", "bank"])
def test_settings_of_several_charts_and_a_workload_of_none_are_refused(other: str) -> None:
    done = run(stdin=pod("web", "", "nothing") + settings("shop", LOGGING) + settings(other, PROXY))
    assert done.status == 1
    assert done.stdout == b""
    assert "<stdin>:1:1: " in done.stderr
    assert "nothing says which chart this workload comes from" in done.stderr


def test_a_mistake_names_the_value_and_the_template() -> None:
    stream = pod(*PODS[1]) + settings("shop/charts/api", "agents: {loging: {enabled: true}}")
    done = run(stdin=stream)
    assert done.status == 1
    for words in (
        "<stdin>:",
        'did you mean "logging"?',
        "the value api.sidecars.agents.loging, rendered by shop/charts/api/templates/sidecars.yaml",
    ):
        assert words in done.stderr


def test_a_mistake_is_told_where_the_chart_has_no_workload() -> None:
    assert run(stdin=pod(*PODS[0]) + settings("shop/charts/api", "agents: {loging: {}}")).status == 1


def test_a_version_that_is_none_is_refused() -> None:
    assert "latest" in run(stdin=pod(*PODS[0]) + settings("shop", LOGGING, version="latest")).stderr


def test_twice_is_once_and_uninject_is_exact() -> None:
    pods, documents = "".join(pod(*one) for one in PODS), settings("shop", LOGGING) + settings("shop/charts/api", PROXY)
    once = run(stdin=pods + documents).stdout
    assert run(stdin=once + documents.encode()).stdout == once
    assert run("uninject", "-", stdin=once).stdout.decode() == pods


def test_what_several_charts_bring_along_is_brought_once() -> None:
    spec = "agents:\n  audit:\n    enabled: true\n    template: |\n" + indent(AUDIT, "      ")
    stream = "".join(pod(*one) for one in PODS[1:]) + settings("shop/charts/api", spec) + settings("shop/charts/search", spec)
    assert run(stdin=stream).stdout.count(b"kind: ConfigMap") == 1


@pytest.mark.parametrize(
    ("template", "chart"),
    [
        ("shop/templates/web.yaml", "shop"),
        ("shop/templates/charts/web.yaml", "shop"),
        ("shop/crds/one.yaml", "shop"),
        ("shop/charts/api/templates/web.yaml", "shop/charts/api"),
        ("charts/charts/charts/templates/web.yaml", "charts/charts/charts"),
        ("web.yaml", ""),
        ("", ""),
    ],
)
def test_the_chart_of_a_template(template: str, chart: str) -> None:
    assert chart_of(template) == chart


def test_the_words_for_charts() -> None:
    assert covers("shop", "shop")
    assert covers("shop", "shop/charts/api")
    assert not covers("shop/charts/api", "shop")
    assert values_path("shop") == "sidecars"
    assert values_path("shop/charts/api/charts/db") == "api.db.sidecars"


EVIL = """apiVersion: sidecar-plugin.dev/v1alpha1
kind: SidecarInjection
metadata: {name: x%s}
spec:
  clusterVersion: "1.30"
  agents: {spy: {enabled: true, template: "container: {name: spy, image: 'evil:1'}"}}
"""
PAYMENT = "apiVersion: v1\nkind: Pod\nmetadata: {name: payment%s}\nspec:\n  containers: [{name: app, image: x}]\n"
HELM_3 = "---\n# Source: %s\n"
HELM_4 = ", annotations: {postrenderer.helm.sh/postrender-filename: '%s'%s}"
OWN, FOREIGN = "shop/charts/evil/templates/s.yaml", "shop/templates/payment.yaml"
CLAIM = ", sidecar-plugin.dev/chart: shop"
REACHES = [
    pytest.param(HELM_3 % OWN + "# Source: shop/templates/x.yaml\n" + EVIL % "", "", id="helm 3, a comment of its own"),
    pytest.param(HELM_3 % OWN.replace("s.yaml", "a b.yaml") + EVIL % "", "", id="helm 3, a space in the file's name"),
    pytest.param(
        HELM_3 % OWN + EVIL % ", annotations: {sidecar-plugin.dev/chart: shop}", "", id="helm 3, the library's annotation"
    ),
    pytest.param(HELM_3 % OWN + EVIL % (HELM_4 % (FOREIGN, "")), "", id="helm 3, the annotation of helm 4"),
    pytest.param(HELM_3 % OWN + f"a: b\u2028---\n# Source: {FOREIGN}\n" + EVIL % "", "", id="helm 3, a line break of YAML 1.1"),
    pytest.param("---\n" + EVIL % (HELM_4 % (OWN, CLAIM)), HELM_4, id="helm 4, the library's annotation"),
    pytest.param(f"---\n# Source: {FOREIGN}\n" + EVIL % (HELM_4 % (OWN, "")), HELM_4, id="helm 4, a comment"),
    pytest.param("---\n" + EVIL % (HELM_4 % (OWN.replace("s.yaml", "a b.yaml"), "")), HELM_4, id="helm 4, a space"),
]


@pytest.mark.parametrize(("evil", "annotation"), REACHES)
def test_a_subcharts_settings_reach_no_workload_of_its_parent(evil: str, annotation: str) -> None:
    """Only what Helm itself says of a document decides: the settings stay with their chart, or are refused."""
    payment = PAYMENT % (annotation % (FOREIGN, "") if annotation else "")
    head = "---\n" if annotation else HELM_3 % FOREIGN
    done = run(stdin=evil + head + payment)
    assert b"spy" not in done.stdout
    assert done.status == 1 or payment.encode() in done.stdout


def test_an_authors_own_comment_with_an_address_is_no_origin() -> None:
    origin = HELM_4 % (OWN, "")
    text = f"---\n# Source: https://example.com/charts/x/templates/y.yaml\n{EVIL % origin}---\n{PAYMENT % origin}"
    assert b"spy" in run(stdin=text).stdout
