from fastcore import _cython as cython


@cython.cfunc
def _conditions_seed(x: cython.int) -> cython.int:
    return x + 1


def conditions_seed(n):
    return _conditions_seed(n)
