"""Running a fault: in a folder of its own, in bash, as somebody may do it by hand."""

import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

SECONDS = 2  # of computing, whatever the fault
POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: web\n    image: web:1\n"
SETTINGS = """\
apiVersion: sidecar-plugin.dev/v1alpha1
kind: SidecarInjection
spec:
  clusterVersion: "1.30"
  agents:
    a: {enabled: true, template: "container: {name: agent, image: agent:1}"}
"""
PRELUDE = r"""
inject() { $AS sidecar-plugin inject --report none --config "$FOLDER/settings.yaml" "$@"; }
filter() { $AS sidecar-plugin --report none --config "$FOLDER/settings.yaml" "$@"; }
done_files() { test "$(grep -lZ 'name: agent' pods/*.yaml | tr -dc '\0' | wc -c)" = "$1"; }
many() { yes -- "$(echo ---; cat pod.yaml)" | head -n $((9 * $1)); }  # so many documents
export -f inject filter done_files
as_user=; [ "$(id -u)" != 0 ] || as_user='setpriv --bounding-set=-all --inh-caps=-all'  # root may read and enter everything
"""


class Fault(NamedTuple):
    """A fault and its end: exit status and a part of the message; what a refused run left of `pods` is compared by the runner.

    `before` prepares the folder, `then` must succeed afterwards, and without `needs` the fault cannot be tried here.
    """

    what: str
    line: str
    status: int = 0
    says: str = ""
    before: str = ""
    then: str = ""
    outcome: str = ""
    needs: str = ""


class Ended(NamedTuple):
    """How it ended."""

    status: int
    stdout: bytes
    stderr: str
    seconds: float


def prepare(folder: Path) -> None:
    """Put into a folder what the faults work on."""
    for name in ("pods", "home"):
        (folder / name).mkdir()
    for name in ("pod.yaml", "pods/a.yaml", "pods/b.yaml"):
        (folder / name).write_text(POD)
    (folder / "settings.yaml").write_text(SETTINGS)


def shell(folder: Path, line: str) -> Ended:
    """Run a line of bash in the folder."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "FOLDER": str(folder),
        "SIDECAR_PLUGIN_CACHE": "off",
        "LC_ALL": "C.UTF-8",
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["bash", "-c", PRELUDE + line], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False,
        timeout=60,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ended(done.returncode, done.stdout, done.stderr.decode(errors="replace"), seconds)


def files(folder: Path) -> dict[bytes, bytes]:
    """Return the regular files below a folder that can be read."""
    found = {}
    for parent, _, names in os.walk(os.fsencode(folder)):
        for name in names:
            path = os.path.join(parent, name)
            if os.path.isfile(path) and os.access(path, os.R_OK):
                found[path] = Path(os.fsdecode(path)).read_bytes()
    return found


def no_surprise(said: str) -> None:
    """Hold that a message is one of ours: no traceback, no bug."""
    assert not re.search(r"Traceback|a bug of|Exception ignored|Fatal Python", said), said
