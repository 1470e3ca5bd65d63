"""`helm`: run helm (template, install, upgrade, diff) with the agents that the chart's values ask for under `sidecars`."""
