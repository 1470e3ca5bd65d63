"""`export-policy`: write the settings for an engine that injects the agents in the cluster.

`engine.py` says what an engine offers, `engines.py` lists them. `agents.py` renders the agents, `cel.py` writes selectors.
The engines `admission_policy.py` and `kyverno.py` share what their policies say: `policy.py` and `guard.py`, with
`json_patch.py` for the patch and `marker.py` for the annotation.
"""
