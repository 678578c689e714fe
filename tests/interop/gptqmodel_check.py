"""GPTQModel loads our GPTQ and AWQ files on a CPU: per-layer widths, zeros of both versions, layers left alone."""

import json

from interop import arguments, close, compare, layers, logits, need

need("torch", "safetensors", "transformers", "gptqmodel")

import torch
from gptqmodel import BACKEND, GPTQModel

folder, expected = arguments()

# GPTQModel wants a tokenizer in every folder; any will do.
words = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
         "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
         "model": {"type": "WordLevel", "vocab": {"a": 0, "<unk>": 1}, "unk_token": "<unk>"}}
(folder / "tokenizer.json").write_text(json.dumps(words))
(folder / "tokenizer_config.json").write_text(json.dumps(
    {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>", "eos_token": "a", "pad_token": "a"}))

backend = BACKEND.AWQ_TORCH if folder.name == "awq" else BACKEND.TORCH
model = GPTQModel.load(str(folder), backend=backend, device="cpu", dtype=torch.float16).model


def matrix(module):
    if isinstance(module, torch.nn.Linear):
        return module.weight.detach()
    with torch.no_grad():
        return module(torch.eye(module.in_features, dtype=torch.float16)).T


modules = dict(model.named_modules())
compare({layer: matrix(modules[layer]) for layer in layers(expected)}, expected, 1e-3)
close("logits", logits(model, expected), expected["logits"], 1e-2)
