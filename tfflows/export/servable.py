"""`check_servable`: would a TensorFlow server load a SavedModel, and merge requests for it?"""

from tensorflow.core.framework import types_pb2
from tensorflow.python.framework import op_def_registry

from tfflows.export import protos

_PYTHON = ("PyFunc", "PyFuncStateless", "EagerPyFunc")
# What JSON has no numbers for.
_NOT_JSON = ("DT_HALF", "DT_BFLOAT16", "DT_COMPLEX64", "DT_COMPLEX128", "DT_RESOURCE", "DT_VARIANT")


def check_servable(path):
    """Returns what would keep a TensorFlow server from serving a SavedModel with batching.

    It reads the protos alone: nothing of the model is loaded or run. Found are

    - a folder whose name is no version number, files that lead out of it, unreadable protos;
    - no graph with exactly the tag `serve`, no signature `serving_default`;
    - variables that signatures use and loading does not restore, as in Keras 3 models saved by
      `tf.saved_model.save`: Python answers, a server fails with "Could not find variable";
    - operations of Python's, and functions that XLA must compile, which a server refuses;
    - seeds that are in the graph or in variables: every restart gives the same samples;
    - inputs and outputs that are scalars or of a fixed number of rows, which cannot be merged, and
      outputs that JSON cannot carry.

    Args:
      path: Folder of the SavedModel, `base_dir/version`.

    Returns:
      List of sentences, one for each problem; empty if there is none.

    Raises:
      ValueError: if `path` has no `saved_model.pb` that can be read.
    """
    folder = protos.check_path(path=path)
    proto = protos.read(folder)
    problems = _of_folder(folder)
    served = [meta for meta in proto.meta_graphs if list(meta.meta_info_def.tags) == ["serve"]]
    if not served:
        tags = [sorted(meta.meta_info_def.tags) for meta in proto.meta_graphs]
        return [*problems, f"There is no graph with exactly the tag serve, only with {tags}."]
    signatures = {n: s for n, s in served[0].signature_def.items() if s.inputs or n[:2] != "__"}
    if "serving_default" not in signatures:
        problems.append(f"There is no signature serving_default, only {sorted(signatures)}.")
    for name in sorted(signatures):
        problems += [f"{name}: {text}" for text in _of_form(signatures[name])]
        problems += [f"{name}: {text}" for text in _of_graph(served[0], signatures[name])]
    return problems


def _of_folder(folder):
    problems = [f"{file} leads out of the folder." for file in protos.outside(folder)]
    name = folder.resolve().name
    if not (name.isascii() and name.isdecimal()):
        problems.append(f"The folder {name!r} is no version number: servers pass it over.")
    return problems


def _of_form(signature):
    problems = []
    for kind, tensors in (("input", signature.inputs), ("output", signature.outputs)):
        for name in sorted(tensors):
            dims = tensors[name].tensor_shape.dim
            known = not tensors[name].tensor_shape.unknown_rank
            if known and (not dims or dims[0].size != -1):
                shape = [dim.size for dim in dims]
                problems.append(f"The {kind} {name} of shape {shape} has no open number of rows.")
            dtype = types_pb2.DataType.Name(tensors[name].dtype)
            if kind == "output" and dtype in _NOT_JSON:
                problems.append(f"The output {name} is {dtype}, which JSON cannot carry.")
    if not signature.inputs:
        problems.append("There is no input, so nothing that says how many rows to give.")
    return problems


def _of_graph(meta_graph, signature):
    walk = protos.Walk(meta_graph.graph_def, [info.name for info in signature.outputs.values()])
    problems = []
    lost = protos.handles(walk.nodes) - protos.restored(meta_graph)
    if lost:
        problems.append(f"Loading does not restore the variables {', '.join(sorted(lost))}.")
    python = {node.op for node in walk.nodes if node.op in _PYTHON}
    if python:
        problems.append(f"The operations {', '.join(sorted(python))} need Python.")
    owners = [*walk.nodes, *walk.functions.values()]
    if any(owner.attr["_XlaMustCompile"].b for owner in owners):
        problems.append("Functions must be compiled by XLA, which a server refuses.")
    seeded = walk.baked | {node.name for node in walk.nodes if _is_seeded(node)}
    if seeded:
        names = ", ".join(sorted(seeded))
        problems.append(f"The seeds of {names} are in the model: every restart repeats them.")
    return problems


def _is_seeded(node):
    """Whether a stateful random operation starts from what was saved."""
    definition = op_def_registry.get(node.op)
    if definition is None or not definition.is_stateful:
        return False
    if node.op == "RngReadAndSkip" or (node.op.startswith("Stateful") and "Random" in node.op):
        return True
    if "seed2" not in {attribute.name for attribute in definition.attr}:
        return False
    return bool(node.attr["seed"].i or node.attr["seed2"].i)  # both 0: drawn anew by each process
