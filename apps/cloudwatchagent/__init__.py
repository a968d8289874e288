"""Publishes CPU, memory and network of supervised processes as Container Insights publishes those of pods."""
