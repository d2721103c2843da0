"""The picture in the README is what the statements beside it draw."""
import pathlib
import re
import xml.etree.ElementTree

import pytest

import blockscope as mx

graphviz = pytest.importorskip("graphviz", reason="pictures need the extra viz")

README = pathlib.Path(__file__).parents[2] / "README.md"
PICTURE = pathlib.Path(__file__).with_name("lenet.svg")
SVG = "{http://www.w3.org/2000/svg}"
REGENERATE = "run the statements of the README, which write lenet.svg, in a new process, and move that file to tests/viz"


def drawn():
    """Run the README's statements and return the picture that they would write, and to where."""
    code, = [block for block in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
             if "plot_network" in block]
    written = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graphviz.Digraph, "render", lambda self, filename: written.append((self, filename)))
        exec(code, {"mx": mx, "nn": mx.gluon.nn})
    return written[0]


def described(picture):
    """Return nodes by name with label and colour, and edges by their ends with their labels."""
    text = "".join(picture.body)
    nodes = {name: (label.strip('"').split("\n"), colour) for name, label, colour in
             re.findall(r'^\t(\w+) \[label=("[^"]*"|\w+) fillcolor="(#\w+)"', text, re.MULTILINE)}
    edges = {f"{tail}->{head}": label.strip('"') for tail, head, label in
             re.findall(r'^\t(\w+) -> (\w+) \[label=("[^"]*"|\w+) ', text, re.MULTILINE)}
    return nodes, edges


def seen(file):
    """Return the same of a drawing."""
    nodes, edges = {}, {}
    for group in xml.etree.ElementTree.parse(file).iter(f"{SVG}g"):
        texts = [text.text for text in group.findall(f"{SVG}text")]
        if group.get("class") == "node":
            shape = group.find(f"{SVG}ellipse") if group.find(f"{SVG}ellipse") is not None else group.find(f"{SVG}polygon")
            nodes[group.findtext(f"{SVG}title")] = (texts, shape.get("fill"))
        elif group.get("class") == "edge":
            edges[group.findtext(f"{SVG}title")] = "".join(texts)
    return nodes, edges


def test_the_readme_shows_what_its_statements_draw(fresh_names):
    picture, filename = drawn()
    nodes, edges = described(picture)
    assert len(nodes) == len(edges) + 1 == 10, "a chain from the input to the last of nine operators"
    assert seen(PICTURE) == (nodes, edges), REGENERATE
    assert (filename, picture.format) == (PICTURE.stem, "svg")
    assert f'<img src="tests/viz/{PICTURE.name}"' in README.read_text(encoding="utf-8")
