"""Settings of the whole test run.

HYPOTHESIS_PROFILE=long tries 25,000 cases a property (an hour), the default a few hundred, the same ones each time.
"""

import os

from hypothesis import settings

settings.register_profile("default", max_examples=300, derandomize=True, deadline=None)
settings.register_profile("long", max_examples=25_000, deadline=None)
settings.register_profile("search", max_examples=3_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
