"""Tests of `sidecar_plugin/e2e`."""
