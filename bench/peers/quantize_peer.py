"""CPU seconds that the hqq package takes for one matrix on one thread; one JSON object on standard output."""

import argparse
import json
import statistics
import time

import torch

import peer


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4096)
    parser.add_argument("--cols", type=int, default=4096)
    parser.add_argument("--bits", type=int, default=4)
    parser.add_argument("--group", type=int, default=128)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()

    torch.set_num_threads(1)
    weight = 0.02 * torch.randn(options.rows, options.cols, generator=torch.Generator().manual_seed(1))
    seconds = []
    for _ in range(options.runs):
        start = time.process_time()
        peer.hqq_codes(weight, options.bits, options.group)
        seconds.append(time.process_time() - start)
    print(json.dumps({"cpu_seconds": {"median": statistics.median(seconds), "least": min(seconds)}, **vars(options)}))


if __name__ == "__main__":
    main()
