"""Tests of `sidecar_plugin/frontends`."""
