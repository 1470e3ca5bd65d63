"""Helpers that several tests share: the command in this process, real tools, generated manifests."""
