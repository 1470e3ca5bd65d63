"""Puts sidecar agents into rendered Kubernetes manifests, by editing their text."""

__version__ = "0.1.0"
