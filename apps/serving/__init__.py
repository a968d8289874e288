"""What every tier needs to be served: granian started with its settings, counters for Prometheus, a safe request."""
