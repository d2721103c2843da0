"""NameManager and Prefix. Golden names: MXNet 1.9.1, cases name_manager/* of the recorded naming cases."""
import threading
import warnings

import pytest

from blockscope.name import NameManager, Prefix
from blockscope.naming.name_manager import numbered


def current():
    return NameManager._current.value


def test_hint_and_number_run_together():
    assert numbered('net', 10) == numbered('net1', 0) == 'net10'


def test_get_counts_only_automatic_names():
    names = NameManager()
    assert [names.get('x', 'h'), names.get(None, 'h'), names.get('', 'h'), names.get(None, 'h'), names.get(None, 'g')] == \
        ['x', 'h0', 'h1', 'h2', 'g0']
    assert names._counter == {'h': 3, 'g': 1}


def test_prefix_also_prefixes_explicit_names():
    names = Prefix('p_')
    assert [names.get('x', 'h'), names.get(None, 'h'), names.get(None, 'h')] == ['p_x', 'p_h0', 'p_h1']


def test_inner_manager_hides_the_outer_one_and_is_left():
    outside = current()
    with NameManager() as a:
        assert current() is a
        with Prefix('b_') as b:
            assert current() is b
        assert current() is a
    assert current() is outside


def test_manager_entered_twice_is_left_twice():
    outside, names = current(), NameManager()
    with names:
        with names:
            pass
        assert current() is names
    assert current() is outside


def test_manager_is_left_after_an_exception():
    outside = current()
    with pytest.raises(KeyError), NameManager():
        raise KeyError
    assert current() is outside


def test_exit_without_enter():
    with pytest.raises(AssertionError):
        NameManager().__exit__(None, None, None)


def test_each_thread_has_its_own_default():
    seen = []
    with Prefix('p_'):
        thread = threading.Thread(target=lambda: seen.append((current(), current().get(None, 'relu'))))
        thread.start()
        thread.join()
    assert type(seen[0][0]) is NameManager
    assert seen[0][1] == 'relu0'


def test_assigned_value_lasts_until_the_scope_ends():
    outside = current()
    with NameManager():
        NameManager._current.value = other = NameManager()
        assert current() is other
    assert current() is outside


def test_class_property_warns():
    with pytest.warns(DeprecationWarning, match='NameManager.current has been deprecated'):
        assert NameManager.current is current()
    with pytest.warns(DeprecationWarning), Prefix('p_') as names:
        assert Prefix.current is names


def test_setting_the_class_property_does_not_warn():
    with NameManager(), warnings.catch_warnings():
        warnings.simplefilter('error')
        NameManager.current = names = NameManager()
        assert current() is names
