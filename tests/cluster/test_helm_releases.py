"""Agents toggled by a chart's values on a real API server: install, upgrade, rollback, and the live objects read back."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import ROOT, Cluster
from tests.cluster.releases import SIDECAR_FOLDERS, SIDECAR_NAMES, Releases, containers

WEB = ROOT / "examples" / "web"
UNTOUCHED = ROOT / "examples" / "untouched-chart"
KINDS = ("deployments", "cronjobs", "configmaps", "services", "statefulsets")
DEPLOYMENT, CRON_JOB, INDEX = "Deployment/shop-web", "CronJob/shop-clean-up", "StatefulSet/find-index"


@pytest.fixture(params=["helm3", "helm4"])
def releases(request: pytest.FixtureRequest, api_server: Cluster, tmp_path: Path) -> Iterator[Releases]:
    """Each of the two Helms, without a plugin."""
    namespace = api_server.namespace()
    yield Releases(request.param, tmp_path, api_server, namespace)
    api_server.kubectl("delete", "namespace", namespace, "--wait=false")


def switched(**agents: bool) -> list[str]:
    return [f"--set=sidecars.agents.{name}.enabled={str(on).lower()}" for name, on in agents.items()]


class WithPostRenderer:
    """`helm VERB shop examples/web` through the post-renderer. Without its hook, a Job: nothing runs here that would end it."""

    def __init__(self, releases: Releases) -> None:
        self.releases = releases
        self.name = "sidecar-plugin"
        if releases.version == "helm4":
            assert "sidecar-plugin: ready." in releases.helm("plugin", "install", ROOT)
            self.name = "sidecar"

    def words(self, verb: str, *words: str) -> list[str | Path]:
        return [verb, "shop", WEB, "--no-hooks", "--post-renderer", self.name, *words]


def test_a_forgotten_post_renderer_is_named(releases: Releases) -> None:
    """The document of the settings is no resource of the cluster; its name says what is missing, and nothing is changed."""
    done = releases.run("install", "shop", WEB, "--no-hooks", *switched(logging=True))
    assert done.status != 0
    assert 'no matches for kind "SidecarInjection"' in done.said
    assert "web-needs-the-post-renderer-of-sidecar-plugin" in done.said
    assert releases.live("deployments") == {}


def test_the_library_chart_toggles_agents_of_a_release(releases: Releases) -> None:
    """Off, on, with a ConfigMap, another agent, off again, back to each revision; the version is the API server's."""
    shop = WithPostRenderer(releases)
    releases.helm(*shop.words("install", *switched(logging=False)))
    bare = releases.live(*KINDS)
    assert containers(bare[DEPLOYMENT]) == {"warm-cache": "init", "web": "regular"}

    releases.helm(*shop.words("upgrade", *switched(logging=True)))
    live = releases.live(*KINDS)
    assert containers(live[DEPLOYMENT]) == {"logging": "native", "warm-cache": "init", "web": "regular"}
    assert containers(live[CRON_JOB]) == {"logging": "native", "clean-up": "regular"}
    assert {name for name in live if live[name] != bare[name]} == {DEPLOYMENT, CRON_JOB}

    own_files = "--set=sidecars.agents.logging.configuration=configMap"
    releases.helm(*shop.words("upgrade", *switched(logging=True, monitoring=True), own_files))
    live = releases.live(*KINDS)
    assert containers(live[DEPLOYMENT]) == {"logging": "native", "monitoring": "native", "warm-cache": "init", "web": "regular"}
    brought = set(live) - set(bare)
    assert brought
    assert all(name.startswith("ConfigMap/") for name in brought)

    releases.helm(*shop.words("upgrade", *switched(logging=False, monitoring=False)))
    assert releases.live(*KINDS) == bare

    releases.helm("rollback", "shop", "2", "--no-hooks")
    assert containers(releases.live(*KINDS)[DEPLOYMENT])["logging"] == "native"
    releases.helm("rollback", "shop", "3", "--no-hooks")
    assert set(releases.live(*KINDS)) - set(bare) == brought
    releases.helm("rollback", "shop", "1", "--no-hooks")
    assert releases.live(*KINDS) == bare
    assert "sidecar-plugin" not in json.dumps(bare)
    assert releases.revision("shop") == 7


