"""Recorded traces that are not compared, with the reason."""

# Parts of MXNet that blockscope does not have yet.
WAITING = {
    'sparse arrays': 'optimizer/adam_row_sparse_lazy layer/containers.p',
    'the NumPy front end (mx.np)': 'op/np_shape_scalar',
    'deformable convolution': 'layer/deformable_conv',
    'operators that few programs use': """layer/pool_op.v1 op/sequence_more.j op/sequence_more.o op/sequence_more.p op/sequence_more.q
        op/sequence_more.r op/sequence_more.s optimizer/ops.k optimizer/ops.l""",
}

DIFFERENT = {
    'MXNet refuses on the CPU what works here: channels-last, float16 and integer matrices, padding of other axes, other types of states':
        """layer/conv2d_args.h layer/conv2d_transpose.g layer/conv_f64_f16.e layer/conv_f64_f16.l op/dot_more.m op/concat_split.u
        op/concat_split.x op/concat_split.y op/index_ops.j layer/pool_op.same layer/pool_op.same1 layer/batchnorm.l loss/poisson.c
        loss/poisson.d op/nd_create.a op/nd_create.i op/nd_create.p op/nd_getitem.p optimizer/adagrad_more.p optimizer/rmsprop_more.t
        optimizer/adadelta_more.p optimizer/ftrl_more.p optimizer/api.p optimizer/api.q op/nd_autograd.f layer/conv2dT_groups_deferred
        metric/regression.n op/nd_props.b op/nd_props.k""",
    'integer inputs have a gradient of zero, which MXNet refuses to give':
        """layer/conv_f64_f16.h layer/embedding.a layer/embedding.b layer/embedding.c layer/embedding.e op/softmax_more.k""",
    'MXNet reads memory that it should not, or leaves it unset':
        """layer/batchnorm.k op/reshape_more.b layer/activations.q op/sequence_more.h op/nd_autograd.j""",
    'MXNet is wrong: recurrent layers ignore lengths and projections on the CPU; an average of no elements is NaN; the gradient of an '
    'average over windows past the edge divides by another number than the average; the gradient of SELU at negative values is not its '
    'derivative; SoftmaxOutput with out_grad multiplies by its own output; a batch normalization in prediction has the gradient of '
    'training; a bias beside a frozen weight is not trained; metrics forget their global value, or cannot take more candidates than '
    'classes; dcasgd and lbsgd lose their states':
        """layer/selu layer/selu_2 layer/activations.c rnn/lstm_sequence_length rnn/layers_args.h layer/avgpool.b
        layer/avgpool.g op/softmax_more.g layer/batchnorm.g trainer/flows.n metric/basic.l metric/basic.m metric/regression.d2
        optimizer/dcasgd_more.o optimizer/lbsgd_more.q""",
    'another way to fail, or another text: a file or a state that cannot be read, a deferred layer that is given a wrong type or rank':
        """metric/shape_mismatch op/nd_save_load.g optimizer/api.s layer/dense.l layer/dense.m layer/groupnorm_instancenorm.l
        op/nd_props.h op/nd_props.x op/nd_props.z op/nd_setitem.j""",
    'clearer here: a mask of bools chooses rows, True is no index, an array keeps its context in a pickle, a variable that the heads do '
    'not depend on has a gradient of zero, the configuration of F1 holds its average, NaN stays NaN in relu and softmax':
        """op/nd_getitem.h op/nd_getitem.q op/nd_setitem.l op/nd_save_load.h op/nd_autograd.n metric/api.j layer/activations.m
        op/softmax_more.f""",
    'float16 is summed in float32': 'op/softmax_more.e',
    'coefficients that mean nothing: a rate or a bound of zero, bounds in the wrong order':
        'optimizer/adamax_more.l optimizer/ftml_more.f op/elementwise_grads.e',
    'addresses of objects': 'op/nd_props.y op/nd_props.z5',
}
