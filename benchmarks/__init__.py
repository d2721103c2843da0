"""Time blockscope beside MXNet, PyTorch and JAX, interleaved in one run on the same work.

``python -m benchmarks --peer mxnet=PYTHON --peer torch=PYTHON`` prints the table; ``python -m benchmarks.profile CASE``
shows where the time of one case goes.
"""
