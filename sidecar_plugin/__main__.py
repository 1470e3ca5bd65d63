"""`python -m sidecar_plugin` is the command `sidecar-plugin`."""

from sidecar_plugin.program import program

program()
