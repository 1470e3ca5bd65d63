"""Faults of the surroundings: streams, files, limits, the environment, the cache."""

from tests.faults.process import Fault

FULL = "standard output: No space left on device"
MOUNTS = "unshare -rm true"
COMMANDS = (
    "for words in agents schema --help --version 'inject --help' 'completion bash' 'uninject pod.yaml' "
    "'convert --to native --cluster-version 1.30 pod.yaml'; do "
    "sidecar-plugin $words >/dev/full 2>>said; [ $? = 2 ] || exit 9; done; cat said >&2; exit 2"
)

STREAMS = (
    Fault("standard input is closed", "filter <&-", 2, "nothing on stdin"),
    Fault("standard input is closed, `inject -`", "inject - <&-", 2, "there is no stdin to read"),
    Fault("standard output is closed", "filter <pod.yaml >&-", 2, "there is no standard output"),
    Fault("standard output is on a full disk", "filter <pod.yaml >/dev/full", 2, FULL),
    Fault("the same, eight other commands", COMMANDS, 2, FULL),
    Fault("the same, as Helm 4's plugin, with an error to tell", "echo 'a: [' | filter --as-helm-plugin >/dev/full", 2, FULL),
    Fault("standard error is closed", "filter --report text <pod.yaml 2>&- | grep -q 'name: agent'", outcome="done"),
    Fault("standard error is on a full disk", "filter --report text <pod.yaml 2>/dev/full | grep -q 'name: agent'"),
    Fault("all three are closed", "filter <&- >&- 2>&-", 2, outcome="exit 2, nobody to tell"),
    Fault(
        "the reader goes away (`… | head -c 10`)",
        "filter <many | head -c 10; exit ${PIPESTATUS[0]}",
        1,
        before="many 2000 >many",
        outcome="exit 1, silent",
    ),
    Fault(
        "the same, with SIGPIPE and SIGCHLD ignored",
        "trap '' PIPE CHLD; filter <many | head -c 10; exit ${PIPESTATUS[0]}",
        1,
        before="many 2000 >many",
        outcome="exit 1, silent",
    ),
    Fault("input from `<(…)`", "inject <(cat pod.yaml) | grep -q 'name: agent'"),
    Fault("input from `/dev/null`", "inject /dev/null"),
)

