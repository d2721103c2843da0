"""Copying between contexts as a recorded operator: its gradient goes back to where the values came from."""

from ..backend import Context
from ..errors import MXNetError
from ..ops import registry
from . import dispatch
from .memory import move


class _ContextKind:
    """The attribute kind of a device."""

    name = "Context"

    @staticmethod
    def parse(value):
        if not isinstance(value, Context):
            raise ValueError(value)
        return value

    text = staticmethod(str)


def _forward(env, data, *, source: str, target: str):
    """Copy an array from the context `source` to the context `target`."""
    return move(data, source, target)


copyto = registry.Operator("_copyto", _forward)
for _attribute in copyto.attributes.values():
    _attribute.kind = _ContextKind()
registry.add(copyto)


@copyto.gradient
def _(F, dy, _y, _data, *, source, target):
    return (lambda: F._copyto(dy, source=target, target=source),)


def copy_between(data, source=None, target=None, out=None):
    """Copy an NDArray to another context, recorded when recording.

    Parameters
    ----------
    data : NDArray
        What to copy.
    source : Context, optional
        Where it lives.
    target : Context, optional
        Where the copy goes; the context of `out` by default.
    out : NDArray, optional
        Array to copy into instead.
    """
    if out is not None:
        target = out.context
        data = data.astype(out.dtype, copy=False)
    if target is None:
        raise MXNetError("operator _copyto needs target, a Context, or out, an array to copy into")
    return dispatch.invoke(copyto, (data,), {"source": data.context, "target": target}, out, target)


dispatch.replace("_copyto", copy_between)
