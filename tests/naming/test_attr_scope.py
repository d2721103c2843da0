"""AttrScope. Golden values: MXNet 1.9.1 (`mxnet.attribute`), except what `blockscope.mxnet` lists as fixed."""
import pytest

from blockscope.attribute import AttrScope


def current():
    return AttrScope._current.value


def test_inner_scope_adds_and_wins():
    with AttrScope(x='1', y='1'):
        with AttrScope(y='2', z='2'):
            assert current().get(None) == {'x': '1', 'y': '2', 'z': '2'}
            assert current().get({'z': '3'}) == {'x': '1', 'y': '2', 'z': '3'}
        assert current().get(None) == {'x': '1', 'y': '1'}
    assert current().get(None) == {}
    own = {'a': '1'}
    assert current().get(own) is own


def test_values_must_be_strings():
    with pytest.raises(ValueError, match='^Attributes need to be string$'):
        AttrScope(x=1)


def test_a_scope_keeps_only_its_own_attributes():
    scope = AttrScope(x='1')
    with AttrScope(y='2'), scope as entered:
        assert entered is scope
        assert current().get(None) == {'x': '1', 'y': '2'}
    with scope:
        assert current().get(None) == {'x': '1'}


def test_scope_entered_twice_is_left_twice():
    outside, scope = current(), AttrScope(x='1')
    with scope:
        with scope:
            pass
        assert current().get(None) == {'x': '1'}
    assert current() is outside


def test_a_subclass_stays_in_charge():
    class Loud(AttrScope):
        def get(self, attr):
            return {key: value.upper() for key, value in super().get(attr).items()}

    with Loud(x='a'):
        assert current().get({'y': 'b'}) == {'x': 'A', 'y': 'B'}


def test_exit_without_enter():
    with pytest.raises(AssertionError):
        AttrScope().__exit__(None, None, None)


def test_class_property_warns_on_reading_and_writing():
    with pytest.warns(DeprecationWarning, match='AttrScope.current has been deprecated'):
        assert AttrScope.current is current()
    with AttrScope(a='1'):
        with pytest.warns(DeprecationWarning):
            AttrScope.current = AttrScope(b='1')
        assert current().get(None) == {'b': '1'}
    assert current().get(None) == {}