FILES = (
    Fault('a path is empty (`"$UNSET"`)', 'inject --in-place ""', 2, "a path is empty; is a variable not set?"),
    Fault("`--output-dir` is empty", 'inject --output-dir "" pods', 2, "--output-dir is empty"),
    Fault("no such file", "inject --in-place pods/c.yaml", 2, "pods/c.yaml: there is no such file or folder"),
    Fault("a name of 500 bytes", "inject $(printf 'n%.0s' {1..500})", 2, "File name too long"),
    Fault(
        "a name as long as can be (255 bytes)",
        "inject --in-place pods",
        then="done_files 3",
        before="cp pod.yaml pods/$(printf 'n%.0s' {1..250}).yaml",
    ),
    Fault(
        "names with blanks, a line break, bytes that are no UTF-8",
        "inject --in-place pods",
        then="done_files 5",
        before="cp pod.yaml pods/$' a\\nb .yaml'; cp pod.yaml pods/$'\\xff\\xe9.yaml'; cp pod.yaml pods/é.yaml",
    ),
    Fault(
        "the same in a difference",
        "inject --diff pods | git apply",
        then="done_files 4",
        before="git init -q; cp pod.yaml pods/$'a\\nb.yaml'; cp pod.yaml pods/$'\\xff\\xe9.yaml'",
        outcome="`git apply` takes it",
    ),
    Fault(
        "the same on the command line", "inject pods/$'\\xff.yaml'", 2, "is not UTF-8", before="cp pod.yaml pods/$'\\xff.yaml'"
    ),
    Fault(
        "a name with a line break in a message",
        "inject pods",
        1,
        "pods/a\\nb.yaml:2:1: not YAML",
        before="echo 'a: [' > pods/$'a\\nb.yaml'",
    ),
    Fault(
        "escape sequences in names of workloads",
        "filter --report text <odd.yaml 2>&1 >/dev/null | tee said >&2",
        0,
        "Pod/\\x1b[2J",
        before="sed 's/name: web/name: \"\\\\e[2J\"/' pod.yaml >odd.yaml",
        then="! grep -q $'\\e' said",
        outcome="shown as `\\x1b`: nothing steers the terminal",
    ),
    Fault(
        "a link to a file of the folder",
        "inject --in-place pods",
        before="ln -s a.yaml pods/link.yaml",
        then="done_files 3 && test -L pods/link.yaml",
        outcome="done once, the link stays",
    ),
    Fault("a file named twice", "inject --in-place pods/a.yaml pods/../pods/a.yaml", then="done_files 1", outcome="done once"),
    Fault(
        "a hard link",
        "inject --in-place pods",
        before="ln pods/a.yaml pods/c.yaml",
        then="done_files 3",
        outcome="done; each name has a file of its own then",
    ),
    Fault("a link that leads nowhere", "inject --in-place pods", 2, "a link that leads nowhere", before="ln -s x pods/c.yaml"),
    Fault(
        "a link to itself", "inject --in-place pods", 2, "Too many levels of symbolic links", before="ln -s c.yaml pods/c.yaml"
    ),
    Fault(
        "a link to the folder itself",
        "inject --in-place pods",
        before="ln -s . pods/c",
        then="done_files 2",
        outcome="not followed",
    ),
    Fault("a FIFO in the folder", "inject --in-place pods", 2, "is no regular file", before="mkfifo pods/c.yaml"),
    Fault(
        "a FIFO, named",
        "{ cat pod.yaml >pods/c.yaml & } ; inject --in-place pods/c.yaml",
        2,
        "is no regular file, so it cannot",
        before="mkfifo pods/c.yaml",
        then="test -p pods/c.yaml",
    ),
    Fault(
        "a socket",
        "inject --in-place pods/c.yaml",
        2,
        "No such device or address",
        before="python -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"pods/c.yaml\")'",
    ),
    Fault(
        "a folder named `x.yaml`",
        "inject --in-place pods",
        before="mkdir pods/x.yaml; cp pod.yaml pods/x.yaml/c.yaml",
        then="done_files 2 && grep -q 'name: agent' pods/x.yaml/c.yaml",
        outcome="gone through as any",
    ),
    Fault(
        "a file that may not be read",
        "AS=$as_user; inject --in-place pods",
        2,
        "pods/b.yaml: Permission denied",
        before="chmod 0 pods/b.yaml",
    ),
    Fault(
        "a folder that may not be entered",
        "AS=$as_user; inject --in-place pods; rc=$?; chmod 755 pods/c; exit $rc",
        2,
        "pods/c: Permission denied",
        before="mkdir -m 0 pods/c",
    ),
    Fault(
        "a file in it, named",
        "AS=$as_user; inject --in-place pods/c/d.yaml; rc=$?; chmod 755 pods/c; exit $rc",
        2,
        "pods/c/d.yaml: Permission denied",
        before="mkdir -m 0 pods/c",
    ),
    Fault(
        "a folder that may not be written",
        "AS=$as_user; inject --in-place pods; rc=$?; chmod 755 pods; exit $rc",
        2,
        "pods/a.yaml: Permission denied",
        before="chmod 555 pods",
    ),
    Fault(
        "a file that is write-protected, in a folder of one's own",
        "AS=$as_user; inject --in-place pods",
        before="chmod 444 pods/b.yaml",
        then="done_files 2 && [ $(stat -c %a pods/b.yaml) = 444 ]",
        outcome="done, as `sed -i` does; its permissions stay",
    ),
    Fault(
        "somebody else's file in a sticky folder",
        "AS=$as_user; inject --in-place pods",
        2,
        "pods/b.yaml: Operation not permitted",
        before="chmod 1777 pods; chown 12345 pods pods/b.yaml",
        needs="[ $(id -u) = 0 ]",
    ),
    Fault(
        "a file that is immutable",
        "inject --in-place pods; rc=$?; chattr -i pods/b.yaml; exit $rc",
        2,
        "pods/b.yaml: Operation not permitted",
        before="chattr +i pods/b.yaml",
        needs="touch x && chattr +i x && chattr -i x",
        outcome="exit 2: `Operation not permitted`; the others are put back",
    ),
    Fault(
        "a file that is a mount point",
        "unshare -rm bash -c 'mount --bind pod.yaml pods/b.yaml; inject --in-place pods'",
        2,
        "pods/b.yaml: Device or resource busy",
        needs=MOUNTS,
        outcome="exit 2: `Device or resource busy`; the others are put back",
    ),
    Fault(
        "a read-only file system",
        "unshare -rm bash -c 'mount --bind pods pods; mount -o remount,ro,bind pods; inject --in-place pods'",
        2,
        "Read-only file system",
        needs=MOUNTS,
    ),
    Fault(
        "a full disk",
        "unshare -rm bash -c 'mount -t tmpfs -o size=12k x pods; cp pod.yaml pods/a.yaml; cp pod.yaml pods/b.yaml; "
        "inject --in-place pods; rc=$?; [ $(ls -A pods | wc -l) = 2 ] && ! done_files 1 && exit $rc'",
        2,
        "pods/b.yaml: No space left on device",
        needs=MOUNTS,
    ),
    Fault(
        "a full disk, `--output-dir`",
        "unshare -rm bash -c 'mkdir out; mount -t tmpfs -o size=4k x out; inject --output-dir out/new pods; rc=$?; "
        '[ -z "$(ls -A out)" ] && exit $rc\'',
        2,
        "No space left on device",
        needs=MOUNTS,
        outcome="exit 2: `No space left on device`; no folder is left",
    ),
    Fault("the folder one is in is gone", "mkdir gone; cd gone; rmdir ../gone; inject --in-place x.yaml", 2, "no such file"),
    Fault(
        "the same, the files elsewhere",
        'mkdir gone; cd gone; rmdir ../gone; inject --in-place "$FOLDER/pods"',
        then="done_files 2",
    ),
    Fault(
        "`--templates` of somebody else",
        "AS=$as_user; filter --templates t <pod.yaml",
        2,
        "Permission denied",
        before="mkdir -m 0 t",
    ),
    Fault(
        "an editor's lock, a dangling link, in an agent's folder",
        "filter --templates t <pod.yaml",
        before="mkdir -p t/x; echo x >t/x/agent.yaml.j2; ln -s me@here t/x/.#agent.yaml.j2",
        outcome="left aside",
    ),
)

