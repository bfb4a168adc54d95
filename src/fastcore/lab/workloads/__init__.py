"""Synthetic, deterministic inputs of the benchmarks, equal on every interpreter."""
