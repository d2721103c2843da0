"""Record what MXNet 1.9.1's update operators give, to the last bit: run with a python that has mxnet, never imports blockscope.

    python tests/optimizer/record_updates.py > tests/optimizer/updates.json

`cases` is shared with the test, which passes blockscope as `mx`.
"""
import json
import sys

import numpy as np

COMMON = {"lr": 0.1, "wd": 0.01, "rescale_grad": 1 / 33}
OPERATORS = {
    "sgd_update": ("", {}), "sgd_mom_update": ("m", {"momentum": 0.9}), "nag_mom_update": ("m", {"momentum": 0.9}),
    "adam_update": ("ms", {"beta1": 0.8}), "rmsprop_update": ("s", {"gamma1": 0.9}),
    "rmspropalex_update": ("smm", {"gamma1": 0.9, "gamma2": 0.8, "epsilon": 1e-4}), "ftrl_update": ("ms", {"lamda1": 0.05, "beta": 1.5}),
    "signsgd_update": ("", {}), "signum_update": ("m", {"momentum": 0.9, "wd_lh": 0.1}), "ftml_update": ("ssm", {"t": 3}),
}
VARIANTS = {"plain": {"wd": 0.0}, "decay": {}, "clipped": {"clip_gradient": 0.02}}


def arrays(states):
    """Return a weight, a gradient and states: `states` has an "s" for each that can't be negative, an "m" for others."""
    random = np.random.RandomState(0)
    weight, grad = (random.randn(4, 5).astype("float32") for _ in range(2))
    mean = random.randn(4, 5).astype("float32") * 0.1
    square = np.abs(random.randn(4, 5)).astype("float32") + 0.1
    return weight, grad, [square if kind == "s" else mean for kind in states]


def cases(mx):
    """Yield (name, arrays of results) of every operator and variant."""
    for name, (states, attributes) in OPERATORS.items():
        for variant, changes in VARIANTS.items():
            given = {**COMMON, **attributes, **changes}
            if name == "ftml_update" and "clip_gradient" in given:
                given["clip_grad"] = given.pop("clip_gradient")
            weight, grad, kept = arrays(states)
            kept = [mx.nd.array(k) for k in kept]
            out = getattr(mx.nd, name)(mx.nd.array(weight), mx.nd.array(grad), *kept, **given)
            yield f"{name}/{variant}", [out.asnumpy(), *(k.asnumpy() for k in kept)]


if __name__ == "__main__":
    import mxnet
    recorded = {name: [a.view("uint32").ravel().tolist() for a in results] for name, results in cases(mxnet)}
    json.dump({"mxnet": mxnet.__version__, "cases": recorded}, sys.stdout, separators=(",", ":"))
    sys.stdout.write("\n")
