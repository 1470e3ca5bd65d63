"""The rules of `sidecar-plugin check`, one file each: the docstring is the documentation, and its examples are tests.

A new rule is a module with ID, LEVEL, NEEDS and `check`, and a line in one of the tables below; `python -m
sidecar_plugin.commands.check.rules` writes docs/rules.md anew. The pod-wide rules and those of the stream are
`sidecar_plugin/kubernetes/pod_rules.py` and `stream_rules.py`, which `inject` uses too.
"""

from sidecar_plugin.commands.check.rule import DocumentRule, PodRule, Rule
from sidecar_plugin.commands.check.rules import (
    acs_from_1_29,
    acs_on_other_platform,
    agent_on_host_network,
    autoscaler_utilization,
    daemonset_on_virtual_nodes,
    daemonset_past_virtual_nodes,
    grace_period_too_short,
    host_access_on_virtual_nodes,
    is_sidecar_in_init_container,
    is_sidecar_value,
    limit_range,
    native_before_1_29,
    native_on_older_node,
    native_sidecar_stripped,
    one_name_twice,
    pod_resources_too_small,
    port_clash,
    regular_sidecar_on_job,
    resource_quota,
    restart_policy_on_container,
    root_where_non_root_holds,
    several_stdout_volumes,
    sidecar_ignores_sigterm,
    sidecar_without_limits,
    sidecar_without_pre_stop,
    unknown_medium,
    unmounted_stdout_volume,
    unquoted_cluster_version,
    unreadable,
)
from sidecar_plugin.errors import UsageError, did_you_mean

POD_RULES: tuple[PodRule, ...] = (
    restart_policy_on_container,
    native_before_1_29,
    native_on_older_node,
    native_sidecar_stripped,
    is_sidecar_value,
    is_sidecar_in_init_container,
    acs_from_1_29,
    acs_on_other_platform,
    regular_sidecar_on_job,
    several_stdout_volumes,
    unmounted_stdout_volume,
    unknown_medium,
    sidecar_without_pre_stop,
    sidecar_ignores_sigterm,
    sidecar_without_limits,
    port_clash,
    one_name_twice,
    agent_on_host_network,
    root_where_non_root_holds,
    pod_resources_too_small,
    grace_period_too_short,
    host_access_on_virtual_nodes,
    daemonset_on_virtual_nodes,
    daemonset_past_virtual_nodes,
)
STREAM_RULES: tuple[Rule, ...] = (limit_range, resource_quota, autoscaler_utilization)
"""The rules about pods and other objects of the files; `sidecar_plugin/kubernetes/stream_rules.py` finds what breaks them."""
DOCUMENT_RULES: tuple[DocumentRule, ...] = (unquoted_cluster_version,)
RULES: dict[str, Rule] = {rule.ID: rule for rule in (*POD_RULES, *STREAM_RULES, *DOCUMENT_RULES, unreadable)}


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
