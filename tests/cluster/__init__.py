"""A real Kubernetes of two nodes for tests; docs/testing.md tells how it is made and what is real in it."""
