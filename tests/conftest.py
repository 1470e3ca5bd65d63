"""Settings of the whole test run.

HYPOTHESIS_PROFILE chooses how many cases a property test tries: `quick` 25 (`make check`), `default` 300 (`make test`), both
the same cases each time; `search` 3,000 and `long` 25,000 (an hour), new cases each time.
"""

import os

from hypothesis import settings

settings.register_profile("quick", max_examples=25, derandomize=True, deadline=None)
settings.register_profile("default", max_examples=300, derandomize=True, deadline=None)
settings.register_profile("search", max_examples=3_000, deadline=None)
settings.register_profile("long", max_examples=25_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
