"""MLX dequantizes our files, and mlx-lm loads them where it is installed."""

import importlib.util

from interop import arguments, close, compare, config, layers, logits, need, plain_model

need("torch", "safetensors", "transformers", "mlx.core")

import mlx.core as mx
import numpy
import torch

folder, expected = arguments()
table = config(folder)["quantization"]
tensors = mx.load(str(folder / "model.safetensors"))

weights = {}
for layer in layers(expected):
    said = table.get(layer, table)
    matrix = tensors[f"{layer}.weight"]
    if said is not False:
        matrix = mx.dequantize(matrix, tensors[f"{layer}.scales"].astype(mx.float32),
                               tensors[f"{layer}.biases"].astype(mx.float32), said["group_size"], said["bits"])
    weights[layer] = torch.from_numpy(numpy.array(matrix.astype(mx.float32)))
compare(weights, expected, 1e-3)
close("logits", logits(plain_model(folder, weights), expected), expected["logits"], 1e-2)

if importlib.util.find_spec("mlx_lm"):
    from mlx_lm.utils import load_model

    model, _ = load_model(folder)
    tokens = mx.array(expected["tokens"].numpy())[None]
    found = torch.from_numpy(numpy.array(model(tokens)[0].astype(mx.float32)))
    close("logits of mlx-lm", found, expected["logits"], 2e-2)
