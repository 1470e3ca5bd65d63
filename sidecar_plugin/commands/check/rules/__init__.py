"""The rules of `sidecar-plugin check`, one file each: the docstring is the documentation, and its examples are tests.

A new rule is a module with ID, LEVEL, ABOUT, NEEDS and `check`, and a line here; `python -m
sidecar_plugin.commands.check.rules` writes
docs/rules.md anew.
"""

from sidecar_plugin.commands.check.rule import Rule
from sidecar_plugin.commands.check.rules import (
    acs_from_1_29,
    acs_on_other_platform,
    daemonset_on_virtual_nodes,
    host_access_on_virtual_nodes,
    is_sidecar_in_init_container,
    is_sidecar_value,
    native_before_1_29,
    port_clash,
    regular_sidecar_on_job,
    restart_policy_on_container,
    several_stdout_volumes,
    sidecar_ignores_sigterm,
    sidecar_without_limits,
    sidecar_without_pre_stop,
    unmounted_stdout_volume,
    unquoted_cluster_version,
    unreadable,
)
from sidecar_plugin.errors import UsageError, did_you_mean

RULES: dict[str, Rule] = {
    rule.ID: rule
    for rule in (
        restart_policy_on_container,
        native_before_1_29,
        is_sidecar_value,
        is_sidecar_in_init_container,
        acs_from_1_29,
        acs_on_other_platform,
        regular_sidecar_on_job,
        several_stdout_volumes,
        unmounted_stdout_volume,
        sidecar_without_pre_stop,
        sidecar_ignores_sigterm,
        sidecar_without_limits,
        port_clash,
        unquoted_cluster_version,
        host_access_on_virtual_nodes,
        daemonset_on_virtual_nodes,
        unreadable,
    )
}


def rule_of(name: str) -> Rule:
    """Return the rule of that name. Raises UsageError."""
    rule = RULES.get(name)
    if rule is None:
        raise UsageError(f'there is no rule "{name}"{did_you_mean(name, RULES)} (see `sidecar-plugin check --list`)')
    return rule


def selected(select: list[str], ignore: list[str]) -> list[Rule]:
    """Return the rules to run: those selected, or all, less the ignored. Raises UsageError for a name that is no rule's."""
    chosen = [rule_of(name).ID for name in select] or list(RULES)
    left_out = {rule_of(name).ID for name in ignore}
    return [RULES[name] for name in RULES if name in chosen and name not in left_out]
