"""transformers loads our folders: dequantized ones, and AWQ's through GPTQModel."""

import json

from interop import arguments, close, compare, config, layers, logits, need

need("torch", "safetensors", "transformers")

import torch
import transformers

folder, expected = arguments()
described = config(folder)
quantized = "quantization_config" in described
if quantized:
    need("gptqmodel")
    # The fastest kernel for CPUs is compiled when first used, for many minutes; the plain one is there.
    described["quantization_config"]["backend"] = "torch_awq"
    (folder / "config.json").write_text(json.dumps(described))
dtype = torch.float16 if quantized else torch.float32
model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, device_map="cpu")
if not quantized:
    modules = dict(model.named_modules())
    compare({layer: modules[layer].weight.detach() for layer in layers(expected)}, expected, 1e-3)
close("logits", logits(model, expected), expected["logits"], 1e-2)
