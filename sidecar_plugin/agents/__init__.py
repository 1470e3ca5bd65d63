"""Agents: folders of templates and values, rendered in a sandbox to the parts that a pod needs."""
