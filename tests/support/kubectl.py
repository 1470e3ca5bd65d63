"""A program that stands in for kubectl and a cluster: it answers with the objects that a test gives, whatever is asked."""

from pathlib import Path

_PROGRAM = """\
#!/bin/sh
case $1 in
version) echo '{{"serverVersion": {{"gitVersion": "v1.30.0"}}}}' ;;
api-resources) printf '%s\\n' 'pods po v1 true Pod' 'deployments deploy apps/v1 true Deployment' 'nodes no v1 false Node' ;;
*) cat {} ;;
esac
"""


def stand_in(program: Path, objects: str) -> list[str]:
    """Write the program; return the option that names it."""
    objects_file = program.with_suffix(".json")
    objects_file.write_text(objects)
    program.write_text(_PROGRAM.format(objects_file))
    program.chmod(0o755)
    return ["--kubectl", str(program)]
