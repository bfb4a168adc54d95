"""Fibonacci in plain Python, by the three algorithms that tables of benchmarks like to mix up."""

__all__ = ["additions", "doubling", "modular", "recursive"]


def recursive(n: int) -> int:
    """The definition: the number of calls grows as the result does."""
    return n if n < 2 else recursive(n - 1) + recursive(n - 2)


def additions(n: int) -> int:
    """Iterative: n additions."""
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def doubling(n: int) -> int:
    """Fast doubling as it is usually written: three products per bit."""
    a, b = 0, 1
    for i in range(n.bit_length() - 1, -1, -1):
        c, d = a * (2 * b - a), a * a + b * b
        a, b = (d, c + d) if n >> i & 1 else (c, d)
    return a


def modular(n: int, m: int) -> int:
    """Fast doubling modulo m."""
    a, b = 0, 1 % m
    for i in range(n.bit_length() - 1, -1, -1):
        c, d = a * (2 * b - a) % m, (a * a + b * b) % m
        a, b = (d, (c + d) % m) if n >> i & 1 else (c, d)
    return a
