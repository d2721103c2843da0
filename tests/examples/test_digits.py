"""The digits example learns: the numbers are those that the README promises."""
import pytest

import blockscope as mx
from blockscope.examples import digits


def test_a_quarter_is_held_out_and_seeds_draw_different_ones():
    (train, held_out), (_, other) = digits.load_data(0), digits.load_data(1)
    assert (len(train), len(held_out)) == (1348, 449)  # 1797 images: 449 is a quarter, rounded down
    image, label = held_out[0]
    assert image.shape == (1, 8, 8) and 0 <= image.min() and image.max() == 1.0
    assert [held_out[i][1] for i in range(20)] != [other[i][1] for i in range(20)]


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow),
                                  pytest.param(3, marks=pytest.mark.slow), pytest.param(4, marks=pytest.mark.slow)])
def test_held_out_accuracy(seed, tmp_path, capsys):
    assert digits.main(seed=seed, out=str(tmp_path)) >= 0.97
    assert "agrees on 449 of 449" in capsys.readouterr().out


def test_second_net_gives_equal_outputs(tmp_path):
    net = digits.DigitsNet()
    net.initialize(mx.init.Xavier())
    x = mx.nd.random.uniform(shape=(5, 1, 8, 8))
    y = net(x)
    net.save_parameters(str(tmp_path / "digits.params"))
    second = digits.DigitsNet()
    second.load_parameters(str(tmp_path / "digits.params"))
    assert (second(x).asnumpy() == y.asnumpy()).all()
