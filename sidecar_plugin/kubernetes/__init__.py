"""What the program knows of Kubernetes: workload kinds, pod templates, selectors, quantities, cluster versions; and in two
folders the ways to declare a sidecar (`declarations`) and the platforms that run pods (`platforms`)."""
