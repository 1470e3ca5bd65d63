"""Tests of `sidecar_plugin/runtime`."""
