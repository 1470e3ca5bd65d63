"""The post-renderer in a real Helm: what holds for Helm 3 and Helm 4 alike."""

import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import EXAMPLES, Helm
from tests.e2e.rendered import INJECTED, documents, pod_templates, sidecars

WEB = EXAMPLES / "web"
UNTOUCHED = EXAMPLES / "untouched-chart"


@pytest.mark.parametrize(
    ("version", "declaration"),
    [("1.28", "acs"), ("v1.28.9-aliyun.1", "acs"), ("1.29", "native"), ("1.30", "native"), ("v1.30.1", "native")],
)
def test_the_version_that_helm_knows_decides_the_declaration(helm: Helm, version: str, declaration: str) -> None:
    rendered = sidecars(helm.template(WEB, "--kube-version", version))
    assert rendered["Deployment/shop-web"] == {"logging": declaration}
    assert rendered["CronJob/shop-clean-up"] == {"logging": declaration}


def test_a_native_sidecar_starts_before_the_pods_own_init_containers(helm: Helm) -> None:
    pod = pod_templates(helm.template(WEB, "--kube-version", "1.30"))["Deployment/shop-web"]["spec"]
    assert [container["name"] for container in pod["initContainers"]] == ["logging", "warm-cache"]
    assert [container["name"] for container in pod["containers"]] == ["web"]


def test_a_regular_sidecar_stands_behind_the_application(helm: Helm) -> None:
    pod = pod_templates(helm.template(WEB, "--kube-version", "1.28"))["Deployment/shop-web"]["spec"]
    assert [container["name"] for container in pod["containers"]] == ["web", "logging"]
    assert [container["name"] for container in pod["initContainers"]] == ["warm-cache"]


@pytest.mark.parametrize(
    ("switches", "agents"),
    [
        ([], {"logging"}),
        (["logging.enabled=false"], set()),
        (["logging.enabled=true", "monitoring.enabled=true"], {"logging", "monitoring"}),
        (["logging.enabled=false", "proxy.enabled=true"], {"proxy"}),
    ],
    ids=["as-the-values-say", "off", "one-more", "another"],
)
def test_an_agent_is_a_switch_in_the_charts_values(helm: Helm, switches: list[str], agents: set[str]) -> None:
    options = [part for switch in switches for part in ("--set", f"sidecars.agents.{switch}")]
    rendered = sidecars(helm.template(WEB, "--kube-version", "1.30", *options))
    assert set(rendered["Deployment/shop-web"]) == agents


@pytest.mark.parametrize(("services", "target"), [("true", "proxy-8080"), ("false", "http")])
def test_the_charts_service_sends_to_the_proxy_when_it_is_asked_to(helm: Helm, services: str, target: str) -> None:
    switches = f"sidecars.agents.proxy.enabled=true,sidecars.agents.proxy.services={services}"
    rendered = documents(helm.template(WEB, "--kube-version", "1.30", "--set", switches))
    (service,) = [document for document in rendered if document["kind"] == "Service"]
    assert [port["targetPort"] for port in service["spec"]["ports"]] == [target]


def test_the_pod_template_says_what_was_injected(helm: Helm) -> None:
    template = pod_templates(helm.template(WEB, "--kube-version", "1.30"))["Deployment/shop-web"]
    assert "logging" in template["metadata"]["annotations"][INJECTED]


def test_the_configuration_document_is_taken_out_and_nothing_else(helm: Helm) -> None:
    plain = documents(helm.shell.output(helm.program, "template", "shop", WEB, "--kube-version", "1.30"))
    rendered = documents(helm.template(WEB, "--kube-version", "1.30"))
    expected = {(document["kind"], document["metadata"]["name"]) for document in plain}
    assert {(document["kind"], document["metadata"]["name"]) for document in rendered} == {
        name for name in expected if name[0] != "SidecarInjection"
    }


def test_what_is_no_workload_keeps_its_values(helm: Helm) -> None:
    def config_map(text: str) -> dict[str, str]:
        return next(document["data"] for document in documents(text) if document["kind"] == "ConfigMap")

    plain = helm.shell.output(helm.program, "template", "shop", WEB, "--kube-version", "1.30")
    assert config_map(helm.template(WEB, "--kube-version", "1.30")) == config_map(plain)


