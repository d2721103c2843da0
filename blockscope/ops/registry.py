"""The registry: one record an operator, made from the decorated forward function.

The forward's signature says everything about the arguments: after ``env`` come the arrays (one with a default of None is
optional, a starred one takes any number), then, keyword-only, the attributes with type and default.  A keyword-only ``out``
without annotation means that the forward can write its result into a given raw array.

    @operator("FullyConnected", shapes=dense_shapes)
    def fully_connected(env, data, weight, bias=None, *, num_hidden: int, no_bias: bool = False, flatten: bool = True):
        ...

    @fully_connected.gradient
    def _(F, dy, _y, data, weight, _bias, *, flatten, **_):
        return lambda: F.dot(dy, weight).reshape(data.shape), ...

Gradient rules get raw arrays in an ordinary backward pass, and NDArrays when the gradient itself is recorded
(``create_graph=True``); ``F`` gives operators for either.  They return one callable (or None) an input; each is called only if
somebody wants that gradient.  A rule's array parameter whose name begins with an underscore is only asked for its shape and
dtype: the tape then need not keep the values, and overwriting them is no error.
"""

import functools
import inspect

from ..errors import MXNetError
from . import inference
from .attributes import REQUIRED, Attribute, kind_of

operators: dict[str, "Operator"] = {}


