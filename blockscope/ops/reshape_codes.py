"""The codes of MXNet's reshape: 0 copies a dimension, -1 infers one, -2 copies the rest, -3 merges two, -4 splits one."""

from math import prod

from ..errors import MXNetError


def infer_reshape(shape, codes, reverse=False):
    """Return the shape that reshape codes stand for.

    Parameters
    ----------
    shape : tuple of int
        Shape of the input.
    codes : tuple of int
        Target, with codes.
    reverse : bool
        Match from the right.

    Raises
    ------
    MXNetError
        If a code has nothing to match, or the target is larger.
    ValueError
        If the target is smaller.

    References
    ----------
    MXNet 1.9.1 operator ``Reshape``.

    Examples
    --------
    >>> infer_reshape((2, 3, 4), (-3, 4))
    (6, 4)
    >>> infer_reshape((2, 3, 4), (-4, 1, 2, -2))
    (1, 2, 3, 4)
    >>> infer_reshape((10, 5, 4), (-1, 0), reverse=True)
    (50, 4)
    """
    codes = tuple(int(c) for c in codes)
    source = tuple(shape)
    if reverse:
        # -4 splits with its two factors after it; from the right they come before it.
        return tuple(reversed(_match(source[::-1], _reverse_codes(codes), codes, shape)))
    return tuple(_match(source, codes, codes, shape))


def infer_partial(shape, codes, reverse=False):
    """Return what is known of the shape that reshape codes stand for when some lengths (0) are not known; -1 gives such a one.

    Examples
    --------
    >>> infer_partial((0, 3, 2), (-3, 0)), infer_partial((0, 6), (0, -4, -1, 2))
    ((0, 2), (0, 3, 2))
    """
    source = list(shape[::-1] if reverse else shape)
    rest = list(_reverse_codes(codes) if reverse else codes)
    target = []
    while rest:
        code = rest.pop(0)
        if code == -2:
            target += source
            source = []
        elif code == -4:
            left, right, whole = rest.pop(0), rest.pop(0), source.pop(0)
            target += [whole // right if left == -1 else left, whole // left if right == -1 else right]
        elif code == -3:
            target.append(source.pop(0) * source.pop(0))
        else:
            length = source.pop(0) if source else 0
            target.append(length if code == 0 else max(code, 0))
    return tuple(target[::-1] if reverse else target)


def _reverse_codes(codes):
    result, i = [], len(codes) - 1
    while i >= 0:
        if i >= 2 and codes[i - 2] == -4:
            result += [-4, codes[i], codes[i - 1]]
            i -= 3
        else:
            result.append(codes[i])
            i -= 1
    return tuple(result)


def _match(source, codes, given, shape):
    target, position, unknown, i = [], 0, None, 0

    def fail(why):
        raise MXNetError(f"reshape: cannot reshape array of shape {tuple(shape)} to {tuple(given)}: {why}")

    def take():
        nonlocal position
        if position >= len(source):
            fail("a code has no dimension left to match")
        position += 1
        return source[position - 1]

    while i < len(codes):
        code = codes[i]
        if code == 0:
            target.append(take())
        elif code == -1:
            if unknown is not None:
                fail("only one dimension can be inferred")
            unknown = len(target)
            target.append(1)
            position += 1
        elif code == -2:
            target += source[position:]
            position = len(source)
        elif code == -3:
            target.append(take() * take())
        elif code == -4:
            if i + 2 >= len(codes):
                fail("-4 needs two factors after it")
            whole, left, right = take(), codes[i + 1], codes[i + 2]
            if left == -1 and right == -1:
                fail("only one factor after -4 can be inferred")
            left = whole // right if left == -1 else left
            right = whole // left if right == -1 else right
            if left * right != whole:
                fail(f"-4 splits {whole} into {left} x {right}")
            target += [left, right]
            i += 2
        elif code < 0:
            fail(f"code {code} is not known")
        else:
            target.append(code)
            position += 1
        i += 1
    size, known = prod(source), prod(target)
    if unknown is not None:
        if known == 0 or size % known:
            fail(f"{size} elements do not fill it")
        target[unknown] = size // known
    elif known != size:
        if known < size:
            raise ValueError(f"Cannot reshape array of size {size} into shape {tuple(given)}")
        fail("target shape size is larger than the current shape")
    return target
