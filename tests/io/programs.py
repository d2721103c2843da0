"""Programs with iterators that run on MXNet and on blockscope alike: each takes the package and gives plain values."""
import gzip
import pathlib
import random
import struct
import tempfile

import numpy as np


def batches(iterator, limit=40, indexed=True):
    """Return what the rest of a pass gives, values included; an error ends it by its class and text."""
    found = []
    try:
        for batch in iterator:
            found.append({"data": [[array.dtype.__name__, array.asnumpy().tolist()] for array in batch.data],
                          "label": [[array.dtype.__name__, array.asnumpy().tolist()] for array in batch.label],
                          "pad": batch.pad,
                          "index": [int(number) for number in batch.index] if indexed and batch.index is not None else None})
            if len(found) == limit:
                break
    except Exception as error:
        found.append([type(error).__name__, str(error)])
    return found


def described(iterator):
    """Return the descriptions that an iterator gives."""
    return [[repr(desc) for desc in iterator.provide_data], [repr(desc) for desc in iterator.provide_label], iterator.batch_size]


def source(mx, text, count):
    """Return an array of `count` samples; `text` says of what kind and shape."""
    kind, shape, dtype = text
    values = np.arange(count * int(np.prod(shape, dtype=int))).reshape(count, *shape)
    return values.astype(dtype) if kind == "numpy" else mx.nd.array(values, dtype=dtype)


def arrays(mx, texts, count, names):
    """Return arrays as a single one, a list or a dictionary."""
    made = [source(mx, text, count) for text in texts]
    return dict(zip(names, made)) if names else made if len(made) != 1 else made[0]


def ndarray_iter(mx, case):
    """Run passes of an NDArrayIter, with the actions between them that the case lists."""
    np.random.seed(case["seed"])
    data = arrays(mx, case["data"], case["count"], case["data_names"])
    label = arrays(mx, case["label"], case["count"], case["label_names"]) if case["label"] else None
    iterator = mx.io.NDArrayIter(data, label, batch_size=case["batch_size"], shuffle=case["shuffle"],
                                 last_batch_handle=case["last_batch_handle"], **case["further"])
    found = [described(iterator)]
    for action in case["actions"]:
        if action == "pass":
            found.append(batches(iterator))
        elif action == "one":
            found.append(batches(iterator, limit=1))
        elif action == "state":
            found.append([iterator.cursor, iterator.getpad(), iterator.num_data, iterator.num_source, described(iterator)])
        else:
            getattr(iterator, action)()
    return found


def around(mx, case):
    """Run passes of a ResizeIter or PrefetchingIter around NDArrayIters."""
    np.random.seed(case["seed"])
    inner = [mx.io.NDArrayIter(np.arange(case["count"]), np.arange(case["count"]) + 100, batch_size=case["batch_size"],
                               last_batch_handle=case["last_batch_handle"]) for _ in range(case["inner"])]
    if case["kind"] == "resize":
        iterator = mx.io.ResizeIter(inner[0], case["size"], reset_internal=case["reset_internal"])
    elif case["kind"] == "prefetch":
        iterator = mx.io.PrefetchingIter(inner, rename_data=case["rename_data"], rename_label=case["rename_label"])
    found = [described(iterator)]
    for _ in range(3):
        found.append(batches(iterator))
        found.append(batches(iterator))
        iterator.reset()
    return found


def csv_iter(mx, case):
    """Run passes of a CSVIter over files made for it."""
    with tempfile.TemporaryDirectory() as folder:
        data, label = pathlib.Path(folder, "data.csv"), pathlib.Path(folder, "label.csv")
        count, width = case["count"], int(np.prod(case["data_shape"]))
        np.savetxt(data, np.arange(count * width).reshape(count, width), delimiter=",", fmt="%g")
        np.savetxt(label, 1000 + np.arange(count * int(np.prod(case["label_shape"]))).reshape(count, -1), delimiter=",", fmt="%g")
        further = {"label_csv": str(label)} if case["labelled"] else {}
        iterator = mx.io.CSVIter(data_csv=str(data), data_shape=tuple(case["data_shape"]), label_shape=tuple(case["label_shape"]),
                                 batch_size=case["batch_size"], round_batch=case["round_batch"], **further, **case["further"])
        found = [described(iterator), type(iterator).__name__]
        for _ in range(case["passes"]):
            found.append(batches(iterator))
            iterator.reset()
    return found


def write_mnist(folder, count, height=2, width=3, packed=False):
    """Write images and labels as MNIST has them, and return the paths."""
    pixels = (np.arange(count * height * width) * 7 % 256).astype(np.uint8).tobytes()
    labels = (np.arange(count) % 256).astype(np.uint8).tobytes()
    paths = []
    for name, content in (("images", struct.pack(">iiii", 2051, count, height, width) + pixels),
                          ("labels", struct.pack(">ii", 2049, count) + labels)):
        path = pathlib.Path(folder, name)
        path.write_bytes(gzip.compress(content) if packed else content)
        paths.append(str(path))
    return paths