def test_a_wrong_value_leaves_the_release_as_it_is(releases: Releases) -> None:
    shop = WithPostRenderer(releases)
    wrong = "--set=sidecars.agents.loging.enabled=true"
    done = releases.run(*shop.words("install", wrong))
    assert done.status == 1
    assert releases.live("deployments") == {}

    releases.helm(*shop.words("install", *switched(logging=True)))
    before = releases.live(*KINDS)
    done = releases.run(*shop.words("upgrade", wrong))
    assert done.status == 1
    for words in ("sidecars.agents.loging", "web/templates/sidecars.yaml", 'did you mean "logging"'):
        assert words in done.said
    assert releases.live(*KINDS) == before
    assert containers(before[DEPLOYMENT])["logging"] == "native"
    history = json.loads(releases.helm("history", "shop", "--output=json"))
    assert history[0]["status"] == "deployed"


class HelmSidecar:
    """`helm sidecar VERB find examples/untouched-chart`, by the plugin of this Helm."""

    def __init__(self, releases: Releases) -> None:
        self.releases = releases
        done = releases.helm("plugin", "install", ROOT / "helm-plugins" / SIDECAR_FOLDERS[releases.version])
        assert "sidecar-plugin: ready." in done

    def words(self, verb: str, *words: str) -> list[str | Path]:
        return ["sidecar", verb, "find", UNTOUCHED, *words]


def test_helm_sidecar_toggles_agents_of_a_chart_that_knows_nothing(releases: Releases) -> None:
    find = HelmSidecar(releases)
    releases.helm(*find.words("install"))
    bare = releases.live(*KINDS)
    assert containers(bare[INDEX]) == {"index": "regular"}

    releases.helm(*find.words("upgrade", *switched(logging=True)))
    assert containers(releases.live(*KINDS)[INDEX]) == {"logging": "native", "index": "regular"}

    releases.helm(*find.words("upgrade"))
    assert containers(releases.live(*KINDS)[INDEX]) == {"logging": "native", "index": "regular"}, (
        "as helm, which keeps the values"
    )
    releases.helm(*find.words("upgrade", "--reuse-values", *switched(monitoring=True)))
    assert set(containers(releases.live(*KINDS)[INDEX])) == {"logging", "monitoring", "index"}
    releases.helm(*find.words("upgrade", "--reset-then-reuse-values", *switched(logging=False)))
    assert set(containers(releases.live(*KINDS)[INDEX])) == {"monitoring", "index"}
    releases.helm(*find.words("upgrade", "--set=image=registry.example.com/search/index:7.2"))
    assert set(containers(releases.live(*KINDS)[INDEX])) == {"index"}, (
        "as helm, which forgets the values when it is given others"
    )

    releases.helm(*find.words("upgrade", "--reset-values"))
    assert releases.live(*KINDS) == bare
    releases.helm("rollback", "find", "2")
    assert containers(releases.live(*KINDS)[INDEX]) == {"logging": "native", "index": "regular"}
    releases.helm("rollback", "find", "1")
    assert releases.live(*KINDS) == bare


def test_helm_sidecar_upgrade_install_makes_a_release(releases: Releases) -> None:
    find = HelmSidecar(releases)
    releases.helm(*find.words("upgrade", "--install", *switched(proxy=True)))
    assert containers(releases.live(*KINDS)[INDEX])["proxy"] == "native"
    done = releases.run("sidecar", "upgrade", "nothing", UNTOUCHED)
    assert done.status == 1
    assert "nothing" in done.stderr


def test_helm_sidecar_refuses_a_wrong_value_with_its_place(releases: Releases, tmp_path: Path) -> None:
    find = HelmSidecar(releases)
    values = tmp_path / "prod.yaml"
    values.write_text("sidecars:\n  agents:\n    loging: {enabled: true}\n")
    done = releases.run(*find.words("install", f"--values={values}"))
    assert done.status == 1
    assert f"{values}:3:13: agents.loging:" in done.stderr
    assert 'did you mean "logging"' in done.stderr
    assert releases.live(*KINDS) == {} or INDEX not in releases.live(*KINDS)


