"""The compressed-tensors package reads our files back: its own matching of layers, unpacking and dequantizing."""

from interop import arguments, close, compare, config, layers, logits, need, plain_model

need("torch", "safetensors", "transformers", "compressed_tensors")

import torch
import transformers
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationConfig
from compressed_tensors.utils.match import is_match
from safetensors.torch import load_file

folder, expected = arguments()
scheme_of_group = QuantizationConfig.model_validate(config(folder)["quantization_config"])
tensors = load_file(str(folder / "model.safetensors"))
module = torch.nn.Linear(1, 1)

weights = {}
for layer in layers(expected):
    schemes = [group for group in scheme_of_group.config_groups.values()
               if is_match(layer, module, group.targets, scheme_of_group.ignore)]
    own = {name.removeprefix(f"{layer}."): tensor for name, tensor in tensors.items() if name.startswith(f"{layer}.")}
    if not schemes:
        weights[layer] = own["weight"]
        continue
    assert len(schemes) == 1, f"{layer} is matched by {len(schemes)} groups"
    own["weight_scale"] = own["weight_scale"].float()
    compressor = BaseCompressor.get_value_from_registry(scheme_of_group.format)
    weights[layer] = compressor.decompress(own, schemes[0])["weight"]
compare(weights, expected, 1e-6)
close("logits", logits(plain_model(folder, weights), expected), expected["logits"], 1e-5)

# transformers 5.23 reads no zero points of packed checkpoints, not even those that the package itself wrote.
if all(group.weights.symmetric for group in scheme_of_group.config_groups.values()):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    close("logits of transformers", logits(model, expected), expected["logits"], 1e-5)
