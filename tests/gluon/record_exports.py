"""Let MXNet 1.9.1 read the networks that `export_cases` wrote, and record digests of the files and MXNet's outputs.

To record again: write the files (see `export_cases`), then run this file with the python of an environment that has mxnet 1.9.1:

    python tests/gluon/record_exports.py FOLDER
"""
import hashlib
import pathlib
import re
import sys

import numpy as np

RECORDED = pathlib.Path(__file__).with_name('files') / 'exports.npz'


def digest(folder, name):
    """Return the SHA-256 of graph and parameters, without the numbers that differ from process to process.

    The initializer of a constant and the subgraph of a loop have such numbers in their names.
    """
    data = (folder / f'{name}-symbol.json').read_bytes() + (folder / f'{name}-0000.params').read_bytes()
    data = re.sub(rb'"(Constant_\w+_)\d+"', rb'"\1"', data)
    return hashlib.sha256(re.sub(rb'("__subgraph_name__": "\D+)\d+"', rb'\1"', data)).hexdigest()


def outputs(mx, folder, name):
    """Return what MXNet computes with the files of a network."""
    with np.load(folder / f'{name}-inputs.npz') as file:
        arrays = [mx.nd.array(file[key], dtype=file[key].dtype) for key in file.files]
    names = ['data'] if len(arrays) == 1 else [f'data{i}' for i in range(len(arrays))]
    params = folder / f'{name}-0000.params'
    empty = params.stat().st_size <= 32  # a file without arrays, which MXNet can't use
    net = mx.gluon.SymbolBlock.imports(str(folder / f'{name}-symbol.json'), names, None if empty else str(params))
    out = net(*arrays)
    return [x.asnumpy() for x in (out if isinstance(out, (list, tuple)) else [out])]


if __name__ == '__main__':
    import mxnet

    folder = pathlib.Path(sys.argv[1])
    found = {}
    for path in sorted(folder.glob('*-symbol.json')):
        name = path.name[:-len('-symbol.json')]
        found[f'{name}/digest'] = np.array(digest(folder, name))
        found.update({f'{name}/{i}': x for i, x in enumerate(outputs(mxnet, folder, name))})
    np.savez_compressed(RECORDED, **found)
    print(len(found), 'arrays of', len({key.split('/')[0] for key in found}), 'networks')
