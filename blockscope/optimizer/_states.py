"""States of optimizers as bytes: an NDArray list file (`formats.params`) whose first array is a header in JSON.

The header holds the structure of the states (None, the number of an array, or a list of these) and, where asked for, the
optimizer's settings: numbers, texts and dictionaries of them, and the same of its scheduler.  Nothing in it is ever executed.
"""
import io
import json
import pickle
import struct

import numpy as np

from .. import lr_scheduler
from ..backend import cpu
from ..errors import FormatError
from ..formats import params
from ..ndarray import NDArray

__all__ = ["Loaded", "Settings", "dumps", "loads"]

_HEADER = "blockscope:optimizer_states"
_VERSION = 1
# What an optimizer has besides settings.
_NOT_SETTINGS = {"param_dict", "lr_scheduler", "sym_info", "_index_update_count", "_scratch", "_last", "weight_previous", "cumgrads",
                 "aggregate_num", "allow_np_array"}
_PICKLE = (
    "this is a Python pickle, as MXNet's save_states writes. A pickle can run code of whoever made it, so it is not read unless you "
    "ask for it: trainer.load_states(fname, allow_pickle=True), or updater.set_states(data, allow_pickle=True). Then save it again "
    "with save_states, which writes no pickle.")


class Settings:
    """The settings of an optimizer: its class name, its attributes, and those of its scheduler."""

    def __init__(self, kind, attributes, scheduler=None):
        self.kind = kind
        self.attributes = attributes
        self.scheduler = scheduler

    def apply_to(self, optimizer):
        """Give an optimizer these settings.

        Raises
        ------
        FormatError
            If it is of another class, or its scheduler is.
        """
        own = type(optimizer).__name__
        if own != self.kind:
            raise FormatError(f"the states were saved with the optimizer {self.kind}, and this one is {own}: make the Trainer with "
                              f"optimizer {self.kind.lower()!r}")
        scheduler = optimizer.lr_scheduler
        if self.scheduler is not None and scheduler is not None and type(scheduler).__name__ != self.scheduler.kind:
            raise FormatError(f"the states were saved with the learning-rate scheduler {self.scheduler.kind}, and this optimizer has "
                              f"{type(scheduler).__name__}: give it the same kind")
        if self.scheduler is not None and scheduler is None:
            scheduler = optimizer.lr_scheduler = self.scheduler.new_scheduler()
        for name, value in self.attributes.items():
            if hasattr(optimizer, name):
                setattr(optimizer, name, value)
        if "_all_index_update_counts" in self.attributes:
            optimizer._set_current_context(0)
        if self.scheduler is not None:
            vars(scheduler).update(self.scheduler.attributes)

    def new_scheduler(self):
        """Return an empty scheduler of this kind, which must be one of blockscope's own."""
        if self.kind not in lr_scheduler.__all__:
            raise FormatError(f"the states were saved with the learning-rate scheduler {self.kind}: give the optimizer one "
                              "(lr_scheduler=...) before loading; its values will be those of the file")
        return object.__new__(getattr(lr_scheduler, self.kind))


class Loaded:
    """States by weight, and `Settings` or None."""

    def __init__(self, states, optimizer=None):
        self.states = states
        self.optimizer = optimizer


def _settings_of(thing):
    """Return the attributes of an optimizer or scheduler that are plain values, with dictionaries as lists of pairs."""
    found = {}
    for name, value in vars(thing).items():
        if name not in _NOT_SETTINGS:
            plain = _plain(value)
            if plain is not _NOT_PLAIN:
                found[name] = plain
    return found


_NOT_PLAIN = object()


def _plain(value):
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        parts = [_plain(v) for v in value]
        return _NOT_PLAIN if any(p is _NOT_PLAIN for p in parts) else parts
    if isinstance(value, dict):
        pairs = [[_plain(k), _plain(v)] for k, v in value.items()]
        return _NOT_PLAIN if any(p is _NOT_PLAIN for pair in pairs for p in pair) else {"pairs": pairs}
    return _NOT_PLAIN


def _from_plain(value):
    if isinstance(value, dict):
        return {k: _from_plain(v) for k, v in value["pairs"]}
    return [_from_plain(v) for v in value] if isinstance(value, list) else value


def dumps(states, optimizer=None):
    """Return states (and the optimizer's settings) as bytes.

    Parameters
    ----------
    states : dict
        None, NDArray, or tuples or lists of these, by int or str.
    optimizer : Optimizer, optional
        Whose settings to add.
    """
    arrays = []

    def structure(state, key):
        if state is None:
            return None
        if isinstance(state, NDArray):
            arrays.append(state)
            return len(arrays) - 1
        if isinstance(state, (list, tuple)):
            return [structure(s, key) for s in state]
        raise TypeError(f"the state of weight {key!r} holds a {type(state).__name__}; only None, NDArrays and tuples of them can be "
                        "saved without pickle")

    header = {"version": _VERSION, "states": [[key, structure(state, key)] for key, state in states.items()]}
    if optimizer is not None:
        header["optimizer"] = {"class": type(optimizer).__name__, "settings": _settings_of(optimizer)}
        if optimizer.lr_scheduler is not None:
            scheduler = optimizer.lr_scheduler
            header["optimizer"]["scheduler"] = {"class": type(scheduler).__name__, "settings": _settings_of(scheduler)}
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    records = [params.Record(text.shape, text)]
    records += [params.Record(a.shape, a.asnumpy(), device=(a.context.device_typeid, a.context.device_id)) for a in arrays]
    return params.dump(records, [_HEADER, *(f"state:{i}" for i in range(len(arrays)))])


