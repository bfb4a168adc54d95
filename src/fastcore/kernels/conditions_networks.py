"""IP addresses and CIDR blocks as numbers.

Blocks are ``{version: ((shift, prefixes), …)}``: a block is the number of its network without its host bits,
`shift` of them, in a set with all blocks of that length. So a look-up costs one set look-up for each prefix
length that occurs, however many blocks there are.

``socket.inet_pton`` reads what is written as usual; ``ipaddress`` decides about the rest and words errors.
"""

# Compiled, a comprehension or generator is a function of its own, to whom loop variables are untyped.
# ruff: noqa: SIM110

from fastcore import _cython as cython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


@cython.cclass
class _CondSockets:
    """The system's reader of addresses; bound before the first use, as most programs never need it.

    `strict` tells whether it refuses octets with leading zeros, which some systems read as octal.
    """

    read: object
    v4: object
    v6: object
    error: object
    strict: cython.bint

    def __init__(self) -> None:
        self.read = None

    @cython.cfunc
    def bind(self) -> "Any":
        if self.read is not None:
            return
        import socket

        self.v4, self.v6, self.error = socket.AF_INET, socket.AF_INET6, (OSError, ValueError)
        self.strict = False
        try:
            socket.inet_pton(socket.AF_INET, "010.0.0.1")
        except OSError:
            self.strict = True
        self.read = socket.inet_pton  # last: it tells another thread that all are there


_cond_sockets = cython.declare(_CondSockets, _CondSockets())


@cython.cfunc
def _cond_packed(text: "Any") -> "Any":
    """The version and the number of an address; None where `ipaddress` is to be asked."""
    if "\0" in text or ("." in text and not _cond_sockets.strict):  # PyPy reads up to a NUL
        return None
    version = 6 if ":" in text else 4
    read: Any = _cond_sockets.read
    try:
        packed = read(_cond_sockets.v6 if version == 6 else _cond_sockets.v4, text)
    except _cond_sockets.error:
        return None
    return version, int.from_bytes(packed, "big")


@cython.cfunc
def _cond_address(text: "Any") -> "Any":
    """The version and the number of an address, an IPv4 address within IPv6 as IPv4; None if it is none."""
    found = _cond_packed(text)
    if found is None:
        import ipaddress

        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return None
        found = address.version, int(address)
    version, number = found
    return (4, number & 0xFFFFFFFF) if version == 6 and number >> 32 == 0xFFFF else found


@cython.cfunc
def _cond_block(text: "Any") -> "Any":
    """The version, the shift and the prefix of a CIDR block; None where `ipaddress` is to be asked."""
    written, slash, length = text.partition("/")
    found = _cond_packed(written)
    if found is None:
        return None
    version, number = found
    shift = 0
    if slash:
        width = 128 if version == 6 else 32
        if not (length.isascii() and length.isdigit() and len(length) <= 3 and int(length) <= width):
            return None
        shift = width - int(length)
    prefix = number >> shift
    return (version, shift, prefix) if prefix << shift == number else None


@cython.cfunc
def _cond_in_blocks(text: "Any", blocks: "Any") -> "Any":
    """Whether an address is in a block; unknown if it is none."""
    if not isinstance(text, str) or len(text) > 64:
        return None
    _cond_sockets.bind()
    found = _cond_address(text)
    if found is None:
        return None
    version, number = found
    for shift, prefixes in blocks.get(version, ()):
        if number >> shift in prefixes:
            return True
    return False


def conditions_blocks(texts: "Sequence[Any]") -> "tuple[dict[int, Any], list[tuple[int, str]]]":
    """CIDR blocks prepared for look-ups, and what is wrong: pairs of an index and a message.

    Complexity: linear in the number of blocks.
    """
    import ipaddress

    _cond_sockets.bind()
    grouped: dict = {}  # type: ignore[type-arg]
    errors = []
    index: cython.Py_ssize_t
    for index in range(len(texts)):
        text = texts[index]
        block = _cond_block(text) if type(text) is str else None
        if block is None:
            try:
                network = ipaddress.ip_network(text)
            except ValueError as error:
                errors.append((index, str(error)))
                continue
            shift = network.max_prefixlen - network.prefixlen
            block = network.version, shift, int(network.network_address) >> shift
        version, shift, prefix = block
        prefixes = grouped.get((version, shift))
        if prefixes is None:
            prefixes = grouped[version, shift] = set()
        prefixes.add(prefix)
    found: dict = {}  # type: ignore[type-arg]
    for (version, shift), prefixes in sorted(grouped.items(), key=_cond_block_order):
        found.setdefault(version, []).append((shift, frozenset(prefixes)))
    return {version: tuple(pairs) for version, pairs in found.items()}, errors


def _cond_block_order(item: "Any") -> "Any":
    return item[0]
