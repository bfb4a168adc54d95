# Operands that are arithmetic of fields and constants: computed in doubles where that is exact. Included by _speedups.pyx
# after _bitmaps_c.pyx.

cdef int _bitmap_build_steps(_BitmapOperand *operand, tree, numbers) except -1:
    """Arithmetic of fields and constants in postfix order; none where something else takes part."""
    steps = _bitmap_postfix(tree, numbers, 0)
    if steps is None:
        return 0
    cdef Py_ssize_t i
    operand.steps = <_BitmapStep *>_bitmap_memory(len(steps) * sizeof(_BitmapStep))
    operand.step_count = len(steps)
    for i in range(operand.step_count):
        op, argument = steps[i]
        operand.steps[i].op = ord(op)
        if op == "f":
            operand.steps[i].slot = argument
        elif op == "c":
            operand.steps[i].constant.kind = _BITMAP_INT if isinstance(argument, int) else _BITMAP_FLOAT
            operand.steps[i].constant.number = argument
    return 0


cdef object _bitmap_postfix(tree, numbers, depth):
    """Steps of arithmetic on fields and constants, or None; `depth` values are on the stack already."""
    op = tree[0]
    if depth >= _BITMAP_STACK - 1:
        return None
    if op == "const":
        value = tree[1]
        if type(value) is float and value == value or type(value) is int and abs(value) < _BITMAP_EXACT:
            return [("c", value)]
        return None
    if op == "var":
        slot = numbers.get(tree[1]) if len(tree) == 3 and tree[2] == 0 else None
        return None if slot is None else [("f", slot)]
    if op not in ("+", "-", "*", "/", "%") or len(tree) < 3:
        return None
    steps = []
    for position, operand in enumerate(tree[1:]):
        inner = _bitmap_postfix(operand, numbers, depth + (position > 0))
        if inner is None:
            return None
        steps += inner
        if position:
            steps.append((op, None))
    return steps


cdef bint _bitmap_compute(const _BitmapOperand *operand, const _BitmapValue *values, _BitmapValue *result) noexcept nogil:
    """One expression of the slots' values; False where only the evaluator can do it exactly."""
    cdef _BitmapValue stack[_BITMAP_STACK]
    cdef _BitmapValue *left
    cdef _BitmapValue *right
    cdef const _BitmapStep *step
    cdef int top = 0, i
    cdef double x
    for i in range(operand.step_count):
        step = &operand.steps[i]
        if step.op == b"f":
            stack[top] = values[step.slot]
            if stack[top].kind == _BITMAP_OBJECT:
                return False
            top += 1
            continue
        if step.op == b"c":
            stack[top] = step.constant
            top += 1
            continue
        top -= 1
        left, right = &stack[top - 1], &stack[top]
        if left.kind == _BITMAP_UNKNOWN or right.kind == _BITMAP_UNKNOWN:
            left.kind = _BITMAP_UNKNOWN
            continue
        if step.op == b"+":
            x = left.number + right.number
        elif step.op == b"-":
            x = left.number - right.number
        elif step.op == b"*":
            x = left.number * right.number
        elif right.number == 0:
            left.kind = _BITMAP_UNKNOWN
            continue
        elif step.op == b"/":
            x = left.number / right.number
            if left.kind == _BITMAP_INT and right.kind == _BITMAP_INT and fmod(left.number, right.number) != 0:
                left.kind = _BITMAP_FLOAT
        else:
            x = fmod(left.number, right.number)
        if right.kind == _BITMAP_FLOAT:
            left.kind = _BITMAP_FLOAT
        if left.kind == _BITMAP_INT and fabs(x) >= _BITMAP_EXACT:
            return False
        left.number = x
        if isnan(x):
            left.kind = _BITMAP_UNKNOWN
    result[0] = stack[0]
    return True
