"""Run recorded Gluon programs, each in a fresh process state, and print what they gave as JSON.

Reads ``{"prelude": ..., "cases": {id: code}}`` from standard input; every program runs in a child forked from a process that has only
imported the package, in an empty folder. Called by test_recorded_cases.py as a program of its own, so that forking is safe.
"""
import contextlib
import io
import json
import os
import re
import sys
import tempfile
import warnings

import numpy as np

import blockscope


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


def main():
    """Read, run, print."""
    request = json.load(sys.stdin)
    blockscope.as_mxnet()
    variables = {}
    exec(request['prelude'], variables)
    json.dump({name: forked(request['prelude'], code) for name, code in request['cases'].items()}, sys.stdout)


if __name__ == '__main__':
    main()
