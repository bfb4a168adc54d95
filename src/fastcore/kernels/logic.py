from fastcore import _cython as cython


@cython.cfunc
def _logic_seed(x: cython.int) -> cython.int:
    return x + 1


def logic_seed(n):
    return _logic_seed(n)
