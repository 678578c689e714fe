"""CPU and wall seconds that the hqq package takes for what bench/quantize/hqq_bench.cpp measures, one thread.

    python bench/peers/hqq_peer.py [bits ...]          # needs: pip install hqq
"""

import sys
import time

import torch
from hqq.core.quantize import Quantizer

ROUNDS = 3

torch.set_num_threads(1)
torch.manual_seed(1)

for deviation in (0.02, 1.0):
    weights = deviation * torch.randn(4096, 4096)
    for bits in [int(argument) for argument in sys.argv[1:]] or [2, 3, 4]:
        cpu, wall = [], []
        for _ in range(ROUNDS):
            start = time.process_time(), time.perf_counter()
            Quantizer.quantize(weights, nbits=bits, group_size=128, axis=1, round_zero=bits == 4, optimize=True,
                               bitpack=False, device="cpu")
            cpu.append(time.process_time() - start[0])
            wall.append(time.perf_counter() - start[1])
        print(f"hqq, {bits} bits, standard deviation {deviation}: {min(cpu):.2f} s of CPU, {min(wall):.2f} s of wall time "
              f"(best of {ROUNDS})", flush=True)
