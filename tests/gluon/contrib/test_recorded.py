"""Contributed cells and layers against numbers that MXNet 1.9.1 gave (see `mxnet_cases`)."""
import numpy as np
import pytest
from gluon.contrib import mxnet_cases

import blockscope as mx

RECORDED = dict(np.load(mxnet_cases.RECORDED))


@pytest.mark.parametrize('name', mxnet_cases.CASES)
def test_numbers_of_mxnet(name):
    want = {key.split('/')[1]: array for key, array in RECORDED.items() if key.split('/')[0] == name}
    got = mxnet_cases.run(mx, name)
    assert sorted(got) == sorted(want)
    for key, array in want.items():
        np.testing.assert_allclose(got[key], array, rtol=1e-4, atol=5e-6, err_msg=key)


def test_every_recorded_case_is_run():
    assert {key.split('/')[0] for key in RECORDED} == set(mxnet_cases.CASES)
