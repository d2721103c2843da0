"""The operator Custom, which users write in Python (`mx.operator`): a record for each use of it.

What such an operator takes and gives is up to the user's description of it (a CustomOpProp), which is made from the attributes of one
node. So every node has a record of its own, made by `specialise`; the registered one only stands for the name.
"""
from ..errors import MXNetError
from . import registry
from .attributes import Attribute, as_dtype, kind_of
from .registry import REQUIRED, Operator, operator

__all__ = ['CustomOperator', 'names', 'register', 'specialise']

_registered: dict = {}


def register(name, prop_class):
    """Keep the class of a user's operator under a name; a later one wins."""
    _registered[name] = prop_class


def names():
    """Return the names of all users' operators."""
    return sorted(_registered)


def _refuse(name):
    return MXNetError(f'operator {name} runs code of yours: call nd.Custom or sym.Custom')


@operator('Custom')
def custom(env, *data, op_type: str):
    """Run an operator that a user wrote in Python and registered with `mx.operator.register`."""
    raise _refuse('Custom')


class CustomOperator(Operator):
    """The record of one node.

    Parameters
    ----------
    texts : dict of str to str
        Attributes: op_type, and what the user's class gets.

    Attributes
    ----------
    prop : CustomOpProp
        The user's description.
    """

    def __init__(self, texts):
        op_type = texts.get('op_type')
        if not op_type:
            raise MXNetError("Required argument `op_type` is missing: Custom(..., op_type='name')")
        if op_type not in _registered:
            raise MXNetError(f'Cannot find custom operator {op_type}: register it with mx.operator.register({op_type!r})')
        prop = _registered[op_type](**{key: text for key, text in texts.items() if key != 'op_type'})
        arguments, states, outputs = (_listed(op_type, prop, what)
                                      for what in ('list_arguments', 'list_auxiliary_states', 'list_outputs'))
        super().__init__('Custom', custom.forward, outputs=lambda **_: len(outputs), output_names=tuple(outputs),
                         arguments=lambda **_: (*arguments, *states), shape_rule=self._shapes, type_rule=self._types)
        self.prop = prop
        self.op_type = op_type
        self.argument_count, self.output_count = len(arguments), len(outputs)
        self.input_names = (*arguments, *states)
        self.mutates = tuple(range(len(arguments), len(self.input_names)))
        self.attributes = {key: Attribute(key, kind_of(str), REQUIRED) for key in texts}
        self._defaults = None

    def specialise(self, attrs):
        """Return this record: it is made for its node already."""
        return self

    def _shapes(self, ins, outs, attrs):
        """Complete shapes, by asking the user's class; what it can't say while some are unknown stays unknown."""
        known = all(shape is not None and 0 not in shape for shape in ins[:self.argument_count])
        asked = [[] if shape is None else list(shape) for shape in ins[:self.argument_count]]
        try:
            found = self.ask('infer_shape', asked)
        except MXNetError:
            if known:
                raise
            return list(ins), list(outs)
        shapes, out_shapes, states = ([tuple(int(n) for n in shape) or None for shape in part] for part in found)
        return shapes + states, out_shapes

    def _types(self, ins, outs, attrs):
        """Complete types, by asking the user's class."""
        try:
            found = self.ask('infer_type', list(ins[:self.argument_count]))
        except MXNetError:
            if None not in ins[:self.argument_count]:
                raise
            return list(ins), list(outs)
        types, out_types, states = ([as_dtype(dtype) for dtype in part] for part in found)
        return types + states, out_types

    def ask(self, method, values):
        """Return what `infer_shape` or `infer_type` of the user's class says: three lists.

        Raises
        ------
        MXNetError
            It failed, or returned lists of wrong lengths.
        """
        try:
            found = getattr(self.prop, method)(values)
        except Exception as error:
            raise MXNetError(f'Error in {self.op_type}.{method}: {type(error).__name__}: {error}') from error
        if len(found) == 2:
            found = (*found, [])
        if len(found) != 3:
            raise MXNetError(f'Error in {self.op_type}.{method}: {method} must return 2 or 3 lists')
        counts = (self.argument_count, self.output_count, len(self.mutates))
        for part, count, what in zip(found, counts, ('input', 'output', 'aux state')):
            if len(part) != count:
                raise MXNetError(f'Error in {self.op_type}.{method}: expecting {count} entries in returned {what} '
                                 f'{method.removeprefix("infer_")}s, got {len(part)}.')
        return found


def _listed(op_type, prop, what):
    found = list(getattr(prop, what)())
    if not all(isinstance(name, str) for name in found):
        raise MXNetError(f'{what} of custom operator {op_type} must return a list of names, but returned {found}')
    return found


def specialise(attrs):
    """Return the record of a node with these attribute texts; annotations (`__lr_mult__`) are not for the user's class."""
    return CustomOperator({key: text for key, text in attrs.items() if not (key.startswith('__') and key.endswith('__'))})


registry.get('Custom').specialise = specialise
