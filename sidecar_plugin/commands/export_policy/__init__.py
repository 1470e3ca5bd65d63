"""`export-policy`: write the settings as a MutatingAdmissionPolicy, which injects the agents in the API server.

`agents.py` renders the agents, `json_patch.py` and `cel.py` write the patch, `marker.py` the annotation,
`policy.py` the objects.
"""
