"""Scopes of blocks. Golden names: MXNet 1.9.1 (topics block_counter, name_scope, empty_prefix, scope_abuse of the recorded cases).

What happens at re-entry, in threads and in tasks follows from the rules in `blockscope.naming.ambient`.
"""
import asyncio
import copy
import gc
import pickle
import threading
import weakref

import pytest

from blockscope.gluon.block import Block, HybridBlock, _BlockScope
from blockscope.name import NameManager


class Dense(HybridBlock):
    """A leaf with two parameters."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.weight = self.params.get('weight', shape=(2, 2))
        self.bias = self.params.get('bias', shape=(2,))


class Pair(HybridBlock):
    """Two leaves under a scope."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.a = Dense()
            self.b = Dense()


@pytest.fixture(autouse=True)
def fresh_names():
    """Start every test with top-level counters at zero."""
    with NameManager():
        yield


def current():
    return _BlockScope._current.value


def test_top_level_blocks_are_counted_by_class():
    assert [Dense().prefix, Dense().prefix, Pair().prefix] == ['dense0_', 'dense1_', 'pair0_']


def test_children_are_counted_by_their_parent():
    net = Pair()
    assert [net.a.prefix, net.b.prefix, net.a.weight.name] == ['pair0_dense0_', 'pair0_dense1_', 'pair0_dense0_weight']
    assert net._scope._counter == {'dense': 2}


def test_counter_survives_the_scope():
    net = Block(prefix='net_')
    with net.name_scope():
        a = Dense()
    with net.name_scope():
        b = Dense()
    assert [a.prefix, b.prefix, Dense().prefix] == ['net_dense0_', 'net_dense1_', 'dense0_']


def test_explicit_prefix_draws_no_number():
    net = Block(prefix='net_')
    with net.name_scope():
        assert [Dense().prefix, Dense(prefix='z_').prefix, Dense().prefix] == ['net_dense0_', 'net_z_', 'net_dense1_']


def test_scope_object_is_kept():
    net = Block()
    assert net.name_scope() is net.name_scope() is net._scope
    assert type(net.name_scope()).__name__ == '_BlockScope'


def test_block_with_an_empty_prefix_uses_the_scope_around():
    outer = Block(prefix='p_')
    with outer.name_scope():
        inner = Block(prefix='')
        with inner.name_scope():
            assert current() is outer._scope
            first = Dense()
    with inner.name_scope():
        second = Dense()
    assert [inner.prefix, first.prefix, second.prefix] == ['p_', 'p_dense0_', 'dense0_']


def test_scope_entered_twice_is_left_twice():
    net = Block(prefix='n_')
    with net.name_scope():
        with net.name_scope():
            a = Dense()
        b = Dense()
    assert [a.prefix, b.prefix, Dense().prefix] == ['n_dense0_', 'n_dense1_', 'dense0_']
    assert current() is None


def test_scopes_unwind_after_an_exception_at_any_depth():
    a, b = Block(prefix='a_'), Block(prefix='b_')
    with pytest.raises(KeyError), a.name_scope(), b.name_scope(), a.name_scope():
        raise KeyError
    assert current() is None
    assert Dense().prefix == 'dense0_'


def test_exit_without_enter():
    with pytest.raises(AttributeError, match="^'NoneType' object has no attribute '__exit__'$"):
        Block().name_scope().__exit__(None, None, None)


def test_symbols_get_a_new_prefix_manager_at_every_entry():
    net = Block(prefix='n_')
    for _ in range(2):
        with net.name_scope():
            assert NameManager._current.value.get(None, 'relu') == 'n_relu0'


def test_leaving_scopes_in_another_order():
    a, b = Block(prefix='a_').name_scope(), Block(prefix='b_').name_scope()
    a.__enter__()
    b.__enter__()
    a.__exit__(None, None, None)
    assert Dense().prefix == 'b_dense0_'
    assert NameManager._current.value.get(None, 'relu') == 'b_relu0'
    b.__exit__(None, None, None)
    assert Dense().prefix == 'dense0_'


