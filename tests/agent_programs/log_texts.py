"""Log files with stack traces, as programs write them, and the records that a logging agent makes of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

JAVA = (
    "2026-11-27 10:00:00 INFO started",
    "2026-11-27 10:00:01 ERROR order failed\n"
    "java.lang.IllegalStateException: no stock\n"
    "\tat shop.Order.place(Order.java:42) ~[shop.jar:1]\n"
    "\tat java.base/java.lang.Thread.run(Thread.java:840)\n"
    "Caused by: java.sql.SQLException: gone\n"
    "\tat shop.Db.ask(Db.java:7)\n"
    "\tSuppressed: java.io.IOException: closed\n"
    "\t\tat shop.Db.close(Db.java:9)\n"
    "\t... 12 more",
    "java.lang.OutOfMemoryError: Java heap space\n\tat shop.Main.main(Main.java:3)",
    'Exception in thread "main" shop.NoStock: book\n\tat shop.Main.main(Main.java:4)',
    "2026-11-27 10:00:02 INFO going on",
)
PYTHON = (
    "INFO:root:started",
    "ERROR:root:order failed\n"
    "Traceback (most recent call last):\n"
    '  File "/app/shop.py", line 3, in place\n'
    "    stock[item]\n"
    "    ~~~~~^^^^^^\n"
    "KeyError: 'book'\n"
    "\n"
    "During handling of the above exception, another exception occurred:\n"
    "\n"
    "Traceback (most recent call last):\n"
    '  File "/app/shop.py", line 9, in <module>\n'
    "    place()\n"
    "NoStock: book",
    "WARNING:root:going on",
    "INFO:root:ended",
)
GO = (
    "2026/11/27 10:00:00 started",
    "2026/11/27 10:00:01 http: panic serving 127.0.0.1:1: boom\n"
    "goroutine 20 [running]:\n"
    "net/http.(*conn).serve.func1()\n"
    "\t/usr/local/go/src/net/http/server.go:1947 +0xbe\n"
    "created by net/http.(*Server).Serve in goroutine 1\n"
    "\t/usr/local/go/src/net/http/server.go:3285 +0x4b4",
    "2026/11/27 10:00:02 going on (again)",
    "panic: runtime error: invalid memory address or nil pointer dereference\n"
    "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x45]\n"
    "\n"
    "goroutine 1 [running]:\n"
    "main.(*shop).place(...)\n"
    "\t/app/shop.go:12\n"
    "main.main()\n"
    "\t/app/shop.go:5 +0x1d\n"
    "\n"
    "goroutine 18 [select, 2 minutes]:\n"
    "main.wait({0x1, 0x2})\n"
    "\t/app/shop.go:20 +0x5e",
)
DATED = (
    "no date",
    "[2026-11-27] order\n  1 x book\n  2 x pen",
    "[2026-11-28] order",
)
TEXTS: Mapping[str, tuple[Any, Sequence[str]]] = {
    "none": (None, ("one", "two")),
    "java": ("java", JAVA),
    "python": ("python", PYTHON),
    "go": ("go", GO),
    "start": ({"start": r"^\[\d{4}-\d\d-\d\d\] "}, DATED),
}
"""By name: a value of `multiline`, and records of a file for which it is meant."""
LONG = "long line " + "x" * 20_000
MESSAGES = ('{"message": "hello", "n": 1}', '{"message": "again", "n": 2}')
PRETTY = ('{\n  "message": "hello",\n  "n": 1\n}', '{\n  "message": "again",\n  "n": 2\n}')
FORMATS = ("text", "json", "cri")


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file, the source that it is read by, and the records that are in it. `parsed` are those that become fields."""

    source: Mapping[str, Any]
    text: str
    records: frozenset[str]
    parsed: frozenset[str] = frozenset()

    @property
    def path(self) -> str:
        """Where the application writes it."""
        return str(self.source["path"])


def log_files() -> Iterator[LogFile]:
    """Yield a file for each format and each value of `multiline`."""
    for format_ in FORMATS:
        for name, (multiline, records) in TEXTS.items():
            joined = {} if multiline is None else {"multiline": multiline}
            source = {"path": f"/var/log/app/{format_}-{name}.log", "format": format_, **joined}
            if format_ == "json":
                if name == "start":
                    yield LogFile({**source, "multiline": {"start": r"^\{"}}, text_of(PRETTY), frozenset(), frozenset(PRETTY))
                    continue
                yield LogFile(source, text_of((*MESSAGES, *records)), frozenset(records), frozenset(MESSAGES))
            elif format_ == "cri":
                yield LogFile(source, cri(records), frozenset((*records, LONG, "from standard output")))
            else:
                yield LogFile(source, text_of(records), frozenset(records))


def text_of(records: Sequence[str]) -> str:
    return "".join(f"{record}\n" for record in records)


def cri(records: Sequence[str]) -> str:
    """Return the records on standard error as containerd writes them, with another stream between their lines."""
    start = "2026-11-27T10:00:00.123456789Z"
    lines = text_of(records).splitlines()
    errors = [f"{start} stderr F {line}\n" for line in lines]
    errors.insert(len(errors) - 1, f"{start} stdout F from standard output\n")
    return "".join([f"{start} stdout P {LONG[:16_384]}\n", f"{start} stdout F {LONG[16_384:]}\n", *errors])


def write(files: Sequence[LogFile], path_of: Any) -> None:
    """Write each file at once, as a program does that logs faster than an agent reads."""
    for file in files:
        path: Path = path_of(file.path)
        path.write_text(file.text)


def unspaced(text: str) -> str:
    """Return a record without blank lines: the engines keep those around a trace in different ways."""
    return "\n".join(line for line in text.splitlines() if line)


def as_json(record: str) -> Any:
    """Return what a record of format json is."""
    return json.loads(record)