class Operator:
    """One operator: forward, arguments, gradient, shape rule, names.

    Attributes
    ----------
    name : str
        Canonical MXNet name.
    aliases : tuple of str
        Other names of the same operator.
    inputs : tuple of str
        Names of the arrays; with `variadic` the last one stands for any number.
    required_inputs : int
        How many arrays must be given.
    attributes : dict
        `Attribute` by name, in order.
    outputs : int or callable
        Number of arrays that forward returns (callable: from the attributes).
    visible : int or callable or None
        How many of them the user sees (None: all).
    mutates : tuple of int
        Positions of inputs that forward overwrites (auxiliary states).
    aliasing : bool
        Whether the result may be a view of the first input.
    saved_positions, unsaved_positions : tuple of int or None
        Inputs whose values the gradient rule needs, and the others; None stands for all, however many there are.
    uses_head : bool or callable
        Whether the gradient depends on the head gradient (callable: from the attributes); losses begin with one of their own.
    random : bool
        Whether forward draws random numbers when it trains, so that running it again gives something else.
    saves_output : bool
        Whether the gradient rule needs values of outputs.
    saved_outputs : tuple of int or None
        Which of several outputs those are; None stands for all.
    takes_out : bool
        Whether forward takes an ``out`` of the first input's shape and dtype, which may be that input.
    takes_into : bool
        Whether forward takes an ``into``: an array like its (first) result that shares no memory with inputs. It is written to if that is
        possible without a copy; what forward returns counts.
    arguments : callable or None
        For graphs: ``(attrs) -> names`` of the inputs that a node has under these attributes (with their `count` for an operator
        that takes any number); None stands for the rule in `argument_names`.
    output_names : tuple of str or callable or None
        For graphs: what list_outputs appends to a node's name, one a visible output (callable: from the attributes); then what
        monitors append for hidden ones.
    graph_outputs : int or callable or None
        For graphs: how many outputs MXNet counts, hidden ones included; None: as many as forward returns.
    stamps : dict
        For graphs: attributes that the operator writes on variables given as inputs, by input name.
    creates_variables : bool
        For graphs: whether inputs that are not given become variables.
    shapes : callable or None
        ``(shapes of the inputs, attrs) -> shapes``, with those of parameters filled in from that of the first input.
    shape_rule, type_rule : callable or None
        How shapes and types of inputs and outputs follow from each other; see `ops.inference`.
    """

    # For plans that see the same shapes again and again: what `prepared` and `prepared_gradient` attach.
    prepare = prepare_gradient = None
    dynamic = False  # whether the shape of the result depends on values
    compiled = False  # whether this is a whole graph, which computes its gradients itself
    specialise = None  # where nodes have records of their own: ``(attribute texts) -> Operator``

    def __init__(self, name, forward, *, aliases=(), outputs=1, visible=None, mutates=(), shapes=None, aliasing=False,
                 count_attribute=None, optional_attributes=(), arguments=None, output_names=None, graph_outputs=None, stamps=None,
                 creates_variables=True, shape_rule=None, type_rule=None, random=False):
        self.name = name
        self.aliases = tuple(aliases)
        self.forward = forward
        self.outputs = outputs
        self.visible = visible
        self.shapes = shapes
        self.aliasing = aliasing
        self.count_attribute = count_attribute
        self.arguments = arguments
        self.output_names = output_names
        self.graph_outputs = graph_outputs
        self.creates_variables = creates_variables
        self.shape_rule = shape_rule
        self.type_rule = type_rule
        self.stamps = {} if stamps is None else stamps
        self.rule = None
        self.uses_head = True
        self.random = random
        self.second_order = True
        self.elementwise = False
        self.same_dtype = False
        self.cuda = None
        self.saves(False, False)
        self.saved_outputs = None
        self._cache: dict = {}
        self._inferred: dict = {}
        self._read_signature()
        required = any(a.required for a in self.attributes.values())
        self._defaults = None if required else {n: a.default for n, a in self.attributes.items()}
        self.mutates = tuple(self.inputs.index(m) for m in mutates)
        self.__doc__ = forward.__doc__

    def _read_signature(self):
        inputs, required, self.variadic, self.attributes, self.takes_out, self.takes_into = [], 0, False, {}, False, False
        parameters = list(inspect.signature(self.forward).parameters.values())[1:]
        for p in parameters:
            if p.kind is p.VAR_POSITIONAL:
                inputs.append(p.name)
                self.variadic = True
            elif p.kind is p.POSITIONAL_OR_KEYWORD:
                inputs.append(p.name)
                required += p.default is p.empty
            elif p.name == "out":
                self.takes_out = True
            elif p.name == "into":
                self.takes_into = True
            else:
                kind = kind_of(p.annotation)
                default = p.default if p.default is p.empty or p.default is None else kind.parse(p.default)
                self.attributes[p.name] = Attribute(p.name, kind, default)
        self.inputs = tuple(inputs)
        self.required_inputs = required

    def gradient(self, rule=None, *, second_order=True):
        """Attach the gradient rule (decorator); with ``second_order=False`` it is for raw arrays only."""
        if rule is None:
            return lambda function: self.gradient(function, second_order=second_order)
        self.rule = rule
        self.second_order = second_order
        names = [p.name for p in inspect.signature(rule).parameters.values()
                 if p.kind in (p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
        kept = [not n.startswith("_") for n in names[3:]]
        self.uses_head = not names[1].startswith("_")
        self.saves(not names[2].startswith("_"), kept[-1] if self.variadic else kept)
        return rule

    def prepared(self, make):
        """Attach (decorator) ``make(env, attrs, *arrays) -> forward``: a shorter forward for arrays of these shapes and types, or None.

        It is called as ``forward(*arrays)`` and computes exactly what the general one does.
        """
        self.prepare = make
        return make

    def prepared_gradient(self, make):
        """Attach (decorator) ``make(env, attrs, wanted, spare, *arrays) -> gradients``, or None.

        It is called as ``gradients(dy, y, *arrays)`` and returns a list of those of the inputs at the positions `wanted`, which are exactly
        what the rule gives. What `spare` names may be overwritten: positions of inputs, and 'y' for the (first) output.
        """
        self.prepare_gradient = make
        return make

    def saves(self, output, inputs):
        """Say which values the gradient rule needs, so that the tape keeps them.

        Parameters
        ----------
        output : bool
            Whether it needs the output.
        inputs : bool or sequence of bool
            Whether it needs each input; one answer for an operator of any number of inputs.
        """
        self.saves_output = output
        if isinstance(inputs, bool):
            self.saved_positions, self.unsaved_positions = (None, ()) if inputs else ((), None)
        else:
            self.saved_positions = tuple(i for i, keep in enumerate(inputs) if keep)
            self.unsaved_positions = tuple(i for i, keep in enumerate(inputs) if not keep)

    def needs_head(self, attrs):
        """Return whether the gradient depends on the head gradient; losses start with one of their own."""
        return self.uses_head(attrs) if callable(self.uses_head) else self.uses_head

    def infers_shape(self, rule):
        """Attach the rule by which shapes follow from each other (decorator)."""
        self.shape_rule = rule
        return rule

    def infers_type(self, rule):
        """Attach the rule by which types follow from each other (decorator)."""
        self.type_rule = rule
        return rule

    def infer_shape(self, ins, outs, attrs):
        """Complete the shapes of inputs and outputs, as far as they follow from each other.

        Parameters
        ----------
        ins, outs : sequence of tuple or None
            Known shapes; None is an unknown one, 0 an unknown length. Outputs are counted as `count_graph_outputs` does.
        attrs : dict
            Typed attributes.

        Returns
        -------
        (list, list)
            The shapes of inputs and outputs.

        Raises
        ------
        ValueError or MXNetError
            They contradict each other.

        Examples
        --------
        >>> op = get("FullyConnected")
        >>> op.infer_shape([(2, 3), None, None], [None], op.parse({"num_hidden": 4}))
        ([(2, 3), (4, 3), (4,)], [(2, 4)])
        """
        key = "shape", tuple(ins), tuple(outs), *attrs.values()
        found = self._inferred.get(key)
        if found is None:
            found = self._infer_shape(ins, outs, attrs)
            self._remember(key, found)
        return found

    def _infer_shape(self, ins, outs, attrs):
        def merge(known, found, position):
            try:
                return inference.unite(known, found)
            except ValueError as error:
                names = self.argument_names(attrs, len(ins))
                raise ValueError(f"{error}: argument {names[position]}") from None
        if self.shapes is not None and ins[0] is not None:
            ins = inference.settle(ins, self.shapes(list(ins), attrs), merge)
        rule = self.shape_rule
        new_ins, new_outs = rule(ins, outs, attrs) if rule is not None else inference.compute(self, ins, outs, attrs)
        return (inference.settle(ins, new_ins, merge),
                inference.settle(outs, new_outs, lambda known, found, _: inference.unite(known, found)))

    def infer_type(self, ins, outs, attrs):
        """Complete the types of inputs and outputs; see `infer_shape`. Without a rule all of them are one type."""
        key = "type", tuple(ins), tuple(outs), *attrs.values()
        found = self._inferred.get(key)
        if found is None:
            new_ins, new_outs = (self.type_rule or inference.one_type)(ins, outs, attrs)
            found = (inference.settle(ins, new_ins, lambda known, new, _: inference.unite_types(known, new)),
                     inference.settle(outs, new_outs, lambda known, new, _: inference.unite_types(known, new)))
            self._remember(key, found)
        return found

    def _remember(self, key, found):
        if len(self._inferred) >= 1024:
            self._inferred.clear()
        self._inferred[key] = found

    def infer_node(self, kind, node, ins, outs):
        """Complete shapes (kind "shape") or types ("type") of a node; operators with subgraphs have their own way to do it."""
        return (self.infer_shape if kind == "shape" else self.infer_type)(ins, outs, node.params)

    def count_outputs(self, attrs):
        """Return how many arrays forward returns under these attributes."""
        return self.outputs if isinstance(self.outputs, int) else self.outputs(**attrs)

    def count_visible(self, attrs):
        """Return how many outputs the user sees under these attributes."""
        if self.visible is None:
            return self.count_outputs(attrs)
        return self.visible if isinstance(self.visible, int) else self.visible(**attrs)

    def count_graph_outputs(self, attrs):
        """Return how many outputs a node of a graph has in MXNet's count, hidden ones included."""
        if self.graph_outputs is None:
            return self.count_outputs(attrs)
        return self.graph_outputs if isinstance(self.graph_outputs, int) else self.graph_outputs(**attrs)

    def argument_names(self, attrs, count=None):
        """Return the names of the inputs that a node of a graph has under these attributes.

        Parameters
        ----------
        attrs : dict
            Typed attributes.
        count : int, optional
            How many inputs were given, for an operator that takes any number.
        """
        if self.arguments is not None:
            return tuple(self.arguments(count=count, **attrs) if self.variadic else self.arguments(**attrs))
        if self.variadic:
            return tuple(f"arg{i}" for i in range(count))
        return self.inputs[:-1] if self.inputs[-1:] == ("bias",) and attrs.get("no_bias") else self.inputs

    def output_suffixes(self, attrs):
        """Return what list_outputs appends to a node's name, one text a visible output."""
        names = self.output_names(**attrs) if callable(self.output_names) else self.output_names
        count = self.count_visible(attrs)
        if names is not None:
            return tuple(names[:count])
        # A hidden output counts as well: sort's only visible one is output0.
        return ("output",) if self.count_graph_outputs(attrs) == 1 else tuple(f"output{i}" for i in range(count))

    def hidden_suffixes(self, attrs):
        """Return what monitors append to a node's name for the outputs that only they see, such as ``mask`` of Dropout."""
        names = self.output_names(**attrs) if callable(self.output_names) else self.output_names
        visible, count = self.count_visible(attrs), self.count_graph_outputs(attrs)
        return tuple(f"output{i}" for i in range(visible, count)) if names is None else tuple(names[visible:count])

    def parse(self, given):
        """Return the complete typed attributes for the given ones; results are cached by value.

        Raises
        ------
        MXNetError
            For a missing, unknown or wrong attribute; the message names operator and attribute.
        """
        if not given and self._defaults is not None:
            return self._defaults
        try:
            key = tuple(given.items())
            found = self._cache.get(key)
            if found is not None:
                return found
        except TypeError:  # an unhashable value (a list): parse it each time
            return self._parse(given)
        attrs = self._parse(given)
        # True == 1 == 1.0 as keys: all three give the same typed value for every kind but Text, which is stable by type.
        if len(self._cache) < 512:
            self._cache[key] = attrs
        return attrs

    def _parse(self, given):
        attrs = {}
        for name in given:
            # Annotations such as __layout__ belong to nodes of symbolic graphs; as in MXNet, operators ignore them.
            if name not in self.attributes and not (name.startswith("__") and name.endswith("__")):
                raise MXNetError(self.explain_unknown(name))
        for name, attribute in self.attributes.items():
            if name not in given:
                if attribute.default is REQUIRED:
                    raise MXNetError(f"Required parameter {name} of {attribute.kind.name} is not presented, "
                                     f"in operator {self.name}")
                attrs[name] = attribute.default
                continue
            try:
                attrs[name] = attribute.kind.parse(given[name])
            except (ValueError, SyntaxError, TypeError, MXNetError) as error:
                why = f": {error}" if isinstance(error, MXNetError) else f": it takes {attribute.kind.name}"
                raise MXNetError(f"Invalid value {given[name]!r} for parameter {name} of operator {self.name}{why}") from error
        return attrs

    def explain_unknown(self, name):
        """Return the message for an attribute that this operator doesn't have."""
        possible = "\n".join(a.describe() for a in self.attributes.values())
        return (f"Cannot find argument '{name}', Possible Arguments:\n----------------\n{possible}\n"
                f", in operator {self.name}")

    def describe_call(self, shapes, attrs):
        """Return the operator with its inputs' shapes and non-default attributes, for messages."""
        names = self.inputs if not self.variadic else (f"{self.inputs[-1]}{i}" for i in range(len(shapes)))
        arrays = [f"{n}={s}" for n, s in zip(names, shapes)]
        changed = [f"{k}={v!r}" for k, v in attrs.items()
                   if k in self.attributes and self.attributes[k].default is not v and self.attributes[k].default != v]
        return f"{self.name}({', '.join(arrays + changed)})"

    def __repr__(self):
        return f"<operator {self.name}>"


def operator(name, *aliases, **options):
    """Register the decorated forward function as operator `name`.

    Parameters
    ----------
    name, *aliases : str
        Canonical name, then the others.
    **options
        See `Operator`.
    """
    # Defaults may be written as users write them ("float32"): the kind turns them into the typed value.
    def register(forward):
        return add(Operator(name, forward, aliases=aliases, **options))
    return register


def add(op):
    """Put an operator record into the registry under all its names."""
    for name in (op.name, *op.aliases):
        if name in operators:
            raise ValueError(f"operator name {name} is registered twice: by {operators[name]} and {op}")
        operators[name] = op
    return op


def get(name):
    """Return the operator of a name or alias.

    Examples
    --------
    >>> get("flatten").name
    'Flatten'
    """
    try:
        return operators[name]
    except KeyError:
        raise MXNetError(f"Operator {name} is not registered: it is not (yet) part of blockscope") from None


_SPACES = ("_contrib_", "_linalg_", "_sparse_", "_image_", "_random_")


def hint(name):
    """Return what automatic names of an operator's nodes are made of, from the registered name it was called by.

    Examples
    --------
    >>> hint("FullyConnected"), hint("_contrib_ROIAlign"), hint("_PlusScalar")
    ('fullyconnected', 'roialign', '_plusscalar')
    """
    space = next((s for s in _SPACES if name.startswith(s)), "")
    if space == "_random_" and not name.endswith("_like"):
        space = ""
    return name[len(space):].lower()


class RawFunctions:
    """Operators as functions of raw arrays in one environment: the ``F`` of gradient rules in an ordinary backward pass."""

    def __init__(self, env):
        self.env = env
        self.xp = env.xp

    def __getattr__(self, name):
        call = functools.partial(get(name).forward, self.env)
        setattr(self, name, call)
        return call
