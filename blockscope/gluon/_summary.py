"""The table that `Block.summary` prints.

References
----------
MXNet 1.9.1, `Block.summary`: same layout, rows and sums, also where a shared layer is counted once per hook.
"""
from ..ndarray import NDArray

__all__ = ['Summary']

_RULE = '-' * 80
_DOUBLE = '=' * 80
_LINE = '{:>20}  {:>42} {:>15}'


class Summary:
    """Rows of the table, collected by forward hooks.

    Parameters
    ----------
    inputs : tuple
        What the block is called with.
    """

    def __init__(self, inputs):
        self.rows = [('Input', _shape_text(inputs), 0)]
        self.trainable = 0
        self.shared = 0
        self._seen = set()

    def hook(self):
        """Return a new forward hook that adds a row."""
        def add_row(block, _, outputs):
            total = 0
            for param in block.params.values():
                size = param.data().size
                total += size
                self.trainable += 0 if param.grad_req == 'null' else size
                if param in self._seen:
                    self.shared += size
                self._seen.add(param)
            self.rows.append((f'{type(block).__name__}-{len(self.rows)}', _shape_text(outputs), total))
        return add_row

    def text(self):
        """Return the whole table."""
        total = sum(row[2] for row in self.rows)
        lines = [_RULE, _LINE.format('Layer (type)', 'Output Shape', 'Param #'), _DOUBLE]
        lines += [_LINE.format(*row) for row in self.rows]
        lines += [_DOUBLE, 'Parameters in forward computation graph, duplicate included', f'   Total params: {total}',
                  f'   Trainable params: {self.trainable}', f'   Non-trainable params: {total - self.trainable}',
                  f'Shared params in forward computation graph: {self.shared}',
                  f'Unique parameters in model: {total - self.shared}', _RULE]
        return '\n'.join(lines)


def _shape_text(arrays):
    shapes = _shapes(arrays)
    return str(shapes)[1:-1] if isinstance(shapes, list) else str(shapes)


def _shapes(arrays):
    if isinstance(arrays, (list, tuple)):
        return [_shapes(item) for item in arrays]
    return arrays.shape if isinstance(arrays, NDArray) else arrays
