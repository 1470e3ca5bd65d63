"""Text read in pieces means what the whole text means, or is not read in pieces."""

from typing import Any

import pytest
from hypothesis import given, settings

from sidecar_plugin.agents.incremental import Pieces
from sidecar_plugin.errors import ManifestError
from sidecar_plugin.yamledit.construct import to_data
from sidecar_plugin.yamledit.documents import split
from sidecar_plugin.yamledit.parser import parse
from sidecar_plugin.yamledit.source import Source
from tests.fuzz.manifests import stream
from tests.fuzz.mutations import mutate
from tests.support.real_tools import ROOT
from tests.support.strategies import manifest_texts


def documents(stream: str) -> list[str]:
    """Return the texts of a stream's documents, none of one that is no stream."""
    try:
        return [document.text for document in split(Source("x", stream))]
    except ManifestError:
        return []


MANIFESTS = [
    document
    for path in sorted([*(ROOT / "examples").rglob("*.yaml"), *(ROOT / "tests").rglob("*.yaml")])
    if "{{" not in (text := path.read_bytes().decode(errors="ignore")) and "\0" not in text
    for document in documents(text)
]


def whole(text: str) -> Any:
    """Return what the whole text means, the error's class if it is none."""
    try:
        root = parse(text).root
        return None if root is None else to_data(root)
    except ManifestError as error:
        return type(error)


def in_pieces(text: str, pieces: Pieces | None = None) -> Any:
    """Return the text read in pieces; assert that it means the same, if it could be read so."""
    data = (pieces or Pieces()).to_data(text)
    if data is not None:
        assert repr(data) == repr(whole(text)), text
    return data


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: [x, y]\n",
        "# first\n\na: 1 # one\n\n# second\nb:\n  c: d\n  # inside\n  e: f\n# last\n",
        "a:\n- b\n- c: 1\n  d: 2\n\n  e:\n  - f\n  g: h\nz: 1\n",
        "a:\n  -  b: 1\n     c: 2\n     d: 3\n     e: 4\n  - - x\n    - y\n",
        "a: |\n  b: 1\n  - c\n\n   d\ne: >-\n  f\n  g\n",
        "a: |+\n  b\n\n\nc: 1\n",
        "a: b\n  c\n d\ne: f\n",
        'a: "b\n  c"\nd:\n  "e": f\n',
        "a:\nb:\n  c:\n  d: ~\n",
        "yes: on\nnull: 017\n1: 1.50\n",
        "a:\n  - |\n    x: 1\n  - y\n",
        "a: 1",
        "- a: 1\n  b: 2\n- c\n",
        "a: &x 1\nb: !!str 2\n",
    ],
)
def test_a_block_collection_is_read_in_pieces(text: str) -> None:
    assert in_pieces(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "word\n",
        "{a: 1,\nb: 2}\n",
        "? a\n: b\n",
        "a: 1\n? b\n: c\n",
        "[a]: b\nc: d\n",
        'a: "b\nc: d"\n',
        "a: {b: 1,\nc: 2}\n",
        "a: 1\na: 2\n",
        "a:\n  b: 1\n  b: 2\n",
        "a: &x 1\nb: *x\n",
        "a: 1\n---\nb: 2\n",
        "a: 1\n...\n",
        "%YAML 1.1\n---\na: 1\n",
        "x: &y {a: 1}\nb:\n  <<: *y\n",
        "a:\tb\n",
        "a: 1\r\nb: 2\r\n",
        "a: b\u2028c: d\n",
        "\ufeffa: 1\n",
        "a:\n    b: 1\n  c: 2\n",
        "- a:\n    b: 1\n    c: 2\n    d:\nfoo: 3\n",
        "  a: 1\nb: 2\n",
        "a: 1\nb\nc: 2\n",
        "- a\nb: 1\n",
        "a: [\n",
        "a: !x 1\n",
        "a: 1\n-\n",
        f"a:\n  {'b' * 2000}:\n    c: d\n",
    ],
)
def test_what_is_no_sum_of_its_pieces_is_not(text: str) -> None:
    assert in_pieces(text) is None


def test_most_manifests_are_read_in_pieces() -> None:
    assert sum(in_pieces(text) is not None for text in MANIFESTS) > len(MANIFESTS) / 2 > 100


@pytest.mark.parametrize("seed", range(30))
def test_broken_manifests_mean_what_they_mean_whole(seed: int) -> None:
    pieces, read = Pieces(), 0
    for step in range(100):
        text = MANIFESTS[(seed * 100 + step) % len(MANIFESTS)]
        broken = mutate(text.encode(), seed * 100 + step).decode(errors="ignore").replace("\0", "")
        read += in_pieces(broken, pieces) is not None
    assert read > 5  # which manifests a seed meets changes with every example that comes


@pytest.mark.parametrize("seed", range(0, 1000, 50))
def test_generated_documents_mean_what_they_mean_whole(seed: int) -> None:
    pieces = Pieces()
    for number in range(seed, seed + 50):
        for text in documents(stream(number)):
            in_pieces(text, pieces)


@settings(max_examples=200, deadline=None)
@given(manifest_texts())
def test_any_document_means_what_it_means_whole(text: str) -> None:
    for document in documents(text):
        in_pieces(document)


def test_a_text_that_differs_in_one_line_shares_the_rest() -> None:
    pieces = Pieces()
    text = "container:\n  name: a\n  env:\n  - name: X\n    value: one\n  - name: Y\n    value: two\nvolumes:\n- name: v\n"
    first, second, third = (pieces.to_data(text.replace("one", word)) for word in ("one", "three", "four"))
    assert first["container"]["env"][0] == {"name": "X", "value": "one"}
    assert third["container"]["env"][0] == {"name": "X", "value": "four"}
    assert third["container"]["env"][1] is first["container"]["env"][1]
    assert third["volumes"] is second["volumes"]


def test_what_is_kept_is_bounded() -> None:
    pieces = Pieces()
    for number in range(300):
        text = f"a: {number}\nb:\n  c: {number}{'x' * 20_000}\n  d: e\n"
        assert pieces.to_data(text) == {"a": number, "b": {"c": f"{number}{'x' * 20_000}", "d": "e"}}
        assert sum(len(piece) for _, piece in pieces._known) < 1_100_000
