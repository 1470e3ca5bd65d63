"""Rewriting sidecars from one declaration to another, as edits of text.

A container's own lines move to the other list as they are, re-indented as a whole; the marks of the declarations are put in and
taken out; the annotation that `inject` wrote is kept true. Nothing else changes, and what cannot be done so is refused.
"""
