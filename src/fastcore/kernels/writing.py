from fastcore import _cython as cython


@cython.cfunc
def _writing_seed(x: cython.int) -> cython.int:
    return x + 1


def writing_seed(n):
    return _writing_seed(n)
