"""What the protos of a SavedModel say of its graphs, without loading it."""

import collections
import os
import pathlib

from google.protobuf import message
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_LOOPS = ("While", "StatelessWhile")
_BRANCHES = ("If", "StatelessIf", "Case", "StatelessCase")  # their first input is not an argument


def check_path(**paths):
    """Returns the only keyword's value as a `pathlib.Path`."""
    ((name, value),) = paths.items()
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"Expected {name} to be a path. Received: {name}={value!r}")
    return pathlib.Path(value)


def read(path):
    """Returns the SavedModel proto of a folder.

    Raises:
      TypeError: `path` is none.
      ValueError: there is none, or it cannot be read.
    """
    file = check_path(path=path) / "saved_model.pb"
    proto = saved_model_pb2.SavedModel()
    try:
        proto.ParseFromString(file.read_bytes())
    except (OSError, message.DecodeError) as error:
        raise ValueError(
            f"Expected path to be a folder with saved_model.pb. Received: path={str(path)!r}, "
            f"{error}"
        ) from error
    return proto


def outside(path):
    """Returns the files of a folder that links lead out of it, relative to it."""
    folder = pathlib.Path(path)
    home = folder.resolve()
    files = sorted(folder.rglob("*"))
    return [f.relative_to(folder) for f in files if not f.resolve().is_relative_to(home)]


class Walk:
    """The nodes that some outputs need, through all functions that are called on the way.

    Args:
      graph_def: the GraphDef of a MetaGraphDef.
      outputs: names of tensors of its main graph.

    Attributes:
      nodes: list of these NodeDefs, each once.
      functions: dict of the FunctionDefs that are called, by name.
      baked: names of the random operations whose seed is the same whatever is fed.
    """

    def __init__(self, graph_def, outputs):
        self._library = {f.signature.name: f for f in graph_def.library.function}
        self._results = {}
        self.nodes, self.functions, self.baked = [], {}, set()
        main = {node.name: node for node in graph_def.node}
        needed = _needed(main, [name.split(":")[0] for name in outputs])
        self.nodes += needed
        self._fixed(needed, {})

    def _function(self, name, arguments):
        """Whether each result of a function is fixed, given which of its arguments are."""
        key = (name, arguments)
        if key not in self._results:
            function = self._library[name]
            if name not in self.functions:
                self.functions[name] = function
                self.nodes += function.node_def
            names = [argument.name for argument in function.signature.input_arg]
            scope = dict(zip(names, arguments, strict=True))
            ordered = _needed({n.name: n for n in function.node_def}, None)
            fixed = self._fixed(ordered, {n: [value] for n, value in scope.items()})
            outputs = [function.ret[out.name] for out in function.signature.output_arg]
            self._results[key] = tuple(_of(fixed, ref) for ref in outputs)
        return self._results[key]

    def _fixed(self, nodes, fixed):
        """Adds to `fixed`, by name, whether each output of nodes is; one entry stands for all."""
        for node in nodes:
            inputs = tuple(_of(fixed, ref) for ref in node.input if not ref.startswith("^"))
            fixed[node.name] = self._outputs(node, inputs)
            seeds = _seeds(node)
            if seeds and all(inputs[i] for i in seeds):
                self.baked.add(node.name)
        return fixed

    def _outputs(self, node, inputs):
        if node.op in _CALLS:
            return list(self._function(node.attr["f"].func.name, inputs))
        if node.op in _LOOPS:
            return self._loop(node, inputs)
        if node.op in _BRANCHES:
            ways = [self._function(name, inputs[1:]) for name in _called(node)]
            return [inputs[0] and all(way) for way in zip(*ways, strict=True)]
        for name in _called(node):  # map_fn of tf.data and the like: nothing is known of these
            self._function(name, (False,) * len(self._library[name].signature.input_arg))
        return [node.op not in ("Placeholder", "PlaceholderWithDefault") and all(inputs)]

    def _loop(self, node, inputs):
        while True:
            after = self._function(node.attr["body"].func.name, inputs)
            both = tuple(a and b for a, b in zip(inputs, after, strict=True))
            if both == inputs:
                self._function(node.attr["cond"].func.name, inputs)
                return list(inputs)
            inputs = both


def handles(nodes):
    """Returns the names under which nodes share variables of a session."""
    variables = [node for node in nodes if node.op == "VarHandleOp"]
    return {node.attr["shared_name"].s.decode() or node.name for node in variables}


def restored(meta_graph):
    """Returns the names of the variables that loading restores."""
    graph = meta_graph.graph_def
    starts = [meta_graph.saver_def.restore_op_name]
    for info in meta_graph.signature_def["__saved_model_init_op"].outputs.values():
        starts.append(info.name.split(":")[0])
    main = {node.name: node for node in graph.node}
    return handles(_needed(main, [name for name in starts if name in main]))


def _needed(nodes, starts):
    """The nodes that others need, each after all that it needs; all nodes if `starts` is None."""
    ordered, state = [], collections.defaultdict(int)
    stack = [name for name in (nodes if starts is None else starts)]
    while stack:
        name = stack[-1]
        if state[name] or name not in nodes:
            stack.pop()
            if state[name] == 1:
                state[name] = 2
                ordered.append(nodes[name])
            continue
        state[name] = 1
        sources = [ref.lstrip("^").split(":")[0] for ref in nodes[name].input]
        stack += [source for source in sources if not state[source]]
    return ordered


def _of(fixed, ref):
    """Whether a tensor is fixed: `name`, `name:index` or, in functions, `name:output:index`."""
    name, *rest = ref.split(":")
    outputs = fixed.get(name, [False])
    index = int(rest[-1]) if rest else 0
    return outputs[index] if index < len(outputs) else all(outputs)


def _called(node):
    names = []
    for key in sorted(node.attr):
        value = node.attr[key]
        names += [value.func.name] if value.HasField("func") else []
        names += [f.name for f in value.list.func]
    return names


def _seeds(node):
    """Places of a stateless random operation's seeds among its inputs."""
    if not node.op.startswith("Stateless") or not any(w in node.op for w in _RANDOM):
        return []
    definition = op_def_registry.get(node.op)
    names = [] if definition is None else [argument.name for argument in definition.input_arg]
    return [i for i, name in enumerate(names) if name in ("seed", "key")]


_RANDOM = ("Random", "Normal", "Multinomial", "Shuffle")
