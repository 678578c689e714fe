#!/usr/bin/env python3
"""Reads what write_gguf wrote with llama.cpp's own code: the `gguf` package, and its programs where they are built.

usage: gguf.py WRITE_GGUF [MODEL TEXT]

WRITE_GGUF is the program of tests/interop; without MODEL it invents a small one. With LLAMA_CPP naming the folder of
llama.cpp's programs, llama-quantize repeats the recipe and, where MODEL and TEXT are given, llama-perplexity must reach
the perplexity that transformers computes from the file's weights. Exit code 77: gguf or numpy is not installed.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

# This script is called as the package is: its own folder must not come first.
sys.path = [path for path in sys.path if os.path.abspath(path or ".") != os.path.dirname(os.path.abspath(__file__))]
try:
    import gguf
    import numpy as np
    from safetensors.numpy import load_file
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)


def read(path):
    """Every tensor of a GGUF file, dequantized by the package, under its name there."""
    tensors = {}
    for tensor in gguf.GGUFReader(path).tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        tensors[tensor.name] = values.reshape([int(extent) for extent in reversed(tensor.shape)])
    return tensors


def types(path):
    return {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(path).tensors}


def in_checkpoint_order(name, values, config):
    """Undoes llama.cpp's order of the rows of a Llama's queries and keys."""
    heads = config["num_attention_heads"] if "attn_q" in name else config["num_key_value_heads"]
    if config["model_type"] not in ("llama", "mistral") or not re.search(r"attn_[qk]\.weight", name):
        return values
    return values.reshape(heads, -1, 2, values.shape[-1]).swapaxes(1, 2).reshape(values.shape)


NAMES = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
         "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
         "ffn_down": "mlp.down_proj"}


def checkpoint_name(name):
    """The name in the checkpoint of a linear layer's matrix; None for other tensors."""
    found = re.fullmatch(r"blk\.(\d+)\.(\w+)\.weight", name)
    return f"model.layers.{found[1]}.{NAMES[found[2]]}.weight" if found and found[2] in NAMES else None


def check_weights(folder, config):
    expected = load_file(f"{folder}/expected.safetensors")
    seen = read(f"{folder}/model.gguf")
    for name, values in seen.items():
        assert np.array_equal(values.view(np.uint32), expected.pop(name).view(np.uint32)), f"{name} differs"
        if checkpoint_name(name):
            ours = expected.pop(checkpoint_name(name))
            assert np.array_equal(in_checkpoint_order(name, values, config), ours), f"the rows of {name} differ"
    assert not expected, f"{sorted(expected)} are not in the file"
    print(f"{len(seen)} tensors of types {sorted(set(types(f'{folder}/model.gguf').values()))}: equal")


def run(program, *arguments):
    path = os.path.join(os.environ["LLAMA_CPP"], program)
    done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{program} failed: {done.stderr[-2000:]}"
    return done.stdout + done.stderr


def check_recipe(folder):
    """llama-quantize, given our recipe and importance matrix, chooses the types that we wrote."""
    said = run("llama-quantize", "--imatrix", f"{folder}/imatrix.gguf", "--tensor-type-file", f"{folder}/recipe.txt",
               f"{folder}/kept.gguf", f"{folder}/theirs.gguf", "Q4_K", "1")
    layers = sum(1 for name in types(f"{folder}/model.gguf") if checkpoint_name(name))
    assert f"loaded {layers} importance matrix entries" in said, "the importance matrix was not read whole"
    assert types(f"{folder}/theirs.gguf") == types(f"{folder}/model.gguf"), "llama-quantize chose other types"
    print(f"llama-quantize: the same types for all tensors, {layers} entries of importance")


def perplexity_by_transformers(folder, model_folder, text, length, chunks):
    """As llama-perplexity counts: text cut into `chunks` of `length` tokens, the second half of each predicted."""
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).eval()
    state = model.state_dict()
    for name, values in read(f"{folder}/model.gguf").items():
        place = checkpoint_name(name) or {"token_embd.weight": "model.embed_tokens.weight"}.get(name)
        if place:
            state[place].copy_(torch.from_numpy(in_checkpoint_order(name, values, model.config.to_dict()).copy()))
    with open(text, encoding="utf-8", newline="") as file:
        ids = Tokenizer.from_file(f"{model_folder}/tokenizer.json").encode(file.read(), add_special_tokens=False).ids
    losses = []
    for chunk in range(chunks):
        tokens = torch.tensor([ids[chunk * length:(chunk + 1) * length]])
        with torch.no_grad():
            logits = model(tokens).logits[0]
        first = length // 2
        losses.append(torch.nn.functional.cross_entropy(logits[first:-1], tokens[0, first + 1:]).item())
    return float(np.exp(np.mean(losses)))


def check_perplexity(folder, model_folder, text, length=256, chunks=8):
    try:
        ours = perplexity_by_transformers(folder, model_folder, text, length, chunks)
    except ImportError as missing:
        print(f"llama-perplexity is not compared: {missing}")
        return
    said = run("llama-perplexity", "-m", f"{folder}/model.gguf", "-f", text, "-c", str(length), "-b", str(length),
               "--chunks", str(chunks), "-t", "1")
    theirs = float(re.search(r"Final estimate: PPL = ([0-9.]+)", said)[1])
    print(f"perplexity of {chunks} chunks: llama.cpp {theirs:.4f}, transformers {ours:.4f}")
    assert abs(theirs / ours - 1) < 0.01, "llama.cpp, which rounds activations to 8 bits, is off by more than 1 %"


def main():
    program, *model_and_text = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, folder, *model_and_text[:1]], check=True)
        source = model_and_text[0] if model_and_text else f"{folder}/source"
        with open(f"{source}/config.json", encoding="utf-8") as file:
            config = json.load(file)
        check_weights(folder, config)
        if "LLAMA_CPP" not in os.environ:
            print("llama.cpp's programs are not tried: LLAMA_CPP is not set")
            return
        check_recipe(folder)
        if len(model_and_text) == 2:
            check_perplexity(folder, *model_and_text)


main()
