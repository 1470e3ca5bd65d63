"""Checking manifests by rules: what a rule sees, the run over all rules, and the formats in which findings are reported."""
