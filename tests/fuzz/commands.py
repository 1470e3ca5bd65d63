"""Every command on broken input: it ends with 0, 1 or 2, soon, and what it says is no surprise."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.process import no_surprise
from tests.fuzz.mutations import mutate
from tests.support.command import SETTINGS, run

FILE = "FILE"  # stands for the broken text as a file
COMMANDS = (
    ("check", "--cluster-version=1.28", FILE),
    ("check", "--cluster-version=1.30", "--platform=eci", FILE),
    ("convert", "--to=native", "--cluster-version=1.30", FILE),
    ("convert", "--to=acs", "--cluster-version=1.28", FILE),
    ("uninject", FILE),
    ("inject", "--diff", "--report=json", *SETTINGS, FILE),
    ("inject", "--keep-going", *SETTINGS, FILE, FILE),
    ("inject", "--set", "clusterVersion=1.30,agents.proxy.enabled=true,agents.monitoring.enabled=true", FILE),
    ("inject", "--config", FILE, "-"),
    ("inject", "--values", FILE, "-"),
    ("export-policy", "--config", FILE, "--cluster-version=1.30"),
    ("from-daemonset", FILE, "--output-dir=DIR"),
    ("verify", FILE),
)
POD = b"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a}]}\n"


def commanded(files: list[Path], seed: int) -> str:
    """Run all commands on a file broken by a seed; return how many ended how. Raises AssertionError."""
    statuses = []
    with TemporaryDirectory() as folder:
        file = Path(folder, "in.yaml")
        file.write_bytes(mutate(files[seed % len(files)].read_bytes(), seed))
        for words in COMMANDS:
            done = run(*(word.replace("DIR", folder).replace(FILE, str(file)) for word in words), stdin=POD)
            assert done.status in (0, 1, 2), (words, done)
            assert done.status == 0 or done.stderr or words[0] in ("check", "verify"), (words, done)
            no_surprise(done.stderr)
            statuses.append(done.status)
    return " ".join(f"{statuses.count(status)} × {status}" for status in sorted(set(statuses)))