def loads(data, allow_pickle=False):
    """Return what `dumps` wrote, or what MXNet pickled where `allow_pickle` says so.

    Raises
    ------
    FormatError
        If the bytes are damaged, of another format, or a pickle that may not be read.
    """
    if data[:1] == b"\x80":
        if not allow_pickle:
            raise FormatError(_PICKLE)
        return _from_pickle(data)
    names, records = params.loads(data)
    if not names or names[0] != _HEADER:
        raise FormatError("this NDArray file holds no optimizer states: it was not written by save_states")
    arrays = params.dense_arrays(names, records, "optimizer states")
    try:
        header = json.loads(bytes(arrays[0]).decode())
        if header["version"] != _VERSION:
            raise FormatError(f"optimizer states of version {header['version']} cannot be read; this is version {_VERSION}")
        states = {key: _restored(state, arrays[1:]) for key, state in header["states"]}
        return Loaded(states, _settings(header.get("optimizer")))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise FormatError(f"the header of the optimizer states is damaged: {error}") from error


def _settings(text):
    if text is None:
        return None
    scheduler = text.get("scheduler")
    return Settings(text["class"], {k: _from_plain(v) for k, v in text["settings"].items()}, _settings(scheduler))


def _restored(state, arrays):
    if state is None:
        return None
    if isinstance(state, list):
        return tuple(_restored(s, arrays) for s in state)
    if not isinstance(state, int) or not 0 <= state < len(arrays):
        raise FormatError(f"the header names array {state!r} of {len(arrays)}")
    return NDArray(np.array(arrays[state]), cpu())


class _PickledArray:
    """Stands for an NDArray in a pickle of MXNet: its state is the record of the array, as in .params files."""

    array = None

    def __init__(self, handle=None):
        """Take the handle (None) that MXNet's arrays are pickled to be made with."""

    def __setstate__(self, state):
        data = state.get("handle") if isinstance(state, dict) else None
        if data is not None:
            one = struct.pack("<QQQ", params.LIST_MAGIC, 0, 1) + bytes(data) + struct.pack("<Q", 0)
            names, records = params.loads(one)
            self.array = NDArray(np.array(params.dense_arrays(names, records, "pickled state")[0]), cpu())


class _PickledObject:
    """Stands for an optimizer or a scheduler in a pickle of MXNet: only its class name and attributes are kept."""

    def __setstate__(self, state):
        if not isinstance(state, dict):
            raise FormatError(f"a pickled {type(self).__name__} holds a {type(state).__name__} and no attributes")
        self.state = state


class _Unpickler(pickle.Unpickler):
    """Makes arrays, optimizers, schedulers and a few plain values, and nothing else."""

    def find_class(self, module, name):
        if (module, name) in (("mxnet.ndarray.ndarray", "NDArray"), ("blockscope.ndarray.array", "NDArray")):
            return _PickledArray
        if (module, name) in (("builtins", "bytearray"), ("__builtin__", "bytearray")):
            return bytearray
        if (module, name) in (("_codecs", "encode"),):
            return _latin1
        if module in ("mxnet.optimizer.optimizer", "mxnet.optimizer.contrib", "mxnet.lr_scheduler"):
            return type(name, (_PickledObject,), {})
        raise FormatError(f"the pickle asks for {module}.{name}, which optimizer states have no use for; it is refused")


def _latin1(text, encoding):
    if encoding != "latin1":
        raise FormatError(f"the pickle asks for the text encoding {encoding!r}; it is refused")
    return text.encode("latin1")


def _from_pickle(data):
    try:
        content = _Unpickler(io.BytesIO(data)).load()
    except FormatError:
        raise
    except Exception as error:  # an unpickler of damaged bytes raises anything
        raise FormatError(f"the pickled optimizer states are damaged: {type(error).__name__}: {error}") from error
    optimizer = None
    if isinstance(content, tuple) and len(content) == 2:
        content, optimizer = content
    if not isinstance(content, dict) or not isinstance(optimizer, (_PickledObject, type(None))):
        raise FormatError("the pickle holds no optimizer states")
    return Loaded({key: _unwrapped(state) for key, state in content.items()}, _pickled_settings(optimizer))


def _unwrapped(state):
    if state is None:
        return None
    if isinstance(state, _PickledArray):
        return state.array
    if isinstance(state, (tuple, list)):
        return type(state)(_unwrapped(s) for s in state)
    raise FormatError(f"the pickle holds a state of type {type(state).__name__}")


def _pickled_settings(thing):
    if thing is None:
        return None
    scheduler = thing.state.get("lr_scheduler")
    plain = {k: _plain(v) for k, v in thing.state.items() if k not in _NOT_SETTINGS}
    attributes = {k: _from_plain(v) for k, v in plain.items() if v is not _NOT_PLAIN}
    return Settings(type(thing).__name__, attributes, _pickled_settings(scheduler if isinstance(scheduler, _PickledObject) else None))
