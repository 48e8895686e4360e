"""The weights of our models in the nested form that the NumPy reference reads."""

import numpy as np

from tfflows import bijectors, networks


def of(flow):
    """The weights of a NICE, RealNVP or Glow on images."""
    layers = flow.distribution.bijector.layers
    return {"NICE": _nice, "RealNVP": _realnvp, "Glow": _glow}[type(flow).__name__](layers)


def of_dequantizer(dequantizer):
    """The weights of a `VariationalDequantizer`."""
    network = _resnet if len(dequantizer.event_shape) == 3 else _mlp
    couplings = [
        {"network": network(c.conditioner), "scale": float(c.transform.scale)}
        for c in _couplings(dequantizer._bijector.layers)
    ]
    return {"context": network(dequantizer.context), "couplings": couplings}


def _arrays(owner, **names):
    """{key: array} for `key=attribute` of an object, without those that are None there."""
    values = {key: getattr(owner, attribute, None) for key, attribute in names.items()}
    return {key: np.asarray(value) for key, value in values.items() if value is not None}


def _flat(layers):
    """The layers, with composites among them replaced by theirs."""
    parts = [_flat(p.layers) if isinstance(p, bijectors.Composite) else [p] for p in layers]
    return [layer for part in parts for layer in part]


def _couplings(layers):
    return [layer for layer in layers if isinstance(layer, bijectors.Coupling)]


def _nice(layers):
    mlps = [_mlp(coupling.conditioner) for coupling in _couplings(_flat(layers))]
    return {"couplings": mlps, "log_scale": np.asarray(layers[-1].log_scale)}


def _mlp(network):
    return [_arrays(dense, kernel="kernel", bias="bias") for dense in network.dense]


# Glow


def _glow(layers):
    levels = [_flat(level.layers) for level in layers[-1].levels]
    result = []
    for level in levels:
        result.append({"steps": [_step(*level[i : i + 3]) for i in range(1, len(level) - 2, 3)]})
    for weights, level in zip(result[:-1], levels, strict=False):
        weights["prior"] = _zero_conv(level[-1].conditioner)
    end = levels[-1][-1]
    network = end.conditioner if end.name == "top_prior" else None
    if not isinstance(network, networks.PriorNet):
        return {"levels": result, "top": None if network is None else _top(network)}
    top = None if network.conv is None else _top(network.conv)
    return {"levels": result, "top": top, "classes": zero_dense(network.dense)}


def _step(act_norm, conv, coupling):
    names = ("permutation", "lower", "upper", "sign", "log_s")
    return {
        "act_norm": _arrays(act_norm, shift="shift", log_scale="log_scale"),
        "conv": _arrays(conv, matrix="kernel", **{name: name for name in names}),
        "network": _conv_net(coupling.conditioner),
    }


def _conv_net(network):
    weights = {"last": _zero_conv(network.out)}
    for i, (conv, norm) in enumerate(zip(network.convs, network.norms, strict=True), start=1):
        norm = _arrays(norm, shift="shift", log_scale="log_scale")
        weights[f"conv_{i}"] = {"kernel": _edged_kernel(conv), **norm}
    return weights


def _edged_kernel(conv):
    kernels = [conv.kernel] if conv.edge_kernel is None else [conv.kernel, conv.edge_kernel]
    return np.concatenate([np.asarray(kernel) for kernel in kernels], axis=2)


def _zero_conv(layer):
    return {"kernel": _edged_kernel(layer), **_arrays(layer, bias="bias", logs="log_scale")}


def zero_dense(layer):
    """The weights of a `ZeroDense`."""
    return _arrays(layer, kernel="kernel", bias="bias", logs="log_scale")


def _top(layer):
    """As the layer sees zeros only, what multiplies them may have any size: twice ours there."""
    kernel = np.asarray(layer.kernel)
    edge = np.asarray(layer.edge_kernel)
    kernel = np.concatenate([kernel, kernel, edge], axis=2)
    return {"kernel": kernel, **_arrays(layer, bias="bias", logs="log_scale")}


# RealNVP


def _realnvp(layers):
    result = []
    for level in layers[-1].levels:
        steps = list(zip(level.layers[:-1], level.layers[1:], strict=True))
        steps = [pair for pair in steps if isinstance(pair[0], bijectors.Coupling)]
        masked = [isinstance(c.partition, bijectors.Mask) for c, _ in steps]
        weights = [_coupling(*pair) for pair in steps]
        scale = {"checkerboard": [w for w, m in zip(weights, masked, strict=True) if m]}
        if not all(masked):
            scale["channel"] = [w for w, m in zip(weights, masked, strict=True) if not m]
        result.append(scale)
    return result


def _coupling(coupling, after):
    norm = isinstance(after, bijectors.BatchNorm)
    return {
        "network": _resnet(coupling.conditioner),
        "scale": float(coupling.transform.scale),
        "bn": _arrays(after, mean="moving_mean", variance="moving_variance") if norm else None,
    }


def _resnet(network):
    none = {"mean": 0.0, "variance": 1.0 - 1e-4, "beta": 0.0}  # the identity
    norms = [_norm(layer) for layer in network.norms] or [none] * (2 * network.blocks + 2)
    convs = [_normalized(layer) for layer in network.convs]
    skips = [_normalized(layer) for layer in network.skips]
    blocks = []
    for i in range(network.blocks):
        bn_1, bn_2 = norms[1 + 2 * i : 3 + 2 * i]
        conv_1, conv_2 = convs[2 * i : 2 * i + 2]
        block = {"bn_1": bn_1, "conv_1": conv_1, "bn_2": bn_2, "conv_2": conv_2}
        blocks.append({**block, "skip": skips[i + 1]})
    ends = {"conv_in": _normalized(network.conv_in), "conv_out": _normalized(network.conv_out)}
    return {"bn_in": norms[0], "skip_in": skips[0], "blocks": blocks, "bn_out": norms[-1], **ends}


def _norm(layer):
    return _arrays(layer, mean="moving_mean", variance="moving_variance", beta="beta")


def _normalized(layer):
    return _arrays(layer, v="v", magnitude="magnitude", bias="bias")
