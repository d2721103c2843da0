"""Record what MXNet 1.9.1 answers to the programs of `cases` and `simple_cases`. From the repository's root, with its python:

    python -m tests.executor.record_executor
"""
import json
import pathlib
import re

from tests.executor.cases import CASES, ERRORS
from tests.executor import simple_cases  # noqa: F401  adds its cases

FILE = pathlib.Path(__file__).with_name('mxnet191.json')


def described(value, array, context):
    """Return a result as JSON has it: arrays with shape, type, context and values."""
    if isinstance(value, array):
        return {'shape': list(value.shape), 'dtype': value.dtype.__name__, 'ctx': str(value.context),
                'values': [float(x) for x in value.asnumpy().ravel()]}
    if isinstance(value, context):
        return str(value)
    if isinstance(value, dict):
        return {key: described(item, array, context) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [described(item, array, context) for item in value]
    return value


def essence(error):
    """Return an error's class and its message without where in MXNet it was raised."""
    text = str(error.args[0]) if isinstance(error, KeyError) else str(error)
    place = text.rfind('MXNetError: ')
    head = text[:text.find('Traceback')] if 'Traceback' in text else text[:place] if place > 0 else ''
    if place >= 0:
        text = head + text[place + len('MXNetError: '):]
    text = re.sub(r'(\[[\d:]+\] \S+: )?Check failed: .*?: (?=[A-Z]|operands|grad_req)', '', text.split('\nStack trace')[0])
    return {'class': type(error).__name__, 'text': ' '.join(text.split())}


def main():
    import mxnet as mx

    recorded = {'cases': {}, 'errors': {}}
    for name, program in CASES.items():
        with mx.name.NameManager():
            recorded['cases'][name] = described(program(mx), mx.nd.NDArray, mx.Context)
    for name, program in ERRORS.items():
        try:
            with mx.name.NameManager():
                program(mx)
        except Exception as error:
            recorded['errors'][name] = essence(error)
    missing = set(ERRORS) - set(recorded['errors'])
    assert not missing, missing
    FILE.write_text(json.dumps(recorded, indent=1, sort_keys=True) + '\n')


if __name__ == '__main__':
    main()
