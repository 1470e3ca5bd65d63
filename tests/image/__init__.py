"""Tests of `sidecar_plugin/image`."""
