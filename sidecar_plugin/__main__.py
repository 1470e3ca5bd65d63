"""`python -m sidecar_plugin` is the command `sidecar-plugin`."""

import sys

from sidecar_plugin.cli import main

sys.exit(main())
