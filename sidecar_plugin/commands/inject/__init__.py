"""`sidecar-plugin inject`: puts agents into manifests; `--html` shows the change as a page for reviewers."""
