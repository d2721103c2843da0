"""Run numeric traces, each in a fresh process state, and print what they gave as JSON; with --record, make `traces.json.gz`.

Reads ``{"prelude": ..., "traces": {id: code}}`` from standard input. A trace fills the dict `out` with numbers, arrays and texts; it runs
in a child forked from a process that has only imported the package, in an empty folder.

The file is made from a JSON file of traces (``{"traces": [{"id", "code"}, ...]}``) by the python that has mxnet 1.9.1; blockscope is not
imported then::

    python tests/traces/run_traces.py --record traces.json tests/traces/traces.json.gz

`*_programs.json.gz` are made from text files of the same name: each trace stands under a line ``=== topic/name``, and what stands before
the first of them runs before each, after the prelude of `traces.json.gz`.
"""
import contextlib
import gzip
import io
import json
import os
import pathlib
import re
import sys
import tempfile
import warnings

import numpy as np

SOURCE = 'MXNet 1.9.1 (mxnet 1.9.1, numpy 1.23.5, CPU), recorded by tests/traces/run_traces.py --record'


def encoded(value):
    """Return a value as JSON: an array with shape, dtype and nine digits an element."""
    if hasattr(value, 'asnumpy'):
        value = value.asnumpy()
    if isinstance(value, (np.ndarray, np.generic)):
        value = np.asarray(value)
        return {'shape': list(value.shape), 'dtype': value.dtype.name, 'values': [float(f'{v:.9g}') for v in value.ravel().astype('f8')]}
    if isinstance(value, dict):
        return {str(key): encoded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encoded(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def outcome(prelude, code):
    """Return what one trace gives: {"out": ...} or {"error": text}."""
    warnings.simplefilter('ignore')
    names = {'__name__': '__main__'}
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        os.chdir(folder)
        try:
            exec(prelude, names)
            exec(code, names)
            return {'out': encoded(names['out'])}
        except Exception as error:  # any failure is the outcome of the trace
            return {'error': f'{type(error).__name__}: {error}'}
        finally:
            os.chdir('/')


def forked(prelude, code):
    """Return the outcome of a trace that runs in a child process."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            with os.fdopen(write, 'w') as pipe:
                json.dump(outcome(prelude, code), pipe)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {'error': 'the process died'}


def of_programs(text):
    """Return the traces of a text file."""
    own, *parts = re.split(r'^=== (\S+)\n', text, flags=re.MULTILINE)
    recorded = gzip.decompress(pathlib.Path(__file__).with_name('traces.json.gz').read_bytes())
    return {'prelude': json.loads(recorded)['prelude'] + own,
            'traces': [{'id': name, 'code': code} for name, code in zip(parts[::2], parts[1::2])]}


def record(source, target):
    """Run the traces of a file on the real MXNet and write them with what came out."""
    import mxnet  # noqa: PLC0415 - the real one: only here
    text = pathlib.Path(source).read_text(encoding='utf8')
    given = json.loads(text) if source.endswith('.json') else of_programs(text)
    for trace in given['traces']:
        trace.update(forked(given['prelude'], trace['code']))
    given['source'] = SOURCE
    given['mxnet'] = mxnet.__version__
    with open(target, 'wb') as file:
        file.write(gzip.compress(json.dumps(given, separators=(',', ':')).encode(), 9, mtime=0))


def main():
    """Record, or answer the request on standard input."""
    if sys.argv[1:2] == ['--record']:
        record(*sys.argv[2:])
        return
    import blockscope  # noqa: PLC0415 - not while recording
    blockscope.as_mxnet()
    import mxnet.gluon.nn  # noqa: PLC0415 - once for all children
    import mxnet.gluon.rnn  # noqa: F401, PLC0415
    request = json.load(sys.stdin)
    json.dump({name: forked(request['prelude'], code) for name, code in request['traces'].items()}, sys.stdout)


if __name__ == '__main__':
    main()
