from fastcore import _cython as cython


@cython.cfunc
def _fibonacci_seed(x: cython.int) -> cython.int:
    return x + 1


def fibonacci_seed(n):
    return _fibonacci_seed(n)
