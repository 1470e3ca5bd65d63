"""Real manifests, broken: bytes, lines and structure changed at random places drawn from a seed."""

import random

FRAGMENTS = (
    b"&a ", b"*a ", b"<<: *a", b"- ", b": ", b"? ", b"!!str ", b"!x ", b"|", b">-", b"{", b"}", b"[", b"]", b",", b"'", b'"',
    b"#", b" #", b"%", b"\t", b"\r", b"\r\n", b"\n", b"\n\n", b"---\n", b"...\n", b"\x00", b"\xff", b"\xef\xbb\xbf",
    b"\xc2\x85", b"\xe2\x80\xa8", b"\\", b"\\x6bind",
    b"null", b"~", b"[]", b"{}", b"initContainers:", b"containers:", b"volumes: null",
    b"kind: List", b"kind: Pod", b"items:", b"env: *a", b"sidecar-plugin.dev/injected: '{}'", b"sidecar-plugin.dev/inject: 'x'",
    b"kind: SidecarInjection", b"\xf0\x9f\x98\x80", b"%YAML 1.1\n---\n",
)  # fmt: skip


def mutate(data: bytes, seed: int) -> bytes:
    """Return `data` with one to six changes."""
    draw = random.Random(seed)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 6))):
        data = draw.choice(MUTATIONS)(data, draw)
    return data


def _insert(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data) + 1)
    return data[:at] + draw.choice(FRAGMENTS) + data[at:]


def _insert_at_a_word(data: bytes, draw: random.Random) -> bytes:
    marks = [at for at, byte in enumerate(data) if byte in b" :-\n"]
    if not marks:
        return data
    at = draw.choice(marks) + 1
    return data[:at] + draw.choice(FRAGMENTS) + data[at:]


def _delete(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data) + 1)
    return data[:at] + data[at + draw.choice((1, 1, 2, 5, 40)) :]


def _cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data) + 1)]


def _change_line(data: bytes, draw: random.Random) -> bytes:
    lines = data.split(b"\n")
    at = draw.randrange(len(lines))
    other = draw.randrange(len(lines))
    change = draw.randrange(6)
    if change == 0:
        lines.insert(at, lines[other])
    elif change == 1:
        del lines[at]
    elif change == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif change == 3:
        lines[at] = b" " * draw.choice((1, 2, 3)) + lines[at]
    elif change == 4:
        lines[at] = lines[at].removeprefix(b" ")
    else:
        lines[at] = lines[at].rstrip() + draw.choice((b" # c", b"\t", b" |", b" >", b" {", b" [", b" &a", b" null", b":"))
    return b"\n".join(lines)


def _repeat(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data) + 1)
    piece = data[at : at + draw.choice((1, 3, 20, 200))]
    return data[:at] + piece * draw.choice((2, 10, 300)) + data[at:]


def _line_ends(data: bytes, draw: random.Random) -> bytes:
    return data.replace(b"\n", draw.choice((b"\r\n", b"\r", b"\xc2\x85")), draw.choice((1, 5, -1)))


MUTATIONS = (_insert, _insert_at_a_word, _insert_at_a_word, _delete, _cut, _change_line, _change_line, _repeat, _line_ends)
