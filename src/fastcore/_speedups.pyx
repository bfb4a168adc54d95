"""The compiled backend's door: the pure-mode kernels under a second name, and the build stamp."""

cimport cython

cdef extern from *:
    const char *FASTCORE_VERSION

include "kernels/fibonacci.py"
include "kernels/logic.py"
include "kernels/conditions.py"
include "kernels/writing_values.py"
include "kernels/writing.py"

BUILD_VERSION = FASTCORE_VERSION.decode("ascii")
