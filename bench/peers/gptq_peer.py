"""CPU seconds of GPTQ as published, in torch, for what bench/quantize/gptq_bench.cpp measures.

    OMP_NUM_THREADS=1 python bench/peers/gptq_peer.py MODEL --tokens F [--layer 4096] [--rounds 3]
"""

import argparse
import time

import torch

import peer

BITS, GROUP, BLOCK, DAMPING = 3, 128, 128, 0.01


class Calibrated:
    """A linear layer and the Hessian of what it is given: 2 / sequences times the sum of x x^T (arXiv 2210.17323)."""

    def __init__(self, layer):
        self.weight = layer.weight.data
        self.hessian = torch.zeros(layer.in_features, layer.in_features)
        self.sequences = 0

    def add_sequence(self, inputs):
        self.hessian *= self.sequences / (self.sequences + 1)
        self.sequences += 1
        x = (2 / self.sequences) ** 0.5 * inputs.reshape(-1, inputs.shape[-1]).t().float()
        self.hessian += x @ x.t()


def group_parameters(weights):
    """Scale and zero of each row, the range widened to hold 0."""
    low = weights.amin(1, keepdim=True).clamp(max=0)
    high = weights.amax(1, keepdim=True).clamp(min=0)
    empty = (low == 0) & (high == 0)
    low, high = torch.where(empty, -1.0, low), torch.where(empty, 1.0, high)
    scale = (high - low) / (2**BITS - 1)
    return scale, torch.round(-low / scale)


def gptq(weight, hessian):
    """The weights that GPTQ leaves: blocks of columns, each column's error taken off those after it at once within the
    block and off the rest of the matrix when the block is done."""
    weights, hessian = weight.clone(), hessian.clone()
    columns = weights.shape[1]
    dead = hessian.diag() == 0
    hessian[dead, dead] = 1
    weights[:, dead] = 0
    diagonal = torch.arange(columns)
    hessian[diagonal, diagonal] += DAMPING * hessian.diag().mean()
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(hessian))
    factor = torch.linalg.cholesky(inverse, upper=True)
    result = torch.zeros_like(weights)
    for first in range(0, columns, BLOCK):
        last = min(first + BLOCK, columns)
        block = weights[:, first:last].clone()
        errors = torch.zeros_like(block)
        own = factor[first:last, first:last]
        for i in range(last - first):
            if (first + i) % GROUP == 0:
                scale, zero = group_parameters(weights[:, first + i:first + i + GROUP])
            column = block[:, i:i + 1]
            code = (torch.round(column / scale) + zero).clamp(0, 2**BITS - 1)
            quantized = scale * (code - zero)
            result[:, first + i:first + i + 1] = quantized
            error = (column - quantized) / own[i, i]
            block[:, i:] -= error @ own[i:i + 1, i:]
            errors[:, i:i + 1] = error
        weights[:, last:] -= errors @ factor[first:last, last:]
    return result


@torch.inference_mode()
def calibrate_block(block, hidden, run, quantize):
    """Collects the Hessians of a block's layers, hands them to `quantize`, returns the block's outputs after that."""
    layers = {name: module for name, module in block.named_modules() if isinstance(module, torch.nn.Linear)}
    calibrated = {name: Calibrated(module) for name, module in layers.items()}
    hooks = [
        module.register_forward_hook(lambda _, inputs, __, own=calibrated[name]: own.add_sequence(inputs[0]))
        for name, module in layers.items()
    ]
    for state in hidden:
        run(block, state)
    for hook in hooks:
        hook.remove()
    quantize(calibrated)
    return [run(block, state) for state in hidden]


@torch.inference_mode()
def walk(model, tokens, quantize):
    base = model.model
    hidden = [base.embed_tokens(row[None]) for row in tokens]
    positions = torch.arange(tokens.shape[1])[None]
    rotary = base.rotary_emb(hidden[0], positions)

    def run(block, state):
        output = block(state, position_embeddings=rotary, position_ids=positions)
        return output[0] if isinstance(output, tuple) else output

    for block in base.layers:
        hidden = calibrate_block(block, hidden, run, quantize)


def best_of(rounds, work):
    seconds = []  # of CPU: one thread, whatever else the machine does
    for _ in range(rounds):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


@torch.inference_mode()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    peer.add_token_options(parser)
    parser.add_argument("--layer", type=int, help="also one layer of this size")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    tokens = peer.load_tokens(options.tokens, options.sequences, options.length)

    collected = []
    walk(peer.load_model(options.model), tokens, lambda layers: collected.extend(layers.values()))
    seconds = best_of(options.rounds, lambda: [gptq(layer.weight, layer.hessian) for layer in collected])
    print(f"all layers, Hessians known: {1e3 * seconds:.1f} ms", flush=True)

    def replace(layers):
        for layer in layers.values():
            layer.weight.copy_(gptq(layer.weight, layer.hessian))

    models = [peer.load_model(options.model) for _ in range(options.rounds)]
    seconds = best_of(options.rounds, lambda: walk(models.pop(), tokens, replace))
    print(f"the whole model: {1e3 * seconds:.1f} ms", flush=True)

    if options.layer:
        weight = torch.randn(options.layer, options.layer)
        inputs = torch.randn(256, options.layer)
        seconds = best_of(1, lambda: gptq(weight, inputs.t() @ inputs))
        print(f"one layer of {options.layer} x {options.layer}: {1e3 * seconds:.1f} ms", flush=True)


if __name__ == "__main__":
    main()
