"""`export-policy`: write the settings for an engine that injects the agents in the cluster.

`engine.py` says what an engine offers, `engines.py` lists them. `agents.py` renders the agents, `cel.py` writes selectors.
Of the engine `admission_policy.py` are `json_patch.py` with the patch, `marker.py` with the annotation, `policy.py` and
`guard.py` with the objects.
"""
