#!/usr/bin/env python3
"""Measures configurations of a transformers model for `amq search --evaluator`, with PyTorch on whatever device it has.

    amq search MODEL --tokens F.npy --seed 1 --out DIR \\
        --evaluator "python3 examples/python_evaluator.py MODEL --tokens F.npy --device cuda"

The protocol (docs/formats.md, "Evaluators in other programs") is the last thirty lines: a hello, then one line of bits
in and one line with the loss out for each configuration. Everything above them may be replaced by your own model,
quantizer and loss.
"""
import argparse
import json
import os
import sys

LOWEST_MIXTURE = 1e-7  # AMQ's clamp


def rtn(weights, highest):
    """Round to nearest with GPTQ's ranges; weights are (groups, size) in f32."""
    low = weights.amin(1, keepdim=True).clamp(max=0)
    high = weights.amax(1, keepdim=True).clamp(min=0)
    empty = (low == 0) & (high == 0)
    low, high = low.masked_fill(empty, -1), high.masked_fill(empty, 1)
    scale = (high - low) / highest
    zero = (-low / scale).round()
    codes = (weights / scale + zero).round().clamp(0, highest)
    return codes, zero.half().float(), scale.half().float()


def hqq(weights, highest, iterations=20, p=0.7, beta=10.0):
    """Half-quadratic quantization (Badri and Shaji, 2023): zeros that minimise a sparse norm of the error."""
    low, high = weights.amin(1, keepdim=True), weights.amax(1, keepdim=True)
    steps = (highest / (high - low).clamp(min=1e-4)).clamp(max=2e4)
    zero = -low * steps
    if highest == 15:
        zero = zero.round()
    best = float("inf")
    for _ in range(iterations):
        codes = (weights * steps + zero).round().clamp(0, highest)
        error = weights - (codes - zero) / steps
        size = error.abs()
        if not size.mean().item() < best:
            break
        best = size.mean().item()
        shrunk = error.sign() * (size - size.clamp(min=1e-30).pow(p - 1) / beta).clamp(min=0)
        zero = (codes - (weights - shrunk) * steps).mean(1, keepdim=True)
    codes = (weights * steps + zero).round().clamp(0, highest)
    return codes, zero.half().float(), (1 / steps).half().float()


class evaluator:
    def __init__(self, options, layers):
        import torch
        import transformers

        self.torch, self.options, self.layers = torch, options, layers
        self.device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=getattr(torch, options.dtype))
        self.model.eval().requires_grad_(False).to(self.device)
        self.modules = [self.model.get_submodule(layer["name"]) for layer in layers]
        for layer, module in zip(layers, self.modules):
            if tuple(module.weight.shape) != (layer["rows"], layer["cols"]):
                raise ValueError(f"{layer['name']} is {tuple(module.weight.shape)}, amq expects "
                                 f"{(layer['rows'], layer['cols'])}")
        self.originals = [module.weight.detach().to("cpu", copy=True) for module in self.modules]
        self.bank, self.bits = {}, [None] * len(layers)
        self.tokens = load_tokens(options.tokens, options.sequences, options.length)
        self.reference = [self.hidden(sequence) for sequence in self.tokens]

    def hidden(self, sequence):
        """Last hidden states of a sequence: the head is applied to them again, which needs no memory for logits."""
        ids = self.torch.tensor([sequence.tolist()], device=self.device)
        return self.model.base_model(input_ids=ids, use_cache=False).last_hidden_state[0, :-1]

    def log_probabilities(self, hidden):
        return self.torch.log_softmax(self.model.get_output_embeddings()(hidden).float(), -1)

    def quantized(self, layer, bits):
        choice = next(c for c in self.layers[layer]["choices"] if c["bits"] == bits)
        weights = self.originals[layer].to(self.device).float()
        group = weights.shape[1] if choice["group"] == -1 else choice["group"]
        quantize = {"rtn": rtn, "hqq": hqq}[self.options.quantizer]
        codes, zero, scale = quantize(weights.reshape(-1, group), 2**bits - 1)
        return ((codes - zero) * scale).reshape(weights.shape).to(self.originals[layer].dtype)

    def apply(self, bits):
        """Only layers whose bits differ from the last configuration's are touched."""
        for layer, width in enumerate(bits):
            if self.bits[layer] == width:
                continue
            if (layer, width) not in self.bank:
                matrix = self.quantized(layer, width)
                if self.options.bank:
                    self.bank[layer, width] = matrix.cpu()
            else:
                matrix = self.bank[layer, width]
            self.modules[layer].weight.data.copy_(matrix)
            self.bits[layer] = width

    def divergence(self, reference, candidate):
        """Jensen-Shannon divergence of each position, in nats."""
        p, q = self.log_probabilities(reference), self.log_probabilities(candidate)
        mixture = ((p.exp() + q.exp()) / 2).clamp(min=LOWEST_MIXTURE).log()
        return ((p.exp() * (p - mixture)).sum(-1) + (q.exp() * (q - mixture)).sum(-1)) / 2

    def measure(self, bits):
        self.apply(bits)
        losses = [self.divergence(reference, self.hidden(sequence)).mean().item()
                  for reference, sequence in zip(self.reference, self.tokens)]
        return {"loss": sum(losses) / len(losses), "sequence_losses": losses}


def load_tokens(file, count, length):
    """Sequences as amq selects them: from floor(i N / n) of a flat file, or the start of row floor(i R / n)."""
    import numpy

    if file.endswith(".npy"):
        tokens = numpy.load(file)
    else:
        tokens = numpy.fromfile(file, {".u16": "<u2", ".u32": "<u4"}[os.path.splitext(file)[1]])
    if tokens.ndim == 2:
        return [tokens[i * len(tokens) // count][:length] for i in range(count)]
    starts = [i * len(tokens) // count for i in range(count)]
    return [tokens[start:start + length] for start in starts]


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder or name that transformers loads")
    parser.add_argument("--tokens", required=True, help=".npy, .u16 or .u32")
    parser.add_argument("--sequences", type=int, default=16)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--quantizer", choices=["hqq", "rtn"], default="hqq")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 (default: cuda where there is one)")
    parser.add_argument("--dtype", default="float32", help="arithmetic of the model, a torch dtype")
    parser.add_argument("--bank", action="store_true", help="keep every quantized matrix in host memory")
    return parser.parse_args()


def main():
    options = parse_options()
    # Answers go where standard output went; whatever libraries print there goes to standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(line):
        print(json.dumps(line), file=answers, flush=True)

    hello = json.loads(sys.stdin.readline())
    if hello.get("protocol") != "amq-evaluator" or hello.get("version") != 1:
        sys.exit("this evaluator speaks version 1 of the protocol amq-evaluator")
    model = evaluator(options, hello["layers"])
    answer({"protocol": "amq-evaluator", "version": 1,
            "about": {"loss": "jsd", "quantizer": options.quantizer, "dtype": options.dtype,
                      "sequences": options.sequences, "length": options.length}})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer({"id": request["id"], **model.measure(request["bits"])})
        except Exception as failure:  # this configuration's, not the search's
            answer({"id": request["id"], "error": f"{type(failure).__name__}: {failure}"})


if __name__ == "__main__":
    main()
