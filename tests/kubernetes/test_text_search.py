"""The search for a kind in a text, by which most documents are passed without being read."""

import pytest

from sidecar_plugin.kubernetes.text_search import stands_alone


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kind: Pod\n", True),
        ("Pod", True),
        ("kind: PodList\n", True),
        ("kind: PodDisruptionBudget\n", False),
        ("kind: PodListing\n", False),
        ("APod\n", False),
        ("PodDisruptionBudget of a Pod\n", True),
        ("PodPod\n", False),
        ("PodA, Pod\n", True),
    ],
)
def test_a_kind_is_a_word_of_its_own_or_its_list(text: str, found: bool) -> None:
    assert stands_alone("Pod", text) is found
