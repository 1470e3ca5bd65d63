"""Every shape in which clusters report their version, and what is no version."""

import pytest

from sidecar_plugin.errors import VersionError
from sidecar_plugin.kubernetes.cluster_version import NATIVE_SIDECARS, ClusterVersion, parse_cluster_version, vendor_of


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.28", (1, 28)),
        ("v1.29.3", (1, 29)),
        ("1.30+", (1, 30)),
        ("v1.28.9-aliyun.1", (1, 28)),
        ("v1.30.1-gke.1329003", (1, 30)),
        ("v1.29.3-eks-adc7111", (1, 29)),
        ("1.31.0-rc.1", (1, 31)),
        ("v1.32.5+k3s1", (1, 32)),
        ("v1.28.3-alpha.0.1+0f1e2d", (1, 28)),
        ("v1.30.4+rke2r1", (1, 30)),
        (" 1.27 ", (1, 27)),
        ("1.100", (1, 100)),
        ("2.0", (2, 0)),
        ("v1.20.11-aliyunedge.1", (1, 20)),
        ("v1.29.5-gke.1091002", (1, 29)),
        ("v1.30.4-eks-a737599", (1, 30)),
        ("v1.31.4+k3s1", (1, 31)),
        ("v1.31.2-rc.1+k3s1", (1, 31)),
        ("v1.30.0+k0s.0", (1, 30)),
        ("v1.28.7+vmware.1-fips.1-tkg.1", (1, 28)),
        ("v1.26.1-tke.3", (1, 26)),
        ("v1.24.15-vke.20", (1, 24)),
        ("v1.25.3-r0-25.1.8", (1, 25)),
        ("v1.19.16-r1-CCE22.5.1", (1, 19)),
        ("v1.27.7-mirantis-1", (1, 27)),
        ("v1.20.15-rancher1-1", (1, 20)),
        ("v1.29.8+IKS", (1, 29)),
        ("v1.27.8+4fab27b", (1, 27)),
        ("v1.31.0-alpha.3.92+2b4ac7cb4bf73d-dirty", (1, 31)),
        ("v1.31.1+lke1", (1, 31)),
        ("v1.28.2-1", (1, 28)),
        ("v1.21.14+3.12.1", (1, 21)),
    ],
)
def test_shapes_that_clusters_report(text: str, version: tuple[int, int]) -> None:
    assert parse_cluster_version(text) == ClusterVersion(*version)


@pytest.mark.parametrize("text", ["1.1", "1.2", "1.3", "v1.3", "1.9"])
def test_a_lost_zero_is_named_with_its_remedy(text: str) -> None:
    with pytest.raises(VersionError, match=rf'put it in quotes: "{text.lstrip("v")}0"'):
        parse_cluster_version(text)


@pytest.mark.parametrize("text", ["", "1", "v1", "latest", "1.30.", "1.30-", "-1.30", "1.2.3.4", "1.03", "0.30", "1.30 up"])
def test_what_is_no_version_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(VersionError, match="is no cluster version") as caught:
        parse_cluster_version(text)
    assert f'"{text}"' in str(caught.value)


def test_native_sidecars_begin_with_1_29() -> None:
    assert parse_cluster_version("v1.28.99") < NATIVE_SIDECARS <= parse_cluster_version("1.29.0-alpha.1")


@pytest.mark.parametrize(
    "text",
    [
        "1.28-1.30", "v1.28-v1.30", "1.28.0-1.30.2", "1.28 - 1.30", "1.28..1.30", "v1.28..v1.30", "1.28...1.30", "1.28||1.29",
        "1.28 || 1.29", "1.28,1.29", "1.28, 1.29", ">=1.28", ">= 1.28", ">=1.28-0", ">=1.28 <1.31", "<1.31", "=1.30", "~1.29",
        "^1.29", "1.x", "1.30.x", "v1.30.*", "1.X", "1.*", "!=1.29", "1.28 to 1.30", "1.28 1.30", "1.28|1.29",
    ],
)  # fmt: skip
def test_a_range_is_refused_as_a_range(text: str) -> None:
    with pytest.raises(VersionError, match="is a range of versions"):
        parse_cluster_version(text)


@pytest.mark.parametrize(
    ("text", "vendor"),
    [
        ("1.30", ""),
        ("v1.30.1", ""),
        ("v1.30.1-aliyun.1", "aliyun"),
        ("v1.20.11-aliyunedge.1", "aliyun"),
        ("v1.30.1-gke.1329003", "gke"),
        ("v1.29.3-eks-adc7111", "eks"),
        ("v1.32.5+k3s1", "k3s"),
        ("v1.30.4+rke2r1", "rke2"),
        ("v1.26.1-tke.3", "tke"),
        ("v1.28.7+vmware.1-fips.1-tkg.1", "vmware"),
        ("v1.19.16-r1-CCE22.5.1", "cce"),
        ("v1.29.8+IKS", "iks"),
        ("v1.27.8+4fab27b", ""),
        ("v1.31.0-alpha.3.92+2b4ac7cb4bf73d-dirty", ""),
    ],
)
def test_the_vendor_that_a_version_names(text: str, vendor: str) -> None:
    assert vendor_of(text) == vendor
