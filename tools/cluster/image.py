#!/usr/bin/env python3
"""Write a container image of one layer, the static busybox and files of this machine, to standard output.

usage: tools/cluster/image.py [--add FILE=/PATH/IN/IMAGE]... TAG [COMMAND...]

There is no registry to pull from: `tools/cluster/image.py TAG | tools/cluster/enter DIR ctr -n k8s.io image import -` brings
the image to the node, and pods name it in full (`docker.io/local/busybox:1`) with `imagePullPolicy: Never`. With a program that
is linked dynamically come the libraries that `ldd` names. The format is Docker's (https://github.com/moby/docker-image-spec).
"""

import argparse
import hashlib
import io
import json
import platform
import re
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

BUSYBOX = Path("/usr/bin/busybox")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def libraries(program: Path) -> list[Path]:
    """Return the shared libraries of a program, none for a static one or a file that is no program."""
    done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return [Path(name) for name in re.findall(r"(?:=> |^\s+)(/\S+) \(0x", done.stdout, re.MULTILINE)]


def layer(files: Mapping[Path, Path]) -> bytes:
    """Return the layer, a tar archive, with busybox, its applets and the files at their places."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:

        def add(name: str, kind: bytes, mode: int = 0o755, link: str = "", content: bytes = b"") -> None:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.linkname, entry.size = kind, mode, link, len(content)
            archive.addfile(entry, io.BytesIO(content))

        for folder in ("bin", "etc", "proc", "sys", "dev", "var"):
            add(folder, tarfile.DIRTYPE)
        add("tmp", tarfile.DIRTYPE, 0o1777)
        add("etc/passwd", tarfile.REGTYPE, 0o644, content=b"root:x:0:0:root:/:/bin/sh\n")
        add("bin/busybox", tarfile.REGTYPE, content=BUSYBOX.read_bytes())
        for applet in subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split():
            if applet != "busybox":
                add(f"bin/{applet}", tarfile.SYMTYPE, link="busybox")
        for place, source in files.items():
            add(str(place).lstrip("/"), tarfile.REGTYPE, source.stat().st_mode & 0o777, content=source.read_bytes())
    return data.getvalue()


def image(tag: str, command: list[str], files: Mapping[Path, Path]) -> bytes:
    """Return the image, a tar archive, under the name `tag`."""
    content = layer(files)
    config = json.dumps(
        {
            "architecture": ARCHITECTURES[platform.machine()],
            "os": "linux",
            "config": {"Cmd": command or ["sh"], "Env": ["PATH=/bin:/usr/bin:/usr/local/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(content).hexdigest()}"]},
            "history": [{"created_by": "tools/cluster/image.py"}],
        }
    ).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": name, "RepoTags": [tag], "Layers": ["layer.tar"]}]).encode()
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for path, part in ((name, config), ("layer.tar", content), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(part), 0o644
            archive.addfile(entry, io.BytesIO(part))
    return data.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--add", action="append", default=[], metavar="FILE=PATH")
    parser.add_argument("tag")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    files = {}
    for each in arguments.add:
        source, _, place = each.partition("=")
        files[Path(place)] = Path(source)
        files.update({library: library for library in libraries(Path(source))})
    sys.stdout.buffer.write(image(arguments.tag, arguments.command, files))


if __name__ == "__main__":
    main()
