"""The `mxnet` alias, each test in a fresh interpreter because an alias lasts for the whole process."""
import subprocess
import sys
import textwrap

import pytest


def run(code):
    """Run code in a fresh interpreter; return what it printed."""
    done = subprocess.run([sys.executable, '-W', 'error', '-c', textwrap.dedent(code)], capture_output=True, text=True, timeout=120,
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_one_module_object_under_both_names():
    assert run('''
        import blockscope
        blockscope.as_mxnet()
        import mxnet as mx
        import mxnet.gluon.parameter as a
        import blockscope.gluon.parameter as b
        from mxnet.gluon import block
        import mxnet.name
        print(mx is blockscope, a is b, block.Block is blockscope.gluon.Block, mxnet.name is blockscope.name)
        print(b.__name__, b.__spec__.name, b.__package__)
    ''') == 'True True True True\nblockscope.gluon.parameter blockscope.gluon.parameter blockscope.gluon'


def test_modules_imported_before_the_call_are_the_same():
    assert run('''
        import blockscope.attribute
        blockscope.as_mxnet()
        blockscope.as_mxnet()
        import mxnet.attribute, sys
        print(mxnet.attribute is blockscope.attribute, sum(type(f).__name__ == '_AliasFinder' for f in sys.meta_path))
    ''') == 'True 1'


def test_unknown_submodule():
    assert run('''
        import blockscope
        blockscope.as_mxnet()
        try:
            import mxnet.no_such_thing
        except ModuleNotFoundError as error:
            print(error, error.name)
    ''') == "No module named 'mxnet.no_such_thing' mxnet.no_such_thing"


def test_real_mxnet_is_not_replaced():
    assert run('''
        import sys, types
        real = sys.modules['mxnet'] = types.ModuleType('mxnet')
        real.__file__ = '/somewhere/mxnet/__init__.py'
        import blockscope
        try:
            blockscope.as_mxnet()
        except ImportError as error:
            print(sys.modules['mxnet'] is real, '/somewhere/mxnet/__init__.py' in str(error), 'before the first' in str(error))
    ''') == 'True True True'


def test_pickles_work_both_ways():
    assert run('''
        import pickle, blockscope
        blockscope.as_mxnet()
        from mxnet.gluon import Parameter
        old = pickle.dumps(Parameter('w', shape=(1,)), protocol=0).replace(b'blockscope.gluon', b'mxnet.gluon')
        new = pickle.dumps(Parameter('w', shape=(1,)), protocol=0)
        print(old != new, isinstance(pickle.loads(old), blockscope.gluon.Parameter), isinstance(pickle.loads(new), Parameter))
    ''') == 'True True True'


@pytest.mark.parametrize('alias, shown', [(False, 'blockscope'), (True, 'mxnet')])
def test_messages_name_the_package_that_the_program_imported(alias, shown):
    code = 'import blockscope as mx\n' + ('mx.as_mxnet()\n' if alias else '') + textwrap.dedent('''
        block = mx.gluon.Block()
        block.a = mx.gluon.Block()
        try:
            block.a = 3
        except TypeError as error:
            print(error)
    ''')
    assert run(code) == f"Changing attribute type for a from <class '{shown}.gluon.block.Block'> to <class 'int'> is not allowed."
