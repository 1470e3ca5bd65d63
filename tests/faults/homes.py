"""Users and their HOME: a table of what happens, of which docs/faults.md shows the outcomes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

NOBODY, STRANGER = 65534, 12345
KEPT = ".cache/sidecar-plugin"


class Home(NamedTuple):
    """A state of HOME: `prepare` makes it in a folder for a user and returns the variable, None for unset.

    `kept` says whether the user's results are kept there; whether not, nothing is written there.
    """

    what: str
    prepare: Callable[[Path, int], str | None]
    kept: bool = False


def _folder(folder: Path, owner: int, mode: int = 0o755) -> str:
    home = folder / "home"
    home.mkdir()
    os.chown(home, owner, owner)
    home.chmod(mode)
    return str(home)


def _with_link(folder: Path, user: int) -> str:
    """The stranger leads the cache to the user's own folder."""
    home = _folder(folder, STRANGER)
    (folder / "own").mkdir(mode=0o700)
    os.chown(folder / "own", user, user)
    Path(home, ".cache").symlink_to(folder / "own")
    os.chown(Path(home, ".cache"), STRANGER, STRANGER, follow_symlinks=False)
    return home


def _with_entries(folder: Path, _: int) -> str:
    """The stranger makes the cache's folder before."""
    home = _folder(folder, STRANGER)
    Path(home, KEPT).mkdir(parents=True)
    for path in (Path(home, ".cache"), Path(home, KEPT)):
        os.chown(path, STRANGER, STRANGER)
        path.chmod(0o777)
    return home


READ_ONLY = "read-only"
HOMES = (
    Home("the user's own", _folder, kept=True),
    Home("unset", lambda *_: None),
    Home("`/`", lambda *_: "/"),
    Home("empty", lambda *_: ""),
    Home("not there", lambda folder, _: str(folder / "none")),
    Home("relative", lambda *_: "home"),
    Home(READ_ONLY, _folder),
    Home("the user's own, not to be entered", lambda folder, user: _folder(folder, user, 0)),
    Home("of another user", lambda folder, _: _folder(folder, STRANGER)),
    Home("of another user, open to all", lambda folder, _: _folder(folder, STRANGER, 0o777)),
    Home("of another user, `.cache` a link to a folder of the user's", _with_link),
    Home("of another user, with a cache folder open to all", _with_entries),
)
USERS = {"root": 0, "nobody": NOBODY}
TEMPLATE = ["--set", "clusterVersion=1.30,agents.own.enabled=true", "--report", "none"]
COMMANDS = {
    "`inject --templates`": ["inject", "--templates", "agents", *TEMPLATE, "pod.yaml"],
    "`inject --html`": ["inject", "--html", "change.html", "--templates", "agents", *TEMPLATE, "pod.yaml"],
    "`inject --in-place`": ["inject", "--in-place", "--templates", "agents", *TEMPLATE, "pod.yaml"],
    "`convert --in-place`": ["convert", "--to", "acs", "--in-place", "--report", "none", "pod.yaml"],
    "`verify --html`": ["verify", "pods.json", "--html", "pods.html"],
    "`export-policy`": [
        "export-policy",
        "--templates",
        "agents",
        "--cluster-version",
        "1.34",
        *TEMPLATE[:2],
        "--report",
        "none",
    ],
    "`agents`": ["agents", "--templates", "agents"],
    "`from-daemonset`": ["from-daemonset", "daemonset.yaml"],
}


def rows() -> list[tuple[str, ...]]:
    """Return the table: user, HOME, the outcome of each command, where results are kept."""
    head = ("user", "HOME", *COMMANDS, "results kept")
    table = []
    for user in USERS:
        for home in HOMES:
            # root may enter each folder
            kept = home.kept or (user == "root" and "not to be entered" in home.what)
            table.append((user, home.what, *("done" for _ in COMMANDS), f"`~/{KEPT}`" if kept else "nowhere"))
    return [head, *table]
