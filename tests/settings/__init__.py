"""Tests of `sidecar_plugin/settings`."""