def test_a_second_configuration_document_adds_to_the_first(helm: Helm, tmp_path: Path) -> None:
    """As a subchart or an umbrella chart may render one of its own."""
    chart = tmp_path / "web"
    shutil.copytree(WEB, chart)
    (chart / "templates" / "zz-more.yaml").write_text(
        "apiVersion: sidecar-plugin.dev/v1alpha1\n"
        "kind: SidecarInjection\n"
        "metadata: {name: more}\n"
        "spec: {agents: {monitoring: {enabled: true}}}\n"
    )
    rendered = helm.template(chart, "--kube-version", "1.30", "--set", "sidecars.agents.monitoring=null")
    assert sidecars(rendered)["Deployment/shop-web"] == {"logging": "native", "monitoring": "native"}
    assert "SidecarInjection" not in rendered


@pytest.mark.parametrize(
    ("arguments", "agents"),
    [
        ([f"--values={UNTOUCHED / 'sidecars.yaml'}"], {"logging": "native"}),
        ([f"--values={UNTOUCHED / 'sidecars.yaml'}", "--cluster-version=1.28"], {"logging": "acs"}),
        (["--cluster-version=1.30", "--set=sidecars.agents.logging.enabled=true"], {"logging": "native"}),
        (["--cluster-version", "1.28", "--set", "sidecars.agents.proxy.enabled=true"], {"proxy": "acs"}),
        ([f"--values={UNTOUCHED / 'sidecars.yaml'}", "--set=sidecars.agents.logging.enabled=false"], {}),
    ],
    ids=["values", "values-and-version", "set", "set-in-two-words", "set-wins-over-values"],
)
def test_a_chart_that_knows_nothing_is_served_by_post_renderer_args(
    helm: Helm, arguments: list[str], agents: dict[str, str]
) -> None:
    options = [part for argument in arguments for part in ("--post-renderer-args", argument)]
    assert sidecars(helm.template(UNTOUCHED, *options)) == {"StatefulSet/shop-index": agents}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--kube-version=1.30", "--set=sidecars.agents.loging.enabled=true"], ["loging", 'did you mean "logging"']),
        (["--set-json=sidecars.clusterVersion=1.3"], ["1.3", '"1.30"']),
        (["--set=sidecars.clusterVersion=latest"], ["latest"]),
        (["--kube-version=1.28", "--set=sidecars.declaration=native"], ["native", "1.28"]),
    ],
    ids=["unknown-agent", "unquoted-version", "no-version-at-all", "native-too-early"],
)
def test_an_error_reaches_the_user_and_nothing_is_rendered(helm: Helm, options: list[str], words: list[str]) -> None:
    done = helm.run("template", WEB, *options)
    assert done.status == 1
    assert "sidecar-plugin: error: <stdin>:" in as_one_line(done.stderr)
    for word in words:
        assert word in as_one_line(done.stderr)
    assert done.stdout == ""


def test_a_warning_reaches_the_user_and_the_chart_is_rendered(helm: Helm) -> None:
    """Both Helms keep a post-renderer's standard error to themselves when it succeeds; the program goes round that."""
    done = helm.run("template", WEB, "--kube-version=1.30", "--set=sidecars.declaration=acs")
    assert done.status == 0
    assert sidecars(done.stdout)["Deployment/shop-web"] == {"logging": "acs"}
    assert "sidecar-plugin: warning: " in done.stderr
    assert "containerStatus" in done.stderr


def test_without_any_version_the_error_names_where_one_can_come_from(helm: Helm) -> None:
    done = helm.run("template", UNTOUCHED, "--post-renderer-args", "--set=sidecars.agents.logging.enabled=true")
    assert done.status == 1
    for source in ("clusterVersion", "--cluster-version"):
        assert source in as_one_line(done.stderr)


def test_wrong_usage_reaches_the_user(helm: Helm) -> None:
    done = helm.run("template", UNTOUCHED, "--post-renderer-args", "--cluster-versoin=1.30")
    assert done.status == 1
    assert "--cluster-versoin" in as_one_line(done.stderr)


def test_a_job_that_would_never_complete_is_refused_with_the_remedy(helm: Helm) -> None:
    done = helm.run("template", WEB, "--kube-version", "1.28", "--set", "sidecars.platform=kubernetes")
    assert done.status == 1
    for word in ("shop-clean-up", "1.29", "declaration"):
        assert word in as_one_line(done.stderr)


def as_one_line(message: str) -> str:
    """Return a message without the quoting and folding that Helm 4 gives it (it quotes ours as a YAML string)."""
    return " ".join(message.replace("\\\n", "").replace('\\"', '"').replace("\\", "").split())
