"""Random Gluon programs about names, for MXNet and blockscope alike.

Record with the python of MXNet 1.9.1: ``python random_programs.py COUNT random_programs.json.gz``. It never imports blockscope then.
Programs that MXNet can't finish (it breaks where a scope is entered twice) are left out.
"""
import gzip
import json
import random
import sys


class Program:
    """One program: builds nets of leaves and nets under scopes, prefixes and shared parameters; notes every name.

    Parameters
    ----------
    mx : module
        `mxnet` or `blockscope`.
    seed : int
        Which program.
    """

    def __init__(self, mx, seed):
        self.mx = mx
        self.random = random.Random(seed)
        self.notes = []
        self.blocks = []
        self.leaf, self.net = self._classes()

    def _classes(self):
        program, draw = self, self.random

        class Leaf(self.mx.gluon.Block):
            def __init__(self, units, **kwargs):
                super().__init__(**kwargs)
                with self.name_scope():
                    self.weight = self.params.get('weight', shape=(units, draw.choice([0, 3])), allow_deferred_init=True)
                    if draw.random() < .5:
                        self.bias = self.params.get('bias', shape=(units,))

        class Net(self.mx.gluon.Block):
            def __init__(self, depth, **kwargs):
                super().__init__(**kwargs)
                with self.name_scope():
                    for i in range(draw.randint(0, 2)):
                        setattr(self, f'c{i}', program.make(depth - 1))
                if draw.random() < .3:
                    self.late = program.make(depth - 1)
                if draw.random() < .3:
                    self.register_child(program.make(depth - 1))
                if draw.random() < .2:
                    self.own = self.params.get(draw.choice(['own', 'weight']), shape=(1,))
        return Leaf, Net

    def _arguments(self):
        given, draw = {}, self.random
        chance = draw.random()
        if chance < .35:
            given['prefix'] = '' if chance < .15 else draw.choice(['a_', 'b_', 'c', 'x_y_'])
        if self.blocks and draw.random() < .25:
            block = draw.choice(self.blocks)
            given['params'] = block.params if draw.random() < .5 else block.collect_params(draw.choice([None, '.*weight']))
        return given

    def make(self, depth):
        """Make a leaf or a net; where that is refused, note the message and make a leaf without arguments."""
        try:
            block = self.leaf(self.random.choice([2, 2, 2, 3]), **self._arguments()) \
                if depth <= 0 or self.random.random() < .4 else self.net(depth, **self._arguments())
        except AssertionError as error:
            self.notes.append(str(error))
            block = self.leaf(2)
        self.blocks.append(block)
        return block

    def note(self, block):
        """Note the names of a block and its parameters."""
        self.notes.append([block.prefix, block.name, block.params.prefix, list(block.params.keys()), list(block._children),
                           list(block._collect_params_with_prefix())])
        try:
            found = block.collect_params()
            self.notes.append([found.prefix, [str(param) for param in found.values()]])
        except AssertionError as error:
            self.notes.append(str(error))

    def run(self):
        """Return what was noted."""
        draw = self.random
        with self.mx.name.NameManager():
            for _ in range(4):
                if self.blocks and draw.random() < .4:
                    self._inside(draw.choice(self.blocks))
                else:
                    self.note(self.make(draw.randint(0, 3)))
            for block in self.blocks:
                self.note(block)
        return self.notes

    def _inside(self, outer):
        with outer.name_scope():
            self.note(self.make(self.random.randint(0, 2)))
            if self.random.random() < .3:
                other = self.random.choice(self.blocks)
                with other.name_scope() if self.random.random() < .5 else self.mx.name.Prefix('pre_'):
                    self.note(self.make(1))


def record(count, filename):
    """Write what the installed MXNet notes for programs 0 to `count` - 1."""
    import mxnet  # the real one; blockscope never runs this function
    found = {}
    for seed in range(count):
        try:
            found[seed] = Program(mxnet, seed).run()
        except AttributeError as error:
            if '__exit__' not in str(error):
                raise
            mxnet.gluon.block._BlockScope._current.value = None
            mxnet.name.NameManager._current.value = mxnet.name.NameManager()
    with open(filename, 'wb') as file, gzip.GzipFile('', 'wb', fileobj=file, mtime=0) as packed:
        packed.write(json.dumps({'mxnet': mxnet.__version__, 'programs': found}).encode())


if __name__ == '__main__':
    record(int(sys.argv[1]), sys.argv[2])
