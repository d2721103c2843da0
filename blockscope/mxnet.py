"""`import mxnet` served by blockscope, and what differs from MXNet 1.9.1.

`as_mxnet()` installs an import finder, after which `mxnet` and every `mxnet.x.y` is the blockscope module of that name: the same
module object under both names, so that `isinstance`, pickles and module state agree whichever name a program uses.

Known bugs of MXNet 1.9.1
-------------------------
Names and files are the same as MXNet's, except where a graph has one name twice (see symbols below). Where MXNet's behaviour hurts and
neither names nor files depend on it, it is fixed; otherwise it is kept. `tests/naming/test_recorded_cases.py` holds both kinds against
programs recorded from MXNet.

Fixed:

- A block scope may be entered while it is entered, and from several threads at once; MXNet fails at the outer exit with
  "'NoneType' object has no attribute '__exit__'" and leaves the scope installed for good, so that all later blocks get wrong names. The
  same holds for `NameManager` and `Prefix` (left silently entered there) and for calling a block symbolically inside its own scope.
- `AttrScope` keeps only its own attributes; in MXNet it keeps those of the scope around it from then on.
- A new asyncio task or thread never sees or changes another one's scope.
- "Overriding Parameter attribute %s is not allowed" names the attribute.
- "Changing attribute type ... is not allowed" has its blank back before "is".
- `ParameterDict.get` a second time: an int as shape works as the first time; `shape=None` is accepted; an unknown keyword is refused
  as the first time; `allow_deferred_init`, `differentiable`, `stype` and `grad_stype` reach the parameter (a stray attribute before).
- `ParameterDict.get_constant` a second time takes lists.
- `load_parameters` and `load` check everything before they change the first parameter, detect a saved array of higher rank, list all
  parameters of the block when the file holds an unknown one, and explain a file without names (AttributeError before).
- `save_params` shows its own error (AttributeError on `e.message` before).
- `hybridize(False)` does not warn of forward pre-hooks.
- `summary` of a net with deferred parameters has no rows for the symbols of shape inference.
- `Mixed` and `Load` can be given to `Block.initialize` (AssertionError before).
- Saving a parameter whose replicas agree gives exactly that value, not their mean (which may differ in the last bit).
- `list_ctx` of a ParameterDict keeps the order of contexts.
- Two parameters of one name: the error carries a note with file and line where either block was made.
- A layer whose weight has `grad_req='null'` still gets the gradient of its bias (on the CPU, MXNet leaves it at 0).
- BatchNorm's running statistics change in a training forward pass (on the CPU, MXNet changes them in backward only), and
  `scale=False` does not overwrite gamma.
- A slice of a `Concurrent` or `HybridConcurrent` keeps its axis (it became -1 before, so that the slice joined other axes).
- Cells of `gluon.contrib.rnn` take lists as kernels, and a block as activation when they are unrolled (TypeError, AttributeError
  before); `VariationalDropoutCell` of a stack looks for a bidirectional cell (AttributeError before); `dynamic_unroll` of layout NTC
  drops the same values at every step (of every sequence before).
- `SyncBatchNorm` has a gradient in prediction (of unset memory before). Training with a batch cut over several devices is refused, where
  MXNet, being asynchronous, computes it, or waits for ever if parts are missing.
- `Trainer` takes views of dictionaries (`net.collect_params().values()`).
- A call that fails leaves parameters, scopes and counters as they were; a failed first forward pass can be repeated.
- `initialize(None)` takes `Uniform` (AssertionError before); an empty list of contexts is refused (an error at the first use before).
- Bare assertions and NotImplementedErrors have texts; a ParameterDict has a length, and is true when it is empty, as before.
- `save_parameters` and `nd.save` take paths (`pathlib`), and an MXNetError names the file that can't be written.

Fixed in recurrent layers:

- `use_sequence_length` works on the CPU (ignored there before): outputs past the end are 0, states are those of the last valid step.
- LSTM state clipping works (ignored before), and a projection has gradients on the CPU.
- Layers with more than ten layers can be saved (AttributeError before).
- `BidirectionalCell.unroll` takes layout NTC with `valid_length` and `merge_outputs=None`; cells take a block as activation when they are
  stepped; `unroll` starts from states of the input's dtype; `ModifierCell.begin_state()` gives arrays (Symbols before).
- A call that fails inside a modifier cell leaves its base cell as it was; `RNN(activation='x')` and bare assertions have texts; a
  `sequence_length` that the layer was not made for warns (ignored before).
- `BidirectionalCell.unroll` of symbols with `valid_length` and `merge_outputs=False` gives one symbol a step (a group before); ZoneoutCell
  refuses a stack that holds a bidirectional cell when it is made; cells may hold blocks that are no cells; convolutional cells check
  `input_shape` when they are made.

Fixed in training and data:

- Schedulers warn where MXNet prints; a schedule whose end equals its warm-up does not divide by zero.
- `update_on_kvstore=True` works with one context; checks of stale gradients hold with several contexts too, and change nothing when they
  fail; the same Parameter given twice is refused; an unknown kvstore name is an error at once.
- adadelta leaves the caller's gradient alone; dcasgd works with momentum; lbsgd copies the gradients it remembers; LARS corrects the
  momentum of all weights (of the first four before).
- `CompositeEvalMetric.get_metric` raises its error (returned before); TopKAccuracy copes with a k above the number of classes; sums of
  metrics are taken in float64.
- The length message of `ArrayDataset` numbers arrays rightly; `IntervalSampler` knows its length with `rollover=False`; a killed worker of
  a DataLoader is an error at once; workers draw different random numbers; samples of unequal shape are refused.
- `clip_global_norm` takes float16, float64 and mixed types; `download` never leaves a file with a wrong hash in place; `nd.save` refuses a
  name with a zero character (cut before).

Fixed in operators:

- `gather_nd`'s gradient of a negative index goes where the value came from (to the row before it in MXNet); `sign(nan)` is nan.
- `SoftmaxOutput(out_grad=True)` multiplies by the head gradient (by the output in MXNet); SELU has the gradient of its own formula; average
  pooling of convention `full` divides in the gradient as in the forward pass; SoftmaxActivation's gradient fits its instance mode.
- `PoissonNLLLoss(compute_full=True)` is finite for targets of 0; CTC of a label that doesn't fit has gradient 0 (unset memory before);
  `Dropout(p=1)` gives 0 (nan before); `LeakyReLU('rrelu')` trains (a crash before); `relu` of nan is nan (0 before); float16 softmax is
  computed in float32.
- Channels-last convolution, pooling convention `same` in every dimension, `Deconvolution`'s target_shape, softmax of length 0 and
  BatchNormWithReLU work on the CPU; a grouped `Conv2DTranspose` may defer `in_channels`.
- BatchNorm recorded with `train_mode=False` has the gradient of prediction; 3-D average pooling of a window outside gives 0 (NaN before).
- A head that is given twice to `backward` counts twice (the last one won before); `autograd.grad` of a variable that the heads don't reach
  is zero (an error before); integer inputs such as Embedding's have a zero gradient; a NumPy array of booleans as key is a mask (read as
  integers before), and a single True is refused.
- An array that a gradient still needs may not be overwritten: backward says so (the new values were used silently before).
- Rows of `while_loop` after the last step are zero (undefined before); second-order gradients exist for powers, products, `dot` and what is
  built of them.

Fixed in symbols and files of graphs:

- A variable is known by itself, not by its name: an argument `data` and a parameter `data` (of a net with `prefix=''`) are two things
  in a hybridized net, where MXNet feeds the argument to both. A layer that is called twice is exported under names made unique
  (`dense0_fwd_1`), which MXNet reads; files without duplicates stay the same to the byte.
- A Symbol can be a key of a dictionary; `Symbol.grad` works (there is none before); a composition that fails draws no automatic name;
  lists are taken where any number of symbols is (`concat([x, y])`); positional `infer_shape` passes over auxiliary states (an error
  before); update operators can be composed; graphs show one output of `LeakyReLU('rrelu')` (its mask too before).
- In inference, unknown lengths stay unknown in Concat, `_rnn_param_concat` and Pad (counted as 0 before) and in `broadcast_like` (as
  1); unknown types do in InstanceNorm, MultiBoxPrior (float32 before), `amp_multicast` and `softmax(dtype=...)`, and as indices of `take`,
  `one_hot` and Embedding (an error before). InstanceNorm and MultiBoxPrior take float16, SoftmaxOutput and SVMOutput labels of another
  type, Pooling convention `same` in one dimension; a reshape to fewer elements is refused.
- Shapes of `while_loop` and `cond` are inferred; a condition may be of any type; gradients pass a `cond` inside `foreach`, and a
  `while_loop` whose condition reads an outer variable (errors before). A loop over symbols without a step gives zeros. A symbol of
  several outputs counts as a list of them.
- `AttrScope` attributes do not reach the constructor of a CustomOpProp; `dtype=None` means the default in `sym.random` (float64 before).
- Files that are cut off, name later nodes or outputs that do not exist, give inputs to a variable, or hold zero bytes in names are
  FormatErrors that say where (a crash or another graph before). Control dependencies are dropped; a file of a newer version warns.
- `dtype=None` of an operator means its default (float64 before), and `Cast(dtype=None)` is an error; types can be inferred for int16.
- `_compose` leaves graphs that share nodes with this one as they are, and replaces all variables of a name; a variable may be composed.
- `_set_attr` of a value that is refused changes nothing; names that are no text, and unknown storage types, are TypeErrors and ValueErrors.
- GRU and RNN layers with `sequence_length`, `SDMLLoss` and `PoissonNLLLoss(compute_full=True)` can be traced; `Conv3DTranspose` takes
  a dilation; a hybridized block that uses none of its inputs runs; `SymbolBlock.imports` finds out its `input_names`.

Fixed in executors and hybridize:

- A hybridized block returns outputs that are None (TypeError before), notices blocks that are added further down, and can be copied and
  pickled; a recurrent layer called with and without states in turn gives what is asked (what the first call asked for before).
- What can't be traced names block, file, line and reason. `register_op_hook` and
  `set_monitor_callback` pass text and an NDArray (bytes and a handle before).
- Running statistics of a hybridized BatchNorm are those of the eager one.
- Executors refuse gradient arrays of wrong shape (MXNet writes past their end) and ask for the head gradient of
  `SoftmaxOutput(out_grad=True)` (wrong memory before); `reshape` keeps shapes that do not follow from the new ones (an error before).
- `forward(name=...)`, `copy_params_from` and `optimize_for` change nothing when something of what they get does not fit (the first arrays
  before); `export` of a block that has a graph but was not called writes its parameters (a file without any before).

Fixed in tools (io, viz, test_utils, model zoo):

- NDArrayIter keeps HDF5 data sets in step with shuffled arrays, counts samples along the N of its layout, leaves the caller's dictionary
  as it is, and warns of an unknown `last_batch_handle`; `DataDesc._replace` keeps type and layout.
- An error in a thread of PrefetchingIter reaches the caller (MXNet waits for ever), and threads end with their iterator.
- `CSVIter.iter_next` comes to an end, and no sample is unset memory; MNISTIter reads gzip files, numbers its samples (all 0 before) and
  refuses damaged files.
- `plot_network` draws `split_v2` and Pooling without a type (KeyErrors before); `print_summary` counts a layer behind single numbers
  (IndexError before).
- A comparison that fails leaves NumPy's print options as they were, and has a message for numbers, lists and shapes that broadcast;
  unsigned integers differ by their difference; `assert_almost_equal_with_err` heeds `names`, `equal_nan` and `mismatches`; `same_array`
  tells huge values apart and restores tiny ones; `assert_exception(f, AssertionError)` can fail; `same_symbol_structure` tells a graph
  from a longer one.
- `environment` undoes what it did before a bad value; `discard_stderr` passes errors on and keeps nothing open; `simple_forward` runs on
  `ctx`; `check_speed` heeds keywords beside `location`; `numeric_grad` takes lists; `check_consistency` leaves the caller's dictionaries
  alone and compares every executor with the ground truth; `chi_square_check` takes counts that don't divide evenly; `get_bz2_data` takes
  a relative folder, and `get_zip_data` an archive of any name.
- A file of the model zoo gets its name after its hash was checked, and only it is taken from the archive; `MXNET_HOME` is read at each
  call, so `root` is None by default; `purge` of a missing folder does nothing; an unknown depth of VGG or DenseNet lists the options.

Kept:

- `params=` looks one level deep, and a second block that shares may set the first one's initializer where it had none: names and values
  of existing programs depend on it.
- Automatic names run hint and number together (`net10_` twice); a slice inside another scope gets the outer prefix too; modifier cells
  and initial states carry the prefix twice: names.
- `del net.child` leaves the child registered, and a numeric child name may overwrite another: keys of files.
- `load` with `restore_prefix` lists names of the file with that prefix: `restore_prefix` is what the caller gave, and the message is
  right in its terms.
- `cpu_pinned(0)` finds the replica on `cpu(0)`: both are host memory.
- `nd.save` of an empty dictionary comes back as an empty list: the file format has no way to tell.
- GroupNorm has gamma and beta per group; BatchNorm's repr and shapes: files.
- Embedding and `take` clip indices; windows of pooling that lie outside give -FLT_MAX (max) or 0 (average); LRN sums `(nsize - 1) // 2`
  neighbours on each side; `multi_output` SoftmaxOutput ignores `smooth_alpha`: values of existing programs.
- Integer arrays truncate the numbers they are combined with; `rint` rounds halves down: values of existing programs.
- NAG in place takes the weight decay in its momentum from the weight after the update: numbers of trained nets.
- Two parameters of one name are both updated by a Trainer; factor schedulers never go back; the default rate of an optimizer overwrites a
  scheduler's `base_lr` (with a warning now).
- Arrays that NDArrayIter shuffles become float32; `CSVIter(round_batch=False)` fills its last batch up from the one before (`pad` says how
  far); `print_summary` counts parameters by channels only: values of existing programs.
- A `NameManager`, `AttrScope` or block scope that is left without being entered raises what MXNet raises, words included.

Beyond MXNet: NumPy and CuPy arrays can be passed to any block (as NDArrays over the same memory); a parameter's replicas on several
contexts follow `set_data` when they are asked for.
"""
import importlib
import importlib.machinery
import importlib.util
import sys

