"""`python -m sidecar_plugin` is the command `sidecar-plugin`."""

from sidecar_plugin.frontends.process import program

program()
