"""The compiled backend's door: the pure-mode kernels under a second name, and the build stamp."""

cimport cython

cdef extern from *:
    const char *FASTCORE_VERSION

cdef enum:
    _FIB_COMPILED = 1

cdef extern from "fibonacci_objects.h":
    Py_ssize_t _fib_small_index "fib_small_index"(object n, Py_ssize_t last)
    object _fib_object "fib_object"(unsigned long long n)
    object _fib_modular "fib_modular_object"(object n, object m)
    int _fib_buffers "fib_buffers"(object ns, object out, bint modular, unsigned long long modulus) except -1
    long long _fib_recursive "fib_recursive"(int n)
    long long _fib_recursive_calls "fib_recursive_calls"(int n)

include "kernels/fibonacci.py"
include "kernels/logic_scopes.py"
include "kernels/logic_values.py"
include "kernels/logic_paths.py"
include "kernels/logic_arithmetic.py"
include "kernels/logic_functions.py"
include "kernels/logic_nodes.py"
include "kernels/logic_operators.py"
include "kernels/logic_iterators.py"
include "kernels/logic.py"
include "kernels/conditions_values.py"
include "kernels/conditions_nodes.py"
include "kernels/conditions_iterators.py"
include "kernels/conditions_networks.py"
include "kernels/conditions_membership.py"
include "kernels/conditions_functions.py"
include "kernels/conditions.py"
include "kernels/_bitmaps_c.pyx"
include "kernels/_arithmetic_c.pyx"
include "kernels/_deciding_c.pyx"
include "kernels/_matching_c.pyx"
include "kernels/_binding_c.pyx"
include "kernels/_reading_c.pyx"
include "kernels/_column_plan_c.pyx"
include "kernels/_columns_c.pyx"
include "kernels/writing_values.py"
include "kernels/writing_rows.py"
include "kernels/writing_columns.py"
include "kernels/_writing_plan_c.pyx"
include "kernels/_writing_cells_c.pyx"
include "kernels/_writing_tables_c.pyx"
include "kernels/_writing_plain_c.pyx"
include "kernels/_writing_columns_c.pyx"
include "kernels/_writing_c.pyx"

BUILD_VERSION = FASTCORE_VERSION.decode("ascii")
