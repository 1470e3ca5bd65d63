"""Tests of the repository itself: its structure, derived files, documents."""
