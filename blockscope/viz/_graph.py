"""What pictures and tables need to know of a graph."""
import json
import re
from typing import NamedTuple

__all__ = ["Box", "boxes", "shapes_of_outputs", "sizes", "types_of_outputs"]


class Box(NamedTuple):
    """One node as a symbol file has it; `inputs` are pairs of the number of a node and that of one of its outputs."""

    name: str
    op: str  # "null" for a variable
    attrs: dict
    inputs: list


def boxes(symbol):
    """Return the nodes of a symbol in the order of its file, and the numbers that stand for its first output there."""
    content = json.loads(symbol.tojson())
    found = [Box(node["name"], node["op"], node.get("attrs", {}), [(number, output) for number, output, *_ in node["inputs"]])
             for node in content["nodes"]]
    return found, content["heads"][0]


def shapes_of_outputs(symbol, shape):
    """Return the shape of every output of every node, under two keys: its name, and name of the node and number of the output.

    Raises
    ------
    ValueError
        When they don't follow from the shapes given.
    """
    internals = symbol.get_internals()
    return _by_output(internals, internals.infer_shape(**shape)[1], "shape")


def types_of_outputs(symbol, dtype):
    """Return the element type of every output of every node, under the same keys.

    Raises
    ------
    ValueError
        When they don't follow from the types given.
    """
    internals = symbol.get_internals()
    return _by_output(internals, internals.infer_type(**dtype)[1], "type")


def _by_output(internals, values, what):
    if values is None:
        raise ValueError(f"Input {what} is incomplete")
    found = {(node.name, output): value for (node, output), value in zip(internals._entries, values, strict=True)}
    return {**found, **dict(zip(internals.list_outputs(), values, strict=True))}


def sizes(text):
    """Return the numbers of a shape's text, as texts.

    Examples
    --------
    >>> sizes('(3, 3)')
    ['3', '3']
    """
    return re.findall(r"\d+", text)
