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
RUNNING = {'trace_names/none_then_value_error'}  # needs no Symbol, unlike the rest of its topic
WAITING = {
    'Symbol (tracing, variables, attributes of graph nodes)': """
        trace_names symbolblock export
        attr_scope/nested attr_scope/reentered_scope_accumulates attr_scope/block_trace attr_scope/var_unknown_kwarg
        attr_scope/parameter_var_attrs attr_scope/parameter_var_cached_shape attr_scope/op_attrs_keys attr_scope/op_missing_required
        attr_scope/op_bad_value attr_scope/op_user_attr_without_underscores attr_scope/scope_user_attr_without_underscores
        attr_scope/arg_specific_attr block_api/all_none_args children/empty_sequential children/sequential_mix_attr_and_add
        empty_prefix/dense_empty_prefix empty_prefix/empty_flag_is_by_argument explicit_prefix/without_underscore_symbol_names
        global_counter/shared_with_symbol_names global_counter/trace_of_empty_prefix_net_consumes_global
        global_counter/var_does_not_consume hint/class_named_like_operator
        name_manager/nested_restore name_manager/prefix_fc_arguments name_manager/same_manager_entered_twice name_manager/thread
        name_manager/hint_names_of_methods name_manager/output_names name_manager/internals_multi_output
        name_manager/group_name_repr name_manager/duplicate_names_in_graph name_manager/duplicate_argument_infer_shape
        name_manager/compose_names param_errors/initializer_json_as_init param_errors/name_attribute_mutable
        params_sharing/reg_params_patch pd_misc/constant_in_block_names save_load/block_save_load_api
        save_load/load_export_params_via_collect_params scope_abuse/name_manager_inside_block_scope
        scope_abuse/prefix_manager_outside_block slicing/trace_of_slice
        rnn/layer_state_info_begin_state rnn/cell_begin_state_names rnn/cell_step_names rnn/sequential_cell rnn/sequential_cell_call
        rnn/residual_cell rnn/zoneout_cell rnn/bidirectional_cell rnn/bidirectional_merge rnn/dropout_cell rnn/shared_cells_params
        rnn/contrib_conv_cells""",
    'the NumPy front end (mx.np)': """save_load/params_bytes_npshape save_load/npshape_file_read_in_legacy_mode
        save_load/legacy_file_read_in_np_mode""",
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
    if name in RUNNING:
        return None
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
