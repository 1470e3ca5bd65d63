"""The helm that is there: which one, what flags its commands take, and running it.

What a flag takes is read from helm's own `--help`, so that the flags are those of the helm that will run. In that listing
(pflag, FlagUsages) a flag that needs a value names its type behind one space, `--set stringArray`; a type followed by `[=…]`
is a value that only `--flag=value` can give.
"""

import os
import re
import shutil
import subprocess
from typing import NamedTuple

from sidecar_plugin.errors import SidecarPluginError, UsageError

_FLAG = re.compile(r"^ +(?:-(?P<short>\w), )?--(?P<name>[\w-]+)(?: (?P<type>\S+))?(?:  |$)", re.MULTILINE)
_VERSION = re.compile(r"v?(\d+)\.")


class HelmError(SidecarPluginError):
    """What helm itself says, which is shown as helm wrote it."""

    def __init__(self, said: str, status: int) -> None:
        super().__init__(said)
        self.exit_status = status

    def __str__(self) -> str:
        """Return helm's own lines."""
        return self.message


class Helm(NamedTuple):
    """A helm: its program, its major version, and the processes of it that are running."""

    program: str
    major: int
    running: list["subprocess.Popen[str]"]

    @classmethod
    def found(cls) -> "Helm":
        """Return the helm that started us as its plugin ($HELM_BIN), else the one on $PATH. Raises UsageError."""
        name = os.environ.get("HELM_BIN") or "helm"
        program = shutil.which(name)
        if program is None:
            raise UsageError(f"there is no program {name}; install Helm, or let $HELM_BIN name it")
        said = cls(program, 0, []).run("version", "--template", "{{.Version}}").stdout
        version = _VERSION.match(said)
        if version is None or int(version[1]) not in (3, 4):
            raise UsageError(f"{program} is Helm {said.strip() or '?'}; Helm 3 and Helm 4 are known")
        return cls(os.path.abspath(program), int(version[1]), [])

    def flags(self, *command: str) -> "Flags":
        """Return the flags of a command."""
        local, _, inherited = self.output(*command, "--help").partition("\nGlobal Flags:\n")
        return Flags(_flags(local), _flags(inherited))

    def output(self, *words: str) -> str:
        """Return what helm writes. Raises HelmError with what it said, if it fails."""
        done = self.run(*words)
        if done.returncode != 0:
            raise HelmError(done.stderr, 1)
        return done.stdout

    def run(
        self, *words: str, environment: dict[str, str] | None = None, stdin: int | None = subprocess.DEVNULL
    ) -> "subprocess.CompletedProcess[str]":
        """Return how helm ended, and what it wrote."""
        pipe = subprocess.PIPE
        command = [self.program, *words]
        with subprocess.Popen(  # noqa: S603  # words of the user's own, no shell
            command, env=environment, stdin=stdin, stdout=pipe, stderr=pipe, encoding="utf-8", errors="replace"
        ) as process:
            self.running.append(process)
            try:
                stdout, stderr = process.communicate()
            finally:
                self.running.remove(process)
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    def stop(self) -> None:
        """End what is running, without waiting for its end."""
        for process in self.running:
            process.kill()


class Flag(NamedTuple):
    """A flag: its long and short name, and whether its value may be the next word."""

    name: str
    short: str
    takes_value: bool


class Flags(NamedTuple):
    """The flags of a command, and those that every command of helm takes."""

    own: dict[str, Flag]
    inherited: dict[str, Flag]

    def flag(self, name: str) -> Flag | None:
        """Return a flag by its long or short name."""
        return self.own.get(name) or self.inherited.get(name)


def _flags(listing: str) -> dict[str, Flag]:
    found: dict[str, Flag] = {}
    for match in _FLAG.finditer(listing):
        kind = match["type"]
        flag = Flag(match["name"], match["short"] or "", kind is not None and "[=" not in kind)
        found[flag.name] = flag
        if flag.short:
            found[flag.short] = flag
    return found


class Given(NamedTuple):
    """A flag as it was given; `value` is None for one without."""

    name: str
    value: str | None

    @property
    def word(self) -> str:
        """The flag as one word."""
        return f"--{self.name}" if self.value is None else f"--{self.name}={self.value}"


class Line(NamedTuple):
    """The words of a helm command, read as helm reads them."""

    arguments: list[str]
    given: list[Given]

    @classmethod
    def read(cls, words: list[str], flags: Flags) -> "Line":
        """Return the words apart. A flag that helm does not know is left for helm to refuse: it is taken to have no value."""
        arguments: list[str] = []
        given: list[Given] = []
        rest = iter(words)
        for word in rest:
            if word == "--":
                arguments += rest
            elif word.startswith("--"):
                name, equals, value = word[2:].partition("=")
                flag = flags.flag(name) if len(name) > 1 else None
                if not equals and flag is not None and flag.takes_value:
                    given.append(Given(name, next(rest, "")))
                else:
                    given.append(Given(name, value if equals else None))
            elif word.startswith("-") and len(word) > 1:
                cls._read_short(word[1:], rest, flags, given)
            else:
                arguments.append(word)
        return cls(arguments, given)

    @staticmethod
    def _read_short(letters: str, rest: "object", flags: Flags, given: list[Given]) -> None:
        """Read `-g`, `-f FILE`, `-fFILE`, `-f=FILE` and `-gf FILE`."""
        while letters:
            flag = flags.flag(letters[0])
            after = letters[1:]
            if flag is not None and flag.takes_value:
                given.append(Given(flag.name, after.removeprefix("=") if after else next(rest, "")))  # type: ignore[call-overload]
                return
            given.append(Given(flag.name if flag else letters[0], None))
            letters = after

    def values(self, name: str) -> list[str]:
        """Return the values that a flag was given."""
        return [given.value or "" for given in self.given if given.name == name]

    def has(self, name: str) -> bool:
        """Say whether a flag was given and not switched off."""
        return any(given.name == name and given.value != "false" for given in self.given)

    def among(self, names: "dict[str, Flag] | frozenset[str]") -> list[str]:
        """Return the words of the flags with those names."""
        return [given.word for given in self.given if given.name in names]
