from fastcore.kernels.columns import column_actions as column_actions
from fastcore.kernels.columns import column_fields as column_fields
from fastcore.kernels.columns import column_runner as column_runner
from fastcore.kernels.conditions import conditions_blocks as conditions_blocks
from fastcore.kernels.conditions import conditions_clean as conditions_clean
from fastcore.kernels.conditions import conditions_event as conditions_event
from fastcore.kernels.conditions import conditions_kind as conditions_kind
from fastcore.kernels.conditions import conditions_list as conditions_list
from fastcore.kernels.conditions import conditions_members as conditions_members
from fastcore.kernels.conditions import conditions_passed as conditions_passed
from fastcore.kernels.conditions import conditions_program as conditions_program
from fastcore.kernels.conditions import conditions_setting as conditions_setting
from fastcore.kernels.deciding import decider as decider
from fastcore.kernels.fibonacci import fibonacci as fibonacci
from fastcore.kernels.fibonacci import fibonacci_array as fibonacci_array
from fastcore.kernels.fibonacci import fibonacci_mod as fibonacci_mod
from fastcore.kernels.fibonacci import fibonacci_mod_array as fibonacci_mod_array
from fastcore.kernels.fibonacci import fibonacci_recursive as fibonacci_recursive
from fastcore.kernels.fibonacci import fibonacci_sequence as fibonacci_sequence
from fastcore.kernels.fibonacci import fibonacci_text as fibonacci_text
from fastcore.kernels.logic import logic_program as logic_program
from fastcore.kernels.matching import matcher as matcher
from fastcore.kernels.reading import reader as reader
from fastcore.kernels.writing import RowWriter as RowWriter
from fastcore.kernels.writing import WriteProgress as WriteProgress
from fastcore.kernels.writing_rows import write_one as write_one
from fastcore.kernels.writing_values import WriteSingle as WriteSingle
from fastcore.kernels.writing_values import write_constant as write_constant

BUILD_VERSION: str

def column_arrow_functions() -> tuple[int, ...]: ...

TYPE_CHECKING: bool
