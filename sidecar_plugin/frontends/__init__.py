"""The three ways to start the program: the command line, the Helm post-renderer and the KRM function of kustomize."""
