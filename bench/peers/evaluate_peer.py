"""CPU seconds of one evaluation with PyTorch: forward + JSD against stored reference logits, f32 or bf16 autocast, one
thread, eager and under torch.compile; one JSON object on standard output. Run it pinned: `taskset -c 0 python
evaluate_peer.py ...`."""

import argparse
import json
import statistics
import time

import torch

import peer


def cpu_seconds(evaluate, runs):
    """Median and least of `runs`, after one that compiles and warms up."""
    evaluate()
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        evaluate()
        seconds.append(time.process_time() - start)
    return {"median": statistics.median(seconds), "least": min(seconds)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="checkpoint folder")
    peer.add_token_options(parser)
    parser.add_argument("--bits", type=int, help="measure the model at this uniform width (default: unquantized)")
    parser.add_argument("--group", type=int, default=128)
    parser.add_argument("--batch", type=int, default=16, help="sequences a forward pass")
    parser.add_argument("--attention", choices=("eager", "sdpa"), default="sdpa")
    parser.add_argument("--autocast", action="store_true", help="products in bf16")
    parser.add_argument("--runs", type=int, default=11)
    options = parser.parse_args()

    torch.set_num_threads(1)
    batches = peer.load_tokens(options.tokens, options.sequences, options.length).split(options.batch)
    model = peer.load_model(options.model, options.attention)
    with torch.inference_mode():
        references = [model(batch, use_cache=False).logits for batch in batches]
        if options.bits:
            peer.quantize(model, dict.fromkeys(peer.linear_layers(model), options.bits), options.group, "hqq")

        def loss(batch, reference):
            with torch.autocast("cpu", torch.bfloat16, enabled=options.autocast):
                candidate = model(batch, use_cache=False).logits.float()
            return peer.jsd(reference[:, :-1], candidate[:, :-1]).mean()

        compiled = torch.compile(loss)

        def evaluate(step):
            return torch.stack([step(batch, reference) for batch, reference in zip(batches, references)]).mean().item()

        print(json.dumps({
            "eager_cpu_seconds": cpu_seconds(lambda: evaluate(loss), options.runs),
            "compiled_cpu_seconds": cpu_seconds(lambda: evaluate(compiled), options.runs),
            "jsd": evaluate(compiled), "torch": torch.__version__,
            "sequences": options.sequences, "length": options.length, "batch": options.batch,
            "attention": options.attention, "autocast": options.autocast,
        }))


if __name__ == "__main__":
    main()
