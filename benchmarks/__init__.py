"""Time blockscope beside MXNet, PyTorch and JAX, interleaved in one run on the same work.

``python -m benchmarks --peer mxnet=PYTHON --peer torch=PYTHON --peer jax=PYTHON`` prints the table, where each PYTHON
is the interpreter of an environment that has that peer (``mxnet==1.9.1`` needs ``numpy==1.23.5``); blockscope runs on
the interpreter that runs this. ``--only REGEX`` picks cases, ``--markdown`` prints the table for the README, ``--json
FILE`` keeps every sample, and ``--record`` keeps table and samples in ``benchmarks/results/``. ``python -m
benchmarks.profile CASE`` shows where the time of one case goes.

Each system has one process, which is stopped by a signal while another one works (so this needs a POSIX system), and
is bound to as many CPUs as it may use threads. A case is warmed up first; then, in every round, each system runs one
sample of it. MXNet is timed around ``waitall()``, JAX around ``block_until_ready``.
"""
