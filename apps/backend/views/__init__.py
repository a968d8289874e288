"""HTTP: one blueprint a group of routes; each reads the request, calls a service and answers."""
