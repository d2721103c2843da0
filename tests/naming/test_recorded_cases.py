"""412 small Gluon programs recorded from MXNet 1.9.1: the same names, results and messages here.

`cases.json.gz` holds the programs with what MXNet gave (its `source` and `meta` say how they ran). What waits for a part that blockscope
does not have yet, and what is fixed instead of copied, is listed below with the reason.
"""
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

import blockscope

HERE = pathlib.Path(__file__).parent
RECORDED = json.loads(gzip.decompress((HERE / 'cases.json.gz').read_bytes()))
CASES = {case['id']: case for case in RECORDED['cases']}

# Parts of MXNet that blockscope does not have yet, by topic or by case.
WAITING = {
    'the NumPy front end (mx.np)': """save_load/params_bytes_npshape save_load/npshape_file_read_in_legacy_mode
        save_load/legacy_file_read_in_np_mode trace_names/numpy_op_hints trace_names/numpy_mode_layers trace_names/numpy_mode_losses""",
}

# MXNet's behaviour is a bug that blockscope fixes (blockscope/mxnet.py gives the reasons), with what blockscope gives instead.
FIXED = {
    'children/overriding_parameter_attr': "AssertionError: Overriding Parameter attribute w is not allowed.",
    'children/parameter_subclass_replacement': "AssertionError: Overriding Parameter attribute w is not allowed.",
    'params_sharing/weight_object_assignment': "AssertionError: Overriding Parameter attribute weight is not allowed.",
    'children/parameter_to_non_parameter': "to <class 'int'> is not allowed.",
    'children/reassigned_different_block_type': "to <class 'mxnet.gluon.nn.conv_layers.Conv2D'> is not allowed.",
    'children/reassigned_to_none': "to <class 'NoneType'> is not allowed.",
    'scope_abuse/entered_twice_nested': ['n_dense0_', 'n_dense1_', 'dense0_', False],
    'scope_abuse/entered_twice_exception': None,
    'scope_abuse/same_scope_concurrently_in_two_threads': ['n_dense0_', 'n_dense1_', 'dense0_', 't:dense0_'],
    'name_manager/same_manager_entered_twice': [['relu0', 'relu1', 'relu0'], False],
    'attr_scope/reentered_scope_accumulates': [{'y': '2', 'x': '1'}, {'x': '1'}],
    'trace_names/custom_scope_inside_forward': ['x', 'n_dense0_relu0_output', 'n_relu0_output', 'n_relu0_output'],
    'trace_names/before_after_scope_use': ['n_relu0_fwd', 'n_relu0', 'n_relu0_fwd', 'n_relu0_fwd'],
    'trace_names/param_name_clash_with_data': [11.0, 11.0, ['data', 'data']],
    'pd_get/unknown_kwarg_second': "TypeError: Parameter.__init__() got an unexpected keyword argument 'colour'",
    'pd_misc/get_constant_again_list_bug': None,
    'trainer/dict_values_view': None,
    'trainer/grad_req_null_skipped': [[[1.0]], -1.0],
    'slicing/concurrent': ['HybridConcurrent', 1, 1],
    'layers/batchnorm_running_stats_need_backward': [[1.0, 1.0], [1.0, 1.0], [1.5, 1.0]],
    'layers/batchnorm_running_stats_4d': [[2.0, 3.0], [2.0, 3.0], [3.0, 4.0]],
    'layers/batchnorm_fix_gamma_overwrites': [[5.0, 5.0], [5.0, 5.0], [[1.0, 2.0], [3.0, 4.0]]],
    # What went wrong is told by the operator, and MXNet's operators tell it in the words of its C++ source.
    'param_errors/deferred_forward_fail': 'ValueError: Deferred initialization failed because shape cannot be inferred. ',
    'save_load/save_params_deprecated_error_bug': 'save_params is deprecated. Using save_parameters may resolve this error.',
}


def waits(name):
    """Return what a case waits for, or None."""
    for part, listed in WAITING.items():
        if name in listed.split() or name.partition('/')[0] in listed.split():
            return part
    return None


@pytest.fixture(scope='module')
def outcomes():
    """Run all programs that can run, once."""
    request = {'prelude': RECORDED['meta']['prelude'],
               'cases': {name: case['code'] for name, case in CASES.items() if waits(name) is None}}
    package = pathlib.Path(blockscope.__file__).parent
    done = subprocess.run([sys.executable, str(HERE / 'run_cases.py')], input=json.dumps(request), capture_output=True, text=True,
                          timeout=600, check=False, env={**os.environ, 'PYTHONPATH': str(package.parent)})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_lists_name_cases_that_exist():
    topics = {case['topic'] for case in CASES.values()}
    listed = [name for names in WAITING.values() for name in names.split()]
    assert [name for name in [*listed, *FIXED] if name not in CASES and name not in topics] == []
    assert len(CASES) == 412
    assert [name for name in FIXED if waits(name)] == []


@pytest.mark.parametrize('name', [name for name in CASES if waits(name) is None and name not in FIXED])
def test_same_as_mxnet(name, outcomes):
    case, found = CASES[name], outcomes[name]
    if 'exception' not in case:
        assert found.get('exception') is None
        renamed = found['result'] == re.error.__name__ != 'error'  # the program gives the name of a class that Python 3.13 renamed
        assert renamed or found['result'] == case.get('result')
    else:
        kind, message = found.get('exception') or (None, None)
        assert kind == case['exception']['type']
        if case['exception'].get('source') != 'libmxnet':  # texts of MXNet's C++ part differ
            assert message == case['exception']['message']
    if case['topic'] == 'summary':
        assert found['stdout'] == case.get('stdout', '')


@pytest.mark.parametrize('name', FIXED)
def test_fixed_bugs(name, outcomes):
    expected, found = FIXED[name], outcomes[name]
    if isinstance(expected, str):
        assert expected in ': '.join(found['exception'])
    else:
        assert found.get('exception') is None
        assert expected is None or found['result'] == expected
