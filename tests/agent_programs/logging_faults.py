"""What is done to the logging agent, one function a fault. `seconds` is how long it lasts: few in make test."""

import shutil
import time
from collections.abc import Callable, Mapping
from functools import partial
from threading import Thread
from typing import NamedTuple

from tests.agent_programs.logging_run import LoggingRun

RATE = 300
"""Lines a second, unless it is the fault itself."""


def rotated_by_rename(run: LoggingRun, seconds: int) -> None:
    """A file is renamed and a new one of the same name is written, every two seconds."""
    for number in range(seconds // 2):
        run.write(2 * RATE, RATE)
        run.log.rename(run.log.with_name(f"app.log.{number}"))


def rotated_by_copytruncate(run: LoggingRun, seconds: int) -> None:
    """A file is copied and emptied, every two seconds, just behind the last line."""
    for number in range(seconds // 2):
        run.write(2 * RATE, RATE)
        shutil.copy(run.log, run.log.with_name(f"app.log.{number}"))
        run.log.write_bytes(b"")


def receiver_away(run: LoggingRun, seconds: int, rate: int = RATE) -> None:
    """Nobody listens at the receiver's address."""
    run.write(RATE, RATE)
    run.receiver.go_away()
    run.write(seconds * rate, rate)
    run.receiver.come_back()


def receiver_slow(run: LoggingRun, seconds: int) -> None:
    """Each answer takes three seconds."""
    run.receiver.seconds = 3
    run.write(seconds * RATE, RATE)
    run.receiver.seconds = 0


def receiver_refuses(run: LoggingRun, seconds: int, status: int) -> None:
    """The receiver takes nothing."""
    run.write(RATE, RATE)
    run.receiver.status = status
    run.write(seconds * RATE, RATE)
    run.receiver.status = 200


def killed(run: LoggingRun, seconds: int) -> None:
    """The agent is killed and started again, every five seconds; the application goes on."""
    for _ in range(seconds // 5):
        run.write(2 * RATE, RATE)
        run.kill()
        run.write(RATE, RATE)
        run.start()
        run.write(2 * RATE, RATE)


def killed_while_the_receiver_is_away(run: LoggingRun, seconds: int) -> None:
    """What waits on disk is there for the next start."""
    run.receiver.go_away()
    run.write(seconds * RATE, RATE)
    run.kill()
    run.start()
    run.receiver.come_back()


def stopped(run: LoggingRun, seconds: int, before: float) -> None:
    """The last line is written so long before SIGTERM, and nothing of the pod is left; as many pods as seconds."""
    for _ in range(seconds):
        reaches_the_receiver(run)
        run.write(1, 1)
        time.sleep(before)
        run.stop()
        run.forget()
        run.start()


def job_ends(run: LoggingRun, seconds: int) -> None:
    """The application ends with its last line, then the agent is ended; as many pods as seconds."""
    for _ in range(seconds):
        reaches_the_receiver(run)
        run.write(1, 1)
        run.end_pod()
        run.start()


def ends_together(run: LoggingRun, seconds: int) -> None:
    """The application and the agent are ended at once, the application writes for 1.5 s more; as many pods as seconds."""
    for _ in range(seconds):
        reaches_the_receiver(run)
        ending = Thread(target=run.write, args=(30, 20))
        ending.start()
        run.end_pod()
        ending.join()
        run.start()


def reaches_the_receiver(run: LoggingRun) -> None:
    """Write lines until they arrive: the agent works."""
    before_it = run.written
    run.write(10, RATE)
    run.arrives(before_it)


def lines(run: LoggingRun, seconds: int, per_second: int) -> None:
    """The application writes fast."""
    run.write(seconds * per_second, per_second)


def long_lines(run: LoggingRun, seconds: int) -> None:
    """A line of 1 MB a second."""
    with run.log.open("ab") as log:
        for _ in range(seconds):
            log.write(run.line(1_000_000) + b"\n")
            log.flush()
            time.sleep(1)


def invalid_text(run: LoggingRun, seconds: int) -> None:
    """Bytes that are no UTF-8, NUL and control characters within a line."""
    with run.log.open("ab") as log:
        for _ in range(seconds):
            log.write(run.line().replace(b"xxxx", b"\xff\xc3\x00\x1b", 1) + b"\n")
            log.flush()
            time.sleep(0.1)


def no_final_newline(run: LoggingRun, seconds: int) -> None:
    """Files whose last line has no end, and that nobody writes any more."""
    for number in range(seconds):
        run.log.with_name(f"{number}.log").write_bytes(run.line() + b"\n" + run.line())
        time.sleep(0.1)


def many_files(run: LoggingRun, seconds: int) -> None:
    """500 files, a line to each of them in turn."""
    files = [run.log.with_name(f"{number}.log") for number in range(500)]
    for _ in range(seconds):
        for file in files:
            with file.open("ab") as log:
                log.write(run.line() + b"\n")


def late_files(run: LoggingRun, seconds: int) -> None:
    """Files that come one after the other while the agent runs."""
    for number in range(seconds):
        run.write(20, 1000, run.log.with_name(f"late-{number}.log"))
        time.sleep(0.5)


def full_buffer(run: LoggingRun, seconds: int) -> None:
    """The receiver is away until ten times the buffer's size is written, at once."""
    run.receiver.go_away()
    run.write(400_000, 400_000)
    time.sleep(seconds)
    run.receiver.come_back()


class Fault(NamedTuple):
    """A fault: what does it, for how many seconds, in make test for `short` (0: not), values for the agent, the pod."""

    does: Callable[[LoggingRun, int], None]
    seconds: int
    short: int = 0
    values: Mapping[str, object] = {}
    pod: Mapping[str, str] = {}


ACS = {"declaration": "acs", "platform": "acs", "cluster_version": "1.28"}
FAULTS: Mapping[str, Fault] = {
    "rotation by rename": Fault(rotated_by_rename, 20, 4),
    "rotation by copytruncate": Fault(rotated_by_copytruncate, 20),
    "receiver away for 4 minutes, 300 lines/s": Fault(receiver_away, 240, 4),
    "receiver away for 4 minutes, 2,000 lines/s": Fault(partial(receiver_away, rate=2_000), 240),
    "receiver takes 3 s for each answer": Fault(receiver_slow, 30),
    "receiver answers 429 for 30 s": Fault(partial(receiver_refuses, status=429), 30, 3),
    "receiver answers 500 for 30 s": Fault(partial(receiver_refuses, status=500), 30),
    "agent killed and restarted, 4 times": Fault(killed, 20, 5),
    "agent killed while the receiver is away": Fault(killed_while_the_receiver_is_away, 20),
    "a Job ends, 20 pods": Fault(job_ends, 20, 3),
    "a pod is deleted, its containers end together, 20 pods": Fault(ends_together, 20, 0, {}, {"declaration": "regular"}),
    "the same on Kubernetes 1.28 with acs": Fault(ends_together, 20, 0, {}, ACS),
    **{
        f"SIGTERM {before} s after the last line, 20 pods": Fault(partial(stopped, before=before), 20)
        for before in (0.0, 0.05, 0.1, 0.2, 0.5)
    },
    **{f"{rate:,} lines/s for 30 s": Fault(partial(lines, per_second=rate), 30) for rate in (1_000, 2_000, 10_000)},
    "lines of 1 MB": Fault(long_lines, 20),
    "invalid UTF-8": Fault(invalid_text, 20, 10),
    "no newline at the end of the file": Fault(no_final_newline, 20, 10),
    "500 files": Fault(many_files, 20),
    "files that come late": Fault(late_files, 20),
    "full buffer (8 MB, 80 MB written)": Fault(full_buffer, 20, 0, {"buffer": {"diskMegabytes": 8}}),
}