LIMITS = (
    Fault(
        "memory for less than the input needs (`ulimit -v`)",
        "ulimit -v 60000; filter <many",
        2,
        "there is not enough memory",
        before="yes '# a comment' | head -n 5000000 >many; cat pod.yaml >>many",
    ),
    Fault(
        "files smaller than the result (`ulimit -f`)",
        "export PYTHONDONTWRITEBYTECODE=1; ulimit -f 1; inject --in-place pods",  # else Python cuts its own files too
        2,
        "File too large",
        before="for i in {1..90}; do echo '# 345678901'; done >>pods/b.yaml",
    ),
    Fault("no more open files (`ulimit -n 6`)", "ulimit -n 6; filter <pod.yaml", 1, "Too many open files"),
    Fault("the same, two more", "ulimit -n 8; filter <pod.yaml", 0, outcome="done: the process of templates needs no more"),
    Fault(
        "computing time (`ulimit -t 1`)",
        "ulimit -t 1; inject --in-place pods/c.yaml",
        137,
        before="many 80000 >pods/c.yaml",
        outcome="the system kills it; files untouched",
    ),
)

OWN = 'print("MINE"); raise SystemExit(9)'
ENVIRONMENT = (
    Fault("no `HOME`", "unset HOME SIDECAR_PLUGIN_CACHE; filter <pod.yaml"),
    Fault("`HOME` is a file", "unset SIDECAR_PLUGIN_CACHE; HOME=$FOLDER/pod.yaml filter <pod.yaml"),
    Fault(
        "`HOME` may not be written",
        "AS=$as_user; unset SIDECAR_PLUGIN_CACHE; filter <pod.yaml; rc=$?; chmod 755 home; exit $rc",
        before="chmod 555 home",
        outcome="done; nothing is kept",
    ),
    Fault("`TMPDIR` is not there", "TMPDIR=/nowhere filter <pod.yaml"),
    Fault(
        "`LC_ALL=C`, names and content beyond ASCII", "LC_ALL=C inject pods", before="sed 's/web/wéb/' pod.yaml >pods/é.yaml"
    ),
    Fault(
        "ASCII forced on Python",
        "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 inject --in-place pods",
        before="sed 's/web/wéb/' pod.yaml >pods/é.yaml",
        then="done_files 3",
    ),
    Fault(
        "`PYTHONIOENCODING=ascii:strict`",
        "PYTHONIOENCODING=ascii:strict filter <odd.yaml | grep -q wéb",
        before="sed 's/: web$/: wéb/' pod.yaml >odd.yaml",
    ),
    Fault("`PYTHONWARNINGS=error`", "PYTHONWARNINGS=error filter <pod.yaml"),
    Fault("`PYTHONOPTIMIZE=2`", "PYTHONOPTIMIZE=2 filter <pod.yaml; PYTHONOPTIMIZE=2 sidecar-plugin check --help"),
    Fault(
        "`PYTHONDEVMODE=1`, `PYTHONSTARTUP`",
        "PYTHONDEVMODE=1 PYTHONSTARTUP=own.py filter <pod.yaml",
        before=f"echo '{OWN}' >own.py",
    ),
    Fault(
        "modules of one's own, `yaml.py`, `jinja2.py`, `json.py`, … in the current folder",
        "filter <pod.yaml | grep -q 'name: agent' && sidecar-plugin check pod.yaml && sidecar-plugin agents >/dev/null",
        before=f"for m in yaml jinja2 json jsonschema_rs sidecar_plugin tqdm; do echo '{OWN}' >$m.py; done",
        outcome="done; they are not imported",
    ),
    Fault(
        "no `/proc`, a template of one's own",
        "unshare -rm bash -c 'mount -t tmpfs x /proc; filter <pod.yaml'",
        1,
        "cannot be confined",
        needs=MOUNTS,
    ),
    Fault(
        "no `/proc`, built-in agents",
        "unshare -rm bash -c 'mount -t tmpfs x /proc; sidecar-plugin --set clusterVersion=1.30,agents.logging.enabled=true"
        " <pod.yaml'",
        needs=MOUNTS,
    ),
)

