"""Run recorded Gluon programs, each in a fresh process state, and print what they gave as JSON.

Reads ``{"prelude": ..., "cases": {id: code}}`` from standard input; every program runs in a child forked from a process that has only
imported the package, in an empty folder. Called by the tests as a program of its own, so that forking is safe.

With the python of MXNet 1.9.1 it records: ``python run_cases.py more_programs.txt more_programs.json.gz`` runs the programs of the text
file (each under a line ``=== topic/name``; what stands before the first of these runs before each program) and writes them with what
MXNet gave. It never imports blockscope then.
"""
import contextlib
import gzip
import io
import json
import os
import re
import sys
import tempfile
import warnings

import numpy as np

RECORDING = len(sys.argv) > 1
if not RECORDING:
    import blockscope
    blockscope.as_mxnet()

# `attempt` gives the value or the error of each expression, and the warnings; of MXNet's C++ errors the type only.
PRELUDE = """import mxnet as mx
from mxnet import gluon, nd, autograd
from mxnet.gluon import nn, rnn
import json, os, sys, re, copy, threading, warnings
import numpy as np
def attempt(*codes):
    found = []
    for code in codes:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            try:
                value = eval(code, globals())
                if isinstance(value, nd.NDArray):
                    value = [value.shape, str(np.dtype(value.dtype)), value.asnumpy().tolist()]
            except mx.MXNetError as error:
                value = type(error).__name__
            except Exception as error:
                value = type(error).__name__ + ': ' + re.sub('0x[0-9a-f]{6,}', '0xADDR', str(error))
        texts = [str(one.message) for one in caught if issubclass(one.category, UserWarning)]
        found.append([value, texts] if texts else value)
    return found
"""


def plain(value):
    """Return a value as JSON knows it."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else repr(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    return value.tolist() if isinstance(value, np.ndarray) else str(value)


def cleaned(message):
    """Return a message without addresses and the name of the temporary folder."""
    return re.sub(r'0x[0-9a-f]{6,}', '0xADDR', message).replace(os.getcwd(), '<CWD>').strip('\n')


def outcome(prelude, code):
    """Run one program in this process."""
    out, found, variables = io.StringIO(), {}, {'__name__': '__main__'}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        with contextlib.redirect_stdout(out):
            try:
                exec(prelude, variables)
                exec(compile(code, '<case>', 'exec'), variables)
                found['result'] = plain(variables.get('result'))
            except Exception as error:
                found['exception'] = [type(error).__name__, cleaned(str(error))]
    found['stdout'] = out.getvalue()
    return found


def forked(prelude, code):
    """Run one program in a child of this process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, 'w') as pipe:
            json.dump(outcome(prelude, code), pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {'exception': ['the process died', '']}


def run(prelude, cases):
    """Run all programs; return outcomes by name."""
    exec(prelude, {})
    return {name: forked(prelude, code) for name, code in cases.items()}


def record(source, filename):
    """Write the programs of a text file with their outcomes."""
    with open(source, encoding='utf-8') as file:
        parts = re.split(r'^=== (\S+)\n', file.read(), flags=re.MULTILINE)
    cases = dict(zip(parts[1::2], parts[2::2]))
    prelude = PRELUDE + parts[0]
    found = {name: {'code': cases[name], **outcome} for name, outcome in run(prelude, cases).items()}
    with open(filename, 'wb') as file, gzip.GzipFile('', 'wb', fileobj=file, mtime=0) as packed:
        packed.write(json.dumps({'source': 'MXNet 1.9.1', 'prelude': prelude, 'cases': found}).encode())
    print(len(found), 'programs')


def main():
    """Read, run, print; or record."""
    if RECORDING:
        record(*sys.argv[1:])
    else:
        json.dump(run(**json.load(sys.stdin)), sys.stdout)


if __name__ == '__main__':
    main()
