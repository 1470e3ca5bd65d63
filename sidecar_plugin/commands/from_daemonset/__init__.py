"""`from-daemonset`: make an agent folder out of the DaemonSet that runs the agent today.

`daemonset.py` reads the DaemonSet, `plan.py` decides what becomes of each field, `agent_files.py` writes the folder, and
`command.py` reports what a sidecar cannot take over.
"""
