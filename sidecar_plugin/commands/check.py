"""`sidecar-plugin check PATH…`: tells mistakes in the declaration of sidecars."""

from sidecar_plugin.command_line import add_options, parser, say, write
from sidecar_plugin.files import check_files
from sidecar_plugin.linting.formats import FORMATS, Report
from sidecar_plugin.rules import RULES, documentation, rule_of, selected, title
from sidecar_plugin.run import Options

DESCRIPTION = """\
Check manifests and values files for mistakes in the declaration of sidecars. Ends with 1 when there is a finding of level error
(with --strict: any finding). Rules that depend on the cluster's version or platform run only if these are given.
"""


def run(words: list[str]) -> int:
    """Check; return the exit status. Raises SidecarPluginError for bad usage and settings."""
    line = parser("check", DESCRIPTION)
    line.add_argument("path", nargs="*", metavar="PATH", help="a manifest, a folder of manifests, or - for stdin")
    for flag, text in (("--select", "run this rule only"), ("--ignore", "do not run this rule")):
        line.add_argument(flag, metavar="RULE", action="append", default=[], help=f"{text} (can be repeated; or RULE,RULE)")
    line.add_argument("--format", choices=tuple(FORMATS), default="text", help="text (default), json, sarif or github")
    line.add_argument("--list", action="store_true", help="list the rules")
    line.add_argument("--explain", metavar="RULE", help="show a rule's documentation")
    add_options(line, ("--config", "--cluster-version", "--platform", "--strict"))
    parsed = line.parse_args(words)
    rules = selected(_names(parsed.select), _names(parsed.ignore))
    if parsed.explain is not None:
        rule = rule_of(parsed.explain)
        write(f"{rule.ID} ({rule.LEVEL}): {title(rule)}\n\n{documentation(rule)}\n".encode())
        return 0
    if parsed.list:
        width = max(map(len, RULES))
        write("".join(f"{rule.ID:{width}}  {rule.LEVEL:7}  {title(rule)}\n" for rule in rules).encode())
        return 0
    if not parsed.path:
        line.error("the following arguments are required: PATH")
    given = Options(config=tuple(parsed.config), cluster_version=parsed.cluster_version, platform=parsed.platform)
    report = check_files(parsed.path, given, rules)
    write(FORMATS[parsed.format](report).encode())
    if parsed.format in ("text", "github"):
        say(_summary(report))
    return 1 if report.count("error") or (parsed.strict and report.findings) else 0


def _names(given: list[str]) -> list[str]:
    return [name.strip() for words in given for name in words.split(",") if name.strip()]


def _summary(report: Report) -> str:
    errors, warnings = (_counted(report.count(level), level) for level in ("error", "warning"))
    text = f"sidecar-plugin: {errors}, {warnings} in {_counted(report.pods, 'workload')}\n"
    for need, option in (("version", "--cluster-version"), ("platform", "--platform")):
        names = [rule.ID for rule in report.not_run if need in rule.NEEDS]
        if names:
            text += f"sidecar-plugin: not run without {option}: {', '.join(names)}\n"
    return text


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
