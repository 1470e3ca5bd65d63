"""Services whose pods are in other files of the run."""

from pathlib import Path

import pytest
import yaml

from tests.support.command import Run, run

OPTIONS = ("--cluster-version", "1.30", "--set", "platform=kubernetes", "--set", "agents.proxy.services=true")
ON, OFF = "agents.proxy.enabled=true", "agents.proxy.enabled=false"
WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: app, image: x, ports: [{name: http, containerPort: 8080}]}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports:
  - {port: 80, targetPort: http} # to the application
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The file of a Service and that of its workload, in the folder that the command runs in."""
    monkeypatch.chdir(tmp_path)
    service, workload = Path("service.yaml"), Path("workload.yaml")
    service.write_text(SERVICE)
    workload.write_text(WORKLOAD)
    return service, workload


def inject(*words: str, switch: str = ON) -> Run:
    return run("inject", *words, *OPTIONS, "--set", switch)


def target_port(service: Path) -> str:
    return str(yaml.safe_load(service.read_text())["spec"]["ports"][0]["targetPort"])


@pytest.mark.parametrize("order", [("service.yaml", "workload.yaml"), ("workload.yaml", "service.yaml"), (".",)])
def test_a_service_sends_to_the_agent_of_a_pod_in_another_file(files: tuple[Path, Path], order: tuple[str, ...]) -> None:
    service, workload = files
    done = inject(*order, "--in-place")
    assert done.status == 0
    assert "warning" not in done.stderr
    assert "Service/web     -       -            port 80 to proxy-8080 (the agent proxy)" in done.stderr
    assert target_port(service) == "proxy-8080"
    injected = service.read_text(), workload.read_text()
    assert inject(*order, "--in-place").status == 0
    assert (service.read_text(), workload.read_text()) == injected
    assert run("uninject", "--in-place", *order).status == 0
    assert (service.read_text(), workload.read_text()) == (SERVICE, WORKLOAD)


def test_what_agents_bring_along_stays_behind_the_file_of_their_workload(files: tuple[Path, Path]) -> None:
    service, workload = files
    assert inject(".", "--in-place", "--set", "agents.proxy.configuration=configMap").status == 0
    assert "ConfigMap" not in service.read_text()
    assert [each["kind"] for each in yaml.safe_load_all(workload.read_text())] == ["Deployment", "ConfigMap"]


@pytest.mark.usefixtures("files")
def test_the_page_shows_the_service_in_its_file() -> None:
    assert inject(".", "--diff", "--html", "page.html").status == 0
    page = Path("page.html").read_text()
    assert page.index("service.yaml") < page.index("port 80 to proxy-8080 (the agent proxy)")


def test_pods_of_two_files_that_do_not_agree_are_named_with_their_places(files: tuple[Path, Path]) -> None:
    without = "{name: other, annotations: {sidecar-plugin.dev/inject: 'false'}}"
    Path("other.yaml").write_text(WORKLOAD.replace("{name: web}", without))
    done = inject(".", "--in-place")
    assert done.status == 1
    assert done.stderr == (
        "sidecar-plugin: error: service.yaml:1:1: Service/web: port 80 would go to proxy-8080 (the agent proxy) of "
        "Deployment/web (workload.yaml:1:1), and past it to Deployment/other (other.yaml:1:1); let the agent stand in front of "
        "that port in all of them, or in none; files that are not for one cluster and namespace need a run each\n"
    )
    assert [path.read_text() for path in files] == [SERVICE, WORKLOAD]


def test_with_keep_going_each_file_stands_for_itself(files: tuple[Path, Path]) -> None:
    """A pod of another file may be left out: nothing may count on it."""
    service, _ = files
    done = inject(".", "--in-place", "--keep-going")
    assert done.status == 0
    assert "no Service here sends to the agent proxy" in done.stderr
    assert service.read_text() == SERVICE


def test_a_service_injected_without_its_workloads_is_put_back_with_a_warning(files: tuple[Path, Path]) -> None:
    service, _ = files
    assert inject(".", "--in-place").status == 0
    done = inject("service.yaml", "--in-place")
    assert done.status == 0
    assert "service.yaml:1:1: Service/web: its target ports are put back, past the agent proxy, for no pod" in done.stderr
    assert service.read_text() == SERVICE


def test_an_agent_that_is_switched_off_gives_the_ports_back(files: tuple[Path, Path]) -> None:
    service, _ = files
    assert inject(".", "--in-place").status == 0
    done = inject(".", "--in-place", switch=OFF)
    assert "warning" not in done.stderr
    assert "Service/web     -       -            removed: proxy" in done.stderr
    assert service.read_text() == SERVICE
