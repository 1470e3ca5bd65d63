"""Tests of `sidecar_plugin/agents`."""
