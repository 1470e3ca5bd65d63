"""What is so in Helm 3 only."""

from tests.e2e.conftest import EXAMPLES, Helm
from tests.e2e.rendered import sidecars

WEB = EXAMPLES / "web"


def test_hooks_are_not_handed_over(helm3: Helm) -> None:
    rendered = sidecars(helm3.template(WEB, "--kube-version", "1.30"))
    assert rendered == {
        "Deployment/shop-web": {"logging": "native"},
        "CronJob/shop-clean-up": {"logging": "native"},
        "Job/shop-migrate": {},
    }


def test_install_takes_the_version_from_the_cluster(helm3: Helm, cluster_of_1_28: str) -> None:
    """Helm 3 asks the cluster even for --dry-run=client."""
    address = ("--kube-apiserver", cluster_of_1_28, "--disable-openapi-validation")
    done = helm3.run("install", WEB, "--dry-run=client", *address)
    assert done.status == 0, done.stderr
    manifest = done.stdout.partition("\nMANIFEST:\n")[2]
    assert sidecars(manifest)["Deployment/shop-web"] == {"logging": "acs"}
