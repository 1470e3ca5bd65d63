"""Editing the text of manifests: where documents begin, what is inserted where, and how to take it out again."""
