"""Seconds that the hqq package takes for what bench/quantize/hqq_bench.cpp measures, one thread.

    python bench/peers/hqq_peer.py          # needs: pip install hqq
"""

import time

import torch
from hqq.core.quantize import Quantizer

torch.set_num_threads(1)
torch.manual_seed(1)

for deviation in (0.02, 1.0):
    weights = deviation * torch.randn(4096, 4096)
    for bits in (2, 3, 4):
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            Quantizer.quantize(weights, nbits=bits, group_size=128, axis=1, round_zero=bits == 4, optimize=True,
                               bitpack=False, device="cpu")
            seconds.append(time.perf_counter() - start)
        print(f"hqq, {bits} bits, standard deviation {deviation}: {min(seconds):.3f} s (best of {len(seconds)})", flush=True)