from .errors import show_module_as

__all__ = ['as_mxnet']

_REAL = __package__
_ALIAS = 'mxnet'


class _AliasLoader:
    """Loads `mxnet.x` by handing out `blockscope.x`."""

    def __init__(self, name):
        self._name = name
        self._spec = None

    def create_module(self, spec):
        """Return the module that has been imported under its own name."""
        module = importlib.import_module(self._name)
        self._spec = module.__spec__
        return module

    def exec_module(self, module):
        """Give the module back its own spec, which the import system has just replaced; there is nothing to run."""
        module.__spec__ = self._spec


class _AliasFinder:
    """Finds `mxnet` and its submodules in blockscope."""

    def find_spec(self, fullname, path=None, target=None):
        """Return a spec for `mxnet` and `mxnet.*` where blockscope has that module."""
        if fullname != _ALIAS and not fullname.startswith(_ALIAS + '.'):
            return None
        name = _REAL + fullname[len(_ALIAS):]
        if name not in sys.modules and importlib.util.find_spec(name) is None:
            return None
        return importlib.machinery.ModuleSpec(fullname, _AliasLoader(name), is_package=hasattr(sys.modules.get(name), '__path__'))


def as_mxnet():
    """Let `import mxnet` and `import mxnet.x.y` give blockscope, from now on and for the whole process.

    Messages then name classes as MXNet does (`<class 'mxnet.gluon.nn.basic_layers.Dense'>`). Calling it again changes nothing.

    Raises
    ------
    ImportError
        The real MXNet is imported already.

    Examples
    --------
    >>> import blockscope
    >>> blockscope.as_mxnet()
    >>> import mxnet
    >>> mxnet is blockscope
    True
    """
    present = sys.modules.get(_ALIAS)
    if present is not None and present is not sys.modules[_REAL]:
        origin = getattr(present, '__file__', None) or 'unknown place'
        raise ImportError(f"cannot serve mxnet from blockscope: another package is already imported as 'mxnet' ({origin}). Call "
                          'blockscope.as_mxnet() before the first `import mxnet`, or keep both in separate processes.')
    if not any(isinstance(finder, _AliasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AliasFinder())
        show_module_as(_REAL, _ALIAS)
