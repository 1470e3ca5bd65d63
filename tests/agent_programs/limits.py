"""The limits of a container, set by the kernel as a kubelet has it do, and what a process used of them."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidecar_plugin.kubernetes.quantities import WHOLE, parse_quantity

GROUPS = Path("/sys/fs/cgroup")
PERIOD = 100_000  # microseconds, as a kubelet sets it
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def limited(name: str, limits: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    """Make control groups with a container's limits; yield the words that start a command in them, none where not allowed."""
    quota, memory = parse_quantity(limits["cpu"]) * PERIOD // WHOLE, parse_quantity(limits["memory"]) // WHOLE
    if (GROUPS / "cgroup.controllers").exists():
        wanted = {GROUPS / name: {"cpu.max": f"{quota} {PERIOD}", "memory.max": str(memory)}}
    else:
        wanted = {
            GROUPS / "cpu" / name: {"cpu.cfs_quota_us": str(quota)},
            GROUPS / "memory" / name: {"memory.limit_in_bytes": str(memory)},
        }
    made: list[Path] = []
    try:
        for group, files in wanted.items():
            group.mkdir()
            made.append(group)
            for file, content in files.items():
                (group / file).write_text(content)
    except OSError:
        yield ()
    else:
        moves = "".join(f"echo $$ >{group}/cgroup.procs && " for group in wanted)
        yield ("sh", "-c", f'{moves}exec "$@"', "sh")
    finally:
        for group in made:
            group.rmdir()


@dataclass(frozen=True, slots=True)
class Used:
    """What a process has used so far: seconds of CPU, and the most bytes of memory that it held at once."""

    cpu_seconds: float
    memory: int


def used(pid: int) -> Used:
    """Return what a running process has used; OSError where there is none."""
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    peak = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return Used((int(times[11]) + int(times[12])) / TICKS, int(peak.split()[1]) * 1024)
