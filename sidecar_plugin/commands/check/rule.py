"""What a rule of `check` is: a module whose docstring is its documentation."""

from types import ModuleType

Rule = ModuleType
"""A module of sidecar_plugin.commands.check.rules: ID,
 LEVEL, ABOUT ("pod" or "document"), NEEDS (what of the cluster it has to know), and
`check(subject, cluster)`, which yields problems. Its docstring is its documentation."""


def title(rule: Rule) -> str:
    """Return the first line of a rule's documentation."""
    return (rule.__doc__ or "").partition("\n")[0]


def documentation(rule: Rule) -> str:
    """Return a rule's documentation without its first line."""
    return (rule.__doc__ or "").partition("\n")[2].strip()
