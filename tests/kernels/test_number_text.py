"""The C code that prints numbers, compiled as for other machines and compilers, and its tables."""

import os
import shutil
import struct
import subprocess
import sys
from array import array
from pathlib import Path

import pytest

from fastcore import PayloadBuilder
from tests.float_text import close_calls, edges, first_between, notation, scale, ties

ROOT = Path(__file__).parents[2]
HEADERS = ROOT / "src" / "fastcore" / "kernels" / "c"
PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include "number_text.h"

#define EACH(type, call)                                      \
    {                                                         \
        type x;                                               \
        while (fread(&x, sizeof x, 1, stdin) == 1) {          \
            char text[NUMBER_TEXT_ROOM + 1], *end = call;     \
            fwrite(text, 1, (size_t)(end - text), stdout);    \
            putchar('\n');                                    \
        }                                                     \
        break;                                                \
    }

int main(int count, char **words)
{
    int places = count > 2 ? atoi(words[2]) : 0;
    switch (words[1][0]) {
    case 'd': EACH(double, number_text_double(text, x))
    case 'f': EACH(float, number_text_single(text, x))
    case 'q': EACH(int64_t, number_text_i64(text, x))
    case 'Q': EACH(uint64_t, number_text_u64(text, x))
    case 'r': EACH(double, number_text_rounded(text, x, places))
    }
    return 0;
}
"""
VARIANTS = {
    "as it is": [],
    "without SSE2": ["-U__SSE2__"],
    "without SSE2, __int128 and a known byte order": [
        "-U__SSE2__",
        "-U__SIZEOF_INT128__",
        "-U__BYTE_ORDER__",
    ],
    "checked": ["-fsanitize=undefined", "-fno-sanitize-recover"],
    "without SSE2, checked": ["-U__SSE2__", "-fsanitize=undefined", "-fno-sanitize-recover"],
}

needs_sources = pytest.mark.skipif(
    not HEADERS.is_dir(), reason="the project's sources are not beside the tests"
)


@pytest.fixture(scope="module", params=VARIANTS)
def written(request, tmp_path_factory):
    """A function from a letter (d f q Q r) and values to their texts, by one variant of the code."""
    compiler = shutil.which(os.environ.get("CC", "cc").split()[0])
    if compiler is None or sys.platform == "win32":
        pytest.skip("no C compiler for POSIX")
    folder = tmp_path_factory.mktemp("number_text")
    (folder / "main.c").write_text(PROGRAM, encoding="utf-8")
    options = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{HEADERS}", *VARIANTS[request.param]]
    subprocess.run([compiler, *options, "main.c", "-o", "main"], cwd=folder, check=True)

    def run(letter, values, *arguments):
        data = array("d" if letter == "r" else letter, values).tobytes()
        command = [folder / "main", letter, *map(str, arguments)]
        return subprocess.run(command, input=data, check=True, stdout=subprocess.PIPE).stdout.decode().split()

    return run


@needs_sources
def test_integers(written):
    values = {abs(base**power + step) for base in (2, 10) for power in range(65) for step in (-1, 0, 1)}
    unsigned = sorted(value for value in values if value < 2**64)
    signed = [value for value in unsigned if value < 2**63]
    signed += [-value for value in signed] + [-(2**63)]
    assert written("Q", unsigned) == list(map(str, unsigned))
    assert written("q", signed) == list(map(str, signed))


@needs_sources
def test_doubles(written):
    values = edges() + close_calls()
    values += [-value for value in values]
    assert written("d", values) == list(map(notation, values))


@needs_sources
def test_float32(written):
    patterns = [*range(0, 2**32, 2**32 // 5000), *(power << 23 for power in range(512))]
    values = array("f", struct.pack(f"<{len(patterns)}I", *patterns))
    if sys.byteorder == "big":
        values.byteswap()
    values = array("f", [value for value in values if value - value == 0])
    data = PayloadBuilder({"v": float}, backend="python").build_columns([values], lines=True)
    assert written("f", values) == [line[5:-1] for line in data.decode().splitlines()]


@needs_sources
@pytest.mark.parametrize("places", range(23))
def test_rounding(written, places):
    values = ties(places)
    values += [-value for value in values]
    assert written("r", values, places) == [notation(round(value, places)) for value in values]


def test_products_are_never_too_close_to_call():
    """What number_odd_product relies on, in kernels/c/number_shortest.h."""
    for exponent in range(-1074, 972):
        numerator, modulus = scale(exponent)
        # the interval of a power of two is narrower below: where it holds no multiple of 10**k, k is one less
        lopsided = [10 * numerator] if 3 * numerator < 4 * modulus else []
        for unit in (numerator, *lopsided):
            step, close = unit % modulus, modulus >> 69
            for least, most in ((1, close), (modulus - close, modulus - 1)):
                if least <= most:
                    n = first_between(step, modulus, least, most)
                    assert n is None or n > 2**55


@needs_sources
def test_the_tables_are_what_their_tool_writes():
    subprocess.run([sys.executable, ROOT / "tools" / "number_tables.py", "--check"], check=True)