def test_helm_sidecar_diff_shows_what_an_upgrade_would_change(releases: Releases, tmp_path: Path) -> None:
    find = HelmSidecar(releases)
    assert "+kind: StatefulSet" in releases.helm(*find.words("diff")), "everything is new"
    releases.helm(*find.words("install"))
    assert releases.helm(*find.words("diff")) == ""
    before = releases.live(*KINDS)
    shown = releases.helm(*find.words("diff", *switched(logging=True)))
    assert "+      - name: logging" in shown
    assert [line for line in shown.splitlines() if line.startswith("-") and not line.startswith("---")] == []
    assert releases.live(*KINDS) == before
    assert releases.revision("find") == 1


def test_helm_sidecar_diff_shows_no_secret(releases: Releases, tmp_path: Path) -> None:
    HelmSidecar(releases)
    chart = tmp_path / "keys"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: keys\nversion: 0.1.0\n")
    (chart / "templates" / "key.yaml").write_text(
        'apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {key: "{{ .Values.key }}"}\n'
    )
    releases.helm("install", "keys", chart, "--set=key=tiger-1")
    shown = releases.helm("sidecar", "diff", "keys", chart, "--set=key=tiger-2")
    assert "Secret/key" in shown
    assert "it changes" in shown
    assert "tiger" not in shown
    assert releases.helm("sidecar", "diff", "keys", chart, "--set=key=tiger-1") == ""


@pytest.fixture
def with_hooks(tmp_path: Path) -> Path:
    """A chart of three ConfigMaps with one value: one is a hook, one a test."""
    chart = tmp_path / "hooks"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: hooks\nversion: 0.1.0\n")
    for name, annotations in (
        ("plain", "{}"),
        ("before", '{helm.sh/hook: "pre-upgrade,post-install"}'),
        ("test", "{helm.sh/hook: test}"),
    ):
        (chart / "templates" / f"{name}.yaml").write_text(
            f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, annotations: {annotations}}}\n"
            f'data: {{{name}: "{{{{ .Values.value }}}}"}}\n'
        )
    return chart


def test_helm_sidecar_diff_leaves_hooks_and_tests_out_unless_asked(releases: Releases, with_hooks: Path) -> None:
    HelmSidecar(releases)
    releases.helm("sidecar", "install", "hooks", with_hooks, "--set=value=one")
    diff = ("sidecar", "diff", "hooks", with_hooks, "--set=value=two")
    for words, names in (
        ((), {"plain"}),
        (("--include-hooks",), {"plain", "before"}),
        (("--include-tests",), {"plain", "test"}),
        (("--include-hooks", "--include-tests"), {"plain", "before", "test"}),
        (("--no-hooks",), {"plain"}),
    ):
        shown = releases.helm(*diff, *words)
        assert {name for name in ("plain", "before", "test") if f'+data: {{{name}: "two"}}' in shown} == names
    done = releases.run(*diff, "--no-hooks", "--include-hooks")
    assert done.status == 2
    assert "--no-hooks leaves out what --include-hooks" in done.said
    assert "--detailed-exitcode, --include-hooks, --include-tests are flags of `helm sidecar diff`" in (
        releases.run("sidecar", "--include-hooks", "template", with_hooks).said
    )


def test_helm_sidecar_diff_ends_as_ci_needs_it(releases: Releases, with_hooks: Path) -> None:
    """With 2 for a difference where that is asked for, and in colours where they are."""
    HelmSidecar(releases)
    releases.helm("sidecar", "install", "hooks", with_hooks, "--set=value=one")
    diff = ("sidecar", "diff", "hooks", with_hooks)
    for value, status, words in (("one", 0, ["--detailed-exitcode"]), ("two", 2, ["--detailed-exitcode"]), ("two", 0, [])):
        done = releases.run(*diff, f"--set=value={value}", *words)
        assert (done.status, bool(done.stdout)) == (status, value == "two"), done.stderr
    assert releases.run(*diff, "--set=value={", "--detailed-exitcode").status == 1
    assert "\x1b[32m+" in releases.run(*diff, "--set=value=two", FORCE_COLOR="1").stdout
    assert "\x1b" not in releases.run(*diff, "--set=value=two", FORCE_COLOR="1", NO_COLOR="1").stdout
    if releases.version == "helm4":
        assert "\x1b[32m+" in releases.helm(*diff, "--set=value=two", "--color=always")


