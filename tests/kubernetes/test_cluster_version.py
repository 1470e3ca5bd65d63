"""Every shape in which clusters report their version, and what is no version."""

import pytest

from sidecar_plugin.errors import VersionError
from sidecar_plugin.kubernetes.cluster_version import NATIVE_SIDECARS, ClusterVersion, parse_cluster_version


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
    ],
)
def test_shapes_that_clusters_report(text: str, version: tuple[int, int]) -> None:
    assert parse_cluster_version(text) == ClusterVersion(*version)


@pytest.mark.parametrize("text", ["1.1", "1.2", "1.3", "v1.3", "1.9"])
def test_a_lost_zero_is_named_with_its_remedy(text: str) -> None:
    with pytest.raises(VersionError, match=rf'put it in quotes: "{text.lstrip("v")}0"'):
        parse_cluster_version(text)


@pytest.mark.parametrize(
    "text", ["", "1", "v1", "1.x", "latest", "1.30.", "1.30-", "-1.30", "1.2.3.4", "1.03", "0.30", "1,30", "1.30 1"]
)
def test_what_is_no_version_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(VersionError, match="is no cluster version") as caught:
        parse_cluster_version(text)
    assert f'"{text}"' in str(caught.value)


def test_native_sidecars_begin_with_1_29() -> None:
    assert parse_cluster_version("v1.28.99") < NATIVE_SIDECARS <= parse_cluster_version("1.29.0-alpha.1")
