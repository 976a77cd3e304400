"""How numba compiles and keeps the kernels: a notice while it compiles, and stale caches forgotten."""