def mnist_iter(mx, case):
    """Run two passes of an MNISTIter over files made for it."""
    with tempfile.TemporaryDirectory() as folder:
        image, label = write_mnist(folder, case["count"])
        iterator = mx.io.MNISTIter(image=image, label=label, silent=True, **case["further"])
        found = [described(iterator)]
        for _ in range(2):
            found.append(batches(iterator, indexed=False))  # MXNet leaves them at 0
            iterator.reset()
    return found


PROGRAMS = {"ndarray_iter": ndarray_iter, "around": around, "csv_iter": csv_iter, "mnist_iter": mnist_iter}


def random_source(rng):
    return [rng.choice(["numpy", "nd"]), rng.choice([[], [], [2], [2, 2]]), rng.choice(["float32", "float64", "int32", "uint8", "int64"])]


def random_cases(number, seed):
    """Return that many cases of NDArrayIter, drawn from `seed`."""
    rng = random.Random(seed)
    cases = []
    for _ in range(number):
        count, data, label = rng.randint(1, 9), rng.randint(1, 3), rng.randint(0, 2)
        handle = rng.choice(["pad", "discard", "roll_over", "roll_over"])
        further = {}
        if rng.random() < 0.3:
            further["data_name"] = rng.choice(["x", "image"])
        if rng.random() < 0.3:
            further["label_name"] = "target"
        if rng.random() < 0.2:
            further["layout"] = rng.choice(["NTC", "NHWC"])
        actions = rng.choices(["pass", "pass", "reset", "reset", "hard_reset", "one", "state"], k=8)
        cases.append({
            "program": "ndarray_iter", "count": count, "seed": rng.randrange(1000), "data": [random_source(rng) for _ in range(data)],
            "label": [random_source(rng) for _ in range(label)], "data_names": rng.choice([None, ["b", "a", "c"][:data]]),
            "label_names": rng.choice([None, None, ["y", "z"][:label]]), "shuffle": rng.random() < 0.5, "last_batch_handle": handle,
            "batch_size": rng.randint(1, count if handle == "roll_over" else 12), "further": further,
            "actions": ["state", "pass", "state", "reset", "pass", "reset", *actions]})
    return cases


def further_cases():
    """Return the cases of the other iterators."""
    resize = [{"program": "around", "kind": "resize", "inner": 1, "seed": 0, "count": count, "batch_size": 2, "size": size,
               "reset_internal": reset, "last_batch_handle": handle}
              for count in (4, 5) for size in (1, 2, 5) for reset in (True, False) for handle in ("pad", "discard", "roll_over")]
    prefetch = [{"program": "around", "kind": "prefetch", "inner": inner, "seed": 0, "count": count, "batch_size": 2,
                 "last_batch_handle": handle, "rename_data": names and [{"data": f"d{i}"} for i in range(inner)],
                 "rename_label": names and [{"softmax_label": f"l{i}"} for i in range(inner)]}
                for inner in (1, 2) for count in (4, 5) for handle in ("pad", "roll_over") for names in (None, True)]
    csv = [{"program": "csv_iter", "count": count, "data_shape": shape, "label_shape": label_shape, "labelled": labelled,
            "batch_size": size, "round_batch": rounding, "further": further, "passes": 4}
           for count, size in ((7, 3), (6, 3), (5, 5), (7, 2)) for rounding in (True, False)
           for shape, label_shape, labelled, further in (
               ([2], [1], True, {}), ([2, 1], [2], True, {"dtype": "int32"}), ([1], [1], False, {"dtype": "int64", "data_name": "x"}),
               ([3], [1, 1], True, {"dtype": "float32", "label_name": "y"}))]
    mnist = [{"program": "mnist_iter", "count": count, "further": further}
             for count, further in ((11, {"batch_size": 4, "shuffle": False}), (11, {"batch_size": 4}),
                                    (12, {"batch_size": 5, "seed": 3, "flat": True}), (200, {"batch_size": 100, "seed": -2}),
                                    (23, {"batch_size": 3, "num_parts": 3, "part_index": 1, "shuffle": False}),
                                    (23, {"batch_size": 3, "num_parts": 3, "part_index": 2, "seed": 9}),
                                    (24, {"batch_size": 1, "seed": 1, "data_name": "x", "label_name": "y"}))]
    return resize + prefetch + csv + mnist


def run(mx, case):
    """Run a case and return what it gives."""
    try:
        return PROGRAMS[case["program"]](mx, case)
    except Exception as error:
        return [type(error).__name__, str(error)]
