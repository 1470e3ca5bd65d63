"""SidecarSets of OpenKruise, offered by `engine.py`.

`kruise.py` says what its versions have, `pods.py` writes the selectors, `containers.py` what a SidecarSet adds to a pod,
`resources.py` the ConfigMaps and Secrets of virtual nodes, `objects.py` the objects.
"""
