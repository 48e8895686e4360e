"""One traced function for all layers of one structure, so that depth costs no tracing."""

import threading

import tensorflow as tf
from tensorflow.python.ops import control_flow_util, resource_variable_ops

from tfflows.bijectors import portable

# Up to so many layers of a structure the runtime puts their operations into one graph, which runs
# some 4 % faster, and takes a third more time to start. Beyond, starting is what takes long.
MOST_INLINED = 16

# Where a graph is to stand on its own, without calls of functions.
_local = threading.local()


class inlined:
    """Context in which all layers are traced in place, for graphs that other programs read."""

    def __enter__(self):
        self._before = getattr(_local, "inlined", False)
        _local.inlined = True

    def __exit__(self, *_):
        _local.inlined = self._before


class SharedCalls:
    """Calls methods of layers; in a graph, those of one structure through one function.

    A layer's operations are traced once for all layers of its structure. Every further one is a
    single operation, which hands its own variables to that function. So the time to trace and to
    optimize a graph does not grow with the number of equal layers. TensorFlow's `ConcreteFunction`
    lets its captures be replaced; this is the one place that does so.

    Not under XLA, which puts all into one program anyway. Worse, a backward pass gets the shapes of
    its forward pass as results of a call, XLA takes all that goes into that call, the weights
    included, for constants of the program, and compiles it again at every step.

    Args:
      layers: Modules. Those that have `structure()` in common with others share.
    """

    def __init__(self, layers):
        structures = [layer.structure() for layer in layers]
        self._structures = {
            id(layer): structure
            for layer, structure in zip(layers, structures, strict=True)
            if structure is not None and structures.count(structure) > 1
        }
        self._noinline = {s: structures.count(s) > MOST_INLINED for s in self._structures.values()}
        self._variables = {}
        self._functions = {}
        self._lock = threading.RLock()

    def call(self, function, layer, *tensors):
        """Returns `function(layer, *tensors)`, a flat sequence of tensors.

        Args:
          function: Pure but for the layer's variables; the same object in each call, as its
            identity is part of what makes two calls the same.
          layer: One of the layers.
          *tensors: Tensors.
        """
        if tf.executing_eagerly() or not self._is_shared(layer):
            return function(layer, *tensors)
        with self._lock:
            template, traced = self._template(function, layer)
            concrete = traced.get_concrete_function(*(_spec(t) for t in tensors))
            return _call(concrete, template, self._variables_of(layer), tensors)

    def _is_shared(self, layer):
        graph = tf.compat.v1.get_default_graph()
        alone = getattr(_local, "inlined", False) or portable.is_active()
        if alone or control_flow_util.GraphOrParentsInXlaContext(graph):
            return False
        if self._leaves_replica(layer):
            return False
        known = self._structures.get(id(layer))
        return known is not None and layer.structure() == known  # a part may have been replaced

    def _leaves_replica(self, layer):
        """Whether replicas take moments together in the layer, which a function must not."""
        replica = tf.distribute.get_replica_context()
        if replica is None or replica.num_replicas_in_sync == 1:
            return False
        return any("moving_variance" in v.name for v in self._variables_of(layer))

    def _template(self, function, layer):
        """The variables of the first layer of the structure, and its graph function."""
        variables = self._variables_of(layer)
        structure = self._structures[id(layer)]
        key = (function, structure, tuple(v.trainable for v in variables))
        if key not in self._functions:
            # If not inlined, the runtime optimizes the body once, too, instead of once a call.
            traced = tf.function(
                lambda *tensors: function(layer, *tensors),
                autograph=False,
                experimental_attributes={"_noinline": self._noinline[structure]},
            )
            self._functions[key] = variables, traced
        return self._functions[key]

    def _variables_of(self, layer):
        if id(layer) not in self._variables:
            self._variables[id(layer)] = layer.variables
        return self._variables[id(layer)]


def _call(concrete, template, variables, tensors):
    """Calls a function that was traced with the template's variables with others'."""
    handles = {id(t.handle): v for t, v in zip(template, variables, strict=True)}
    captures = []
    for capture in concrete.captured_inputs:
        variable = handles.get(id(capture))
        if variable is not None:
            resource_variable_ops.variable_accessed(variable)  # for tapes and outer functions
            capture = variable.handle
        captures.append(capture)
    return concrete._call_flat(list(tensors), captures)


def _spec(tensor):
    return tf.TensorSpec(tensor.shape, tensor.dtype)
