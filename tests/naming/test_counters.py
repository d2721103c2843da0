"""Drawing numbers: expected values by counting."""
import threading

from blockscope.naming.counters import draw


def test_each_hint_has_its_own_numbers():
    counter = {}
    assert [draw(counter, 'a'), draw(counter, 'b'), draw(counter, 'a')] == [0, 0, 1]
    assert counter == {'a': 2, 'b': 1}


def test_threads_never_draw_the_same_number():
    counter, drawn = {}, []
    threads = [threading.Thread(target=lambda: drawn.extend([draw(counter, 'x') for _ in range(500)])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(drawn) == list(range(4000))