def test_without_the_plugin_the_release_goes_on_without_agents(releases: Releases) -> None:
    find = HelmSidecar(releases)
    releases.helm(*find.words("install", *switched(logging=True)))
    releases.helm("plugin", "uninstall", SIDECAR_NAMES[releases.version])
    assert list((releases.folder / "data" / "plugins").iterdir()) == []
    assert not (releases.folder / ".cache" / "sidecar-plugin").exists()
    releases.helm("rollback", "find", "1")
    assert containers(releases.live(*KINDS)[INDEX]) == {"logging": "native", "index": "regular"}
    releases.helm("upgrade", "find", UNTOUCHED)
    live = releases.live(*KINDS)
    assert containers(live[INDEX]) == {"index": "regular"}
    assert "sidecar-plugin" not in json.dumps(live)
    releases.helm("uninstall", "find")
    assert INDEX not in releases.live(*KINDS)


CHART_WITH_HOOK = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}-web}
spec:
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec: {containers: [{name: web, image: "web:{{ .Values.tag }}"}]}
"""
HOOK = """\
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-check
  annotations: {helm.sh/hook: test}
spec: {restartPolicy: Never, containers: [{name: check, image: check}]}
"""


def config_maps(releases: Releases) -> set[str]:
    return {name for name in releases.live("configmaps") if "kube-root-ca" not in name}


def test_config_maps_of_releases_in_one_namespace(releases: Releases, tmp_path: Path) -> None:
    """Two releases of a chart bring their own. Helm deletes those of an earlier revision, so that `kubectl rollout undo` does
    not find them, and a rollback brings them back."""
    WithPostRenderer(releases)
    name = "sidecar-plugin" if releases.version == "helm3" else "sidecar"
    chart = tmp_path / "two"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: two\nversion: 0.1.0\n")
    (chart / "values.yaml").write_text("tag: 1\nlevel: warn\n")
    (chart / "templates" / "web.yaml").write_text(CHART_WITH_HOOK)
    (chart / "templates" / "check.yaml").write_text(HOOK)
    (chart / "templates" / "sidecars.yaml").write_text(
        "apiVersion: sidecar-plugin.dev/v1alpha1\nkind: SidecarInjection\nmetadata: {name: two}\nspec:\n"
        '  clusterVersion: "{{ .Capabilities.KubeVersion.Version }}"\n'
        "  agents: {logging: {enabled: true, configuration: configMap, logLevel: {{ .Values.level }}}}\n"
    )
    words = (chart, "--post-renderer", name)
    releases.helm("install", "one", *words)
    first = config_maps(releases)
    releases.helm("install", "two", *words)
    assert len(first) == 1
    assert len(config_maps(releases)) == 2

    releases.helm("upgrade", "one", *words, "--set=level=debug")
    second = config_maps(releases)
    assert len(second) == 2
    assert not first & second

    releases.helm("rollback", "one", "1")
    assert first < config_maps(releases)
    releases.helm("uninstall", "two")
    assert config_maps(releases) == first

    if releases.version == "helm3":
        return  # it hands no hooks to a post-renderer
    done = releases.run("test", "one", "--timeout=3s")
    assert done.status != 0, "nothing runs here that would end the pod"
    [check] = config_maps(releases) - first
    live = releases.live("configmaps", "pods")
    assert live[check]["metadata"]["annotations"]["helm.sh/hook-weight"] == "-1"
    mounted = [one.get("configMap", {}).get("name") for one in live["Pod/one-check"]["spec"]["volumes"]]
    assert check.removeprefix("ConfigMap/") in mounted
