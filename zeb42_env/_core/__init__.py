"""Numba kernels over HAND records: no Python objects, and no errors but asserts."""
