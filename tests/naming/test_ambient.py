"""Ambient stacks: nesting, unwinding in any order, threads, tasks. Expected values follow from the rules in the module's docstring."""
import asyncio
import contextvars
import threading

import pytest

from blockscope.naming import ambient


def in_new_thread(function):
    """Run the function in a thread of its own and return what it returned."""
    result = []
    thread = threading.Thread(target=lambda: result.append(function()))
    thread.start()
    thread.join()
    return result[0]


@pytest.fixture
def stack():
    return ambient.Stack('test')


def test_nesting_unwinds_to_the_outer_value(stack):
    outer = stack.push('outer')
    inner = stack.push('inner')
    assert stack.top() == 'inner'
    stack.pop(inner)
    assert stack.top() == 'outer'
    stack.pop(outer)
    assert stack.top('nothing') == 'nothing'


def test_same_value_may_be_pushed_twice(stack):
    first, second = stack.push('a'), stack.push('a')
    stack.pop(second)
    assert stack.values() == ['a']
    stack.pop(first)
    assert stack.values() == []


def test_leaving_in_another_order_keeps_the_others(stack):
    a, b, c = stack.push('a'), stack.push('b'), stack.push('c')
    stack.pop(a)
    assert stack.values() == ['c', 'b']
    stack.pop(c)
    assert stack.values() == ['b']
    stack.pop(b)
    assert stack.values() == []


def test_a_token_popped_twice_removes_one_frame(stack):
    a, b = stack.push('a'), stack.push('b')
    stack.pop(b)
    stack.pop(b)
    assert stack.values() == ['a']
    stack.pop(a)


def test_new_thread_starts_empty(stack):
    token = stack.push('mine')
    assert in_new_thread(stack.top) is None
    stack.pop(token)


def test_thread_with_a_copied_context_starts_empty(stack):
    token = stack.push('mine')
    context = contextvars.copy_context()
    seen = in_new_thread(lambda: context.run(lambda: (stack.top(), stack.values(), stack.pop(stack.push('own')), stack.top())))
    assert seen == (None, [], None, None)
    assert stack.top() == 'mine'
    stack.pop(token)


def test_token_of_another_context_is_tolerated(stack):
    context = contextvars.copy_context()
    token = context.run(stack.push, 'there')
    stack.pop(token)
    assert stack.top() is None
    mine = stack.push('here')
    stack.pop(token)
    assert stack.top() == 'here'
    stack.pop(mine)


def test_each_task_has_its_own_stack(stack):
    async def worker(name, turns):
        token = stack.push(name)
        for _ in range(turns):
            await asyncio.sleep(0)
            assert stack.values() == [name, 'root']
        stack.pop(token)
        return stack.top()

    async def main():
        token = stack.push('root')
        seen = await asyncio.gather(*(worker(f'task{i}', 3 + i) for i in range(5)))
        in_thread = await asyncio.to_thread(stack.top)
        stack.pop(token)
        return seen, in_thread

    assert asyncio.run(main()) == (['root'] * 5, None)


def test_generator_that_is_closed_late(stack):
    def scoped():
        token = stack.push('generator')
        try:
            yield
        finally:
            stack.pop(token)

    generator = scoped()
    next(generator)
    token = stack.push('caller')
    generator.close()
    assert stack.values() == ['caller']
    stack.pop(token)
    assert stack.values() == []


def test_keys_are_separate():
    token = ambient.push('test.key', 1)
    assert ambient.top('test.key') == 1
    assert ambient.top('test.other', 'none') == 'none'
    ambient.pop(token)
    assert ambient.top('test.key') is None


def flags():
    return ambient.recording(), ambient.training()


def test_flags_nest_and_none_keeps():
    record = ambient.set_flags(recording=True, training=True)
    pause = ambient.set_flags(recording=False)
    assert flags() == (False, True)
    predict = ambient.set_flags(training=False)
    assert flags() == (False, False)
    ambient.restore(predict)
    ambient.restore(pause)
    assert flags() == (True, True)
    ambient.restore(record)
    assert flags() == (False, False)


def test_flags_left_in_another_order():
    record = ambient.set_flags(recording=True)
    train = ambient.set_flags(training=True)
    ambient.restore(record)
    assert flags() == (False, True)
    ambient.restore(train)
    ambient.restore(train)
    assert flags() == (False, False)


def test_assigned_flags_last_until_the_scope_ends():
    record = ambient.set_flags(recording=True)
    assert ambient.assign_flags(recording=False, training=True) == (True, False)
    assert flags() == (False, True)
    ambient.restore(record)
    assert flags() == (False, False)


def test_assigning_flags_keeps_no_history():
    before = ambient.assign_flags(training=True)
    for _ in range(10):
        ambient.assign_flags(recording=True)
        ambient.assign_flags(recording=False)
    assert ambient._get_flags().below is None
    ambient.assign_flags(*before)
    assert flags() == (False, False)


def test_flags_are_off_in_a_new_thread():
    token = ambient.set_flags(recording=True, training=True)
    context = contextvars.copy_context()
    assert in_new_thread(lambda: context.run(flags)) == (False, False)
    assert flags() == (True, True)
    ambient.restore(token)


def test_leave_takes_the_topmost_entry_of_a_scope(stack):
    for value in ('a', 'b', 'a'):
        stack.push(value)
    assert stack.leave('a') == 'a'
    assert stack.values() == ['b', 'a']
    assert stack.leave('a') == 'a'
    assert stack.leave('a') is None
    assert stack.values() == ['b']


def test_leave_does_not_see_another_thread(stack):
    stack.push('a')
    context = contextvars.copy_context()
    assert in_new_thread(lambda: context.run(stack.leave, 'a')) is None
    assert stack.values() == ['a']


def test_assigned_values_go_with_the_scope_they_were_assigned_in(stack):
    stack.assign('base')
    token = stack.push('a')
    stack.assign('b')
    stack.assign('c')
    assert stack.values() == ['c', 'a', 'base']
    stack.pop(token)
    assert stack.values() == ['base']
