"""What the checks of exports share: arguments, expected values, comparisons. Exit code 77 means skipped."""

import atexit
import importlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77

# Scripts of this folder are named after packages, which must not find them in their own place.
HERE = pathlib.Path(__file__).resolve().parent
sys.path = [path for path in sys.path if pathlib.Path(path or ".").resolve() != HERE]


def need(*packages):
    """The packages as modules; where one is missing, the check is skipped, visibly."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    modules = []
    for name in packages:
        try:
            modules.append(importlib.import_module(name))
        except (ImportError, OSError) as missing:
            print(f"skipped: {missing}")
            sys.exit(SKIPPED)
    return modules if len(modules) > 1 else modules[0]


def arguments():
    """(folder of the export, expected tensors): `check.py PROGRAM FORMAT`, PROGRAM being write_exports."""
    from safetensors.torch import load_file

    exports = pathlib.Path(tempfile.mkdtemp(prefix="amq-interop-"))
    atexit.register(shutil.rmtree, exports, ignore_errors=True)
    subprocess.run([sys.argv[1], str(exports), sys.argv[2]], check=True)
    return exports / sys.argv[2], load_file(str(exports / "expected.safetensors"))


def layers(expected):
    """Names of the linear layers."""
    return [key.removesuffix(".weight") for key in expected if key.endswith(".weight")]


def config(folder):
    return json.loads((folder / "config.json").read_text())


def plain_model(folder, weights):
    """transformers' model in float32 with the file's other tensors and these matrices for the linear layers."""
    import torch
    import transformers
    from safetensors.torch import load_file

    described = config(folder)
    described.pop("quantization_config", None)
    described.pop("quantization", None)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**described)).float().eval()
    state = {name: tensor for name, tensor in load_file(str(folder / "model.safetensors")).items()
             if tensor.is_floating_point()}
    state = {name: tensor for name, tensor in state.items() if name in model.state_dict()}
    state.update({f"{layer}.weight": matrix for layer, matrix in weights.items()})
    missing = set(model.state_dict()) - set(state)
    assert not missing, f"the export lacks {missing}"
    with torch.no_grad():
        model.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    return model


def logits(model, expected):
    import torch

    with torch.no_grad():
        return model(expected["tokens"].long()[None]).logits[0].float()


def close(what, found, wanted, tolerance):
    """Fails unless found is within `tolerance` of wanted's largest magnitude."""
    assert found.shape == wanted.shape, f"{what}: shape {tuple(found.shape)}, expected {tuple(wanted.shape)}"
    error = float((found.float() - wanted.float()).abs().max() / wanted.float().abs().max())
    print(f"{what}: off by {error:.2e} of the largest, tolerance {tolerance:.0e}")
    assert error <= tolerance, what


def compare(weights, expected, tolerance):
    """Every layer's dequantized matrix."""
    assert sorted(weights) == sorted(layers(expected)), "the reader found other layers"
    worst = max(weights, key=lambda name: float((weights[name].float() - expected[f"{name}.weight"]).abs().max()
                                                / expected[f"{name}.weight"].abs().max()))
    close(f"weights (worst: {worst})", weights[worst], expected[f"{worst}.weight"], tolerance)