def test_current_can_be_assigned_like_a_thread_local():
    net = Block(prefix='n_')
    with Block(prefix='o_').name_scope():
        _BlockScope._current.value = net._scope
        assert Dense().prefix == 'n_dense0_'
        _BlockScope._current.value = None
        assert Dense().prefix == 'o_dense0_'  # NameManager still is the outer scope's Prefix, as in MXNet
    assert current() is None


def test_a_new_thread_starts_outside_of_all_scopes():
    seen = []
    with Block(prefix='n_').name_scope():
        thread = threading.Thread(target=lambda: seen.append(Dense().prefix))
        thread.start()
        thread.join()
        seen.append(Dense().prefix)
    assert seen == ['dense0_', 'n_dense0_']


def test_one_scope_in_two_threads_at_once():
    net, names = Block(prefix='n_'), []
    inside, leave = threading.Event(), threading.Event()

    def work():
        with net.name_scope():
            names.append(Dense().prefix)
            inside.set()
            leave.wait(10)
        names.append('thread ' + Dense().prefix)
    thread = threading.Thread(target=work)
    thread.start()
    inside.wait(10)
    with net.name_scope():
        names.append(Dense().prefix)
    names.append(Dense().prefix)
    leave.set()
    thread.join()
    assert names == ['n_dense0_', 'n_dense1_', 'dense0_', 'thread dense0_']


def test_32_threads_give_the_names_of_a_serial_run():
    def build(results, index):
        results[index] = [list(Pair().collect_params()) for _ in range(5)]
    results = [None] * 32
    threads = [threading.Thread(target=build, args=(results, i)) for i in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    serial = [None]
    build(serial, 0)
    assert serial[0][1][0] == 'pair1_dense0_weight'
    assert results == serial * 32


def test_32_threads_in_one_scope_draw_each_number_once():
    net, names = Block(prefix='n_'), []

    def build():
        with net.name_scope():
            names.extend([Dense().prefix for _ in range(20)])
    threads = [threading.Thread(target=build) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names) == sorted(f'n_dense{i}_' for i in range(640))


def test_each_task_has_its_own_scope():
    async def build(prefix):
        net = Block(prefix=prefix)
        with net.name_scope():
            await asyncio.sleep(0)
            first = Dense().prefix
            await asyncio.sleep(0)
            return [first, Dense().prefix]

    async def main():
        return await asyncio.gather(*(build(f'{c}_') for c in 'abc'))
    assert asyncio.run(main()) == [[f'{c}_dense0_', f'{c}_dense1_'] for c in 'abc']


def test_blocks_are_freed_without_the_cycle_collector():
    gc.disable()
    try:
        net = Pair()
        with net.name_scope():
            Dense()
        gone = [weakref.ref(x) for x in (net, net.a, net._scope, net.params, net.a.weight)]
        del net
        assert [r() for r in gone] == [None] * 5
    finally:
        gc.enable()


def test_a_block_lives_while_its_scope_is_entered():
    with Block(prefix='n_').name_scope():
        gc.collect()
        assert Dense().prefix == 'n_dense0_'


@pytest.mark.parametrize('duplicate', [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_has_its_own_scope_and_counters(duplicate):
    net = Pair(prefix='n_')
    other = duplicate(net)
    with other.name_scope():
        assert Dense().prefix == 'n_dense2_'
    assert other._scope._block is other
    assert (net._scope._counter, other._scope._counter) == ({'dense': 2}, {'dense': 3})
    assert list(other.collect_params()) == list(net.collect_params())
    assert other.a.weight is not net.a.weight


def test_a_failed_construction_draws_no_number():
    net = Block(prefix='n_')
    for scope in (net.name_scope(), NameManager()):
        with scope:
            with pytest.raises(AttributeError):
                Dense(params=3)
            assert Dense().name.endswith('dense0')