CACHED = "export SIDECAR_PLUGIN_CACHE=cache; filter <pod.yaml >/dev/null; SIDECAR_PLUGIN_CACHE=off filter <pod.yaml >right"
AGAIN = "filter <pod.yaml | cmp - right"
CACHE = (
    Fault("the folder is a file", "SIDECAR_PLUGIN_CACHE=pod.yaml filter <pod.yaml"),
    Fault(
        "the folder may not be entered",
        "AS=$as_user; SIDECAR_PLUGIN_CACHE=cache filter <pod.yaml; rc=$?; chmod 755 cache; exit $rc",
        before="mkdir -m 0 cache",
    ),
    Fault(
        "the folder holds 100 files of the user's",
        "export SIDECAR_PLUGIN_CACHE=docs; filter <pod.yaml",
        before="mkdir docs; for i in {1..100}; do echo $i >docs/$i.json; done",
        then='test "$(ls docs/*[0-9].json | wc -l)" -ge 100',
        outcome="done; none of them is touched",
    ),
    Fault("a FIFO in the place of an entry", f"{CACHED}; for f in cache/*; do rm $f; mkfifo $f; done; {AGAIN}"),
    Fault("an entry cut in half", f"{CACHED}; for f in cache/*; do truncate -s 500 $f; done; {AGAIN}"),
    Fault(
        "the folder is a link to one of somebody else's, with an entry made by them",
        f"{CACHED}; sed -i s/agent:1/evil:1/ cache/*; mv cache theirs; ln -s theirs cache; chown -R 12345 theirs; {AGAIN}",
        needs="[ $(id -u) = 0 ]",
        outcome="done; the entry is not read",
    ),
    Fault("the clock was set back", f"{CACHED}; touch -d 2099-01-01 cache/* cache; {AGAIN}"),
)

TABLES = {"streams": STREAMS, "files": FILES, "limits": LIMITS, "environment": ENVIRONMENT, "cache": CACHE}
