"""What the benchmarks serve beside the shop: one route in several ways of tracing, and ready answers with no app."""
