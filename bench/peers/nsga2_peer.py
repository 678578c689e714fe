"""NSGA-II of amq, of pagmo2 and of pymoo on the same knapsack of 224 layers, population 200, 100 generations, in one run.

The problem is that of bench/optimize/knapsack_problem.hpp, evaluated a population at once. pymoo: binomial crossover
(.9) and a mutation that changes one gene of each child on average, as in amq; pagmo2 has its own operators.

    python nsga2_peer.py build/release/bench/bench_optimize     (needs pymoo; pagmo2 where the benchmark has it)
"""
import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import json
import statistics
import subprocess
import sys
import time

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.mutation import Mutation
from pymoo.core.problem import Problem
from pymoo.indicators.hv import HV
from pymoo.operators.crossover.binx import BinomialCrossover
from pymoo.operators.sampling.rnd import IntegerRandomSampling
from pymoo.optimize import minimize

LAYERS, CHOICES, POPULATION, GENERATIONS, REPETITIONS = 224, 3, 200, 100, 5
SIZES = np.tile([1.0] * 4 + [2.6875] * 3, 32)
EFFECTS = (1 + 3 * np.sin(1.0 + np.arange(LAYERS)) ** 8) / 200
COSTS = EFFECTS[:, None] * 0.25 ** np.arange(CHOICES)


class Knapsack(Problem):
    def __init__(self):
        super().__init__(n_var=LAYERS, n_obj=2, xl=0, xu=CHOICES - 1, vtype=int)

    def _evaluate(self, x, out, *args, **kwargs):
        out["F"] = np.column_stack((COSTS[np.arange(LAYERS), x].sum(axis=1), x @ SIZES / SIZES.sum()))


class Reset(Mutation):
    """Each gene with probability 1/n to another one of its levels."""

    def _do(self, problem, X, random_state=None, **kwargs):
        chosen = random_state.random(X.shape) < 1 / LAYERS
        return np.where(chosen, (X + random_state.integers(1, CHOICES, size=X.shape)) % CHOICES, X)


def pymoo_run(seed):
    algorithm = NSGA2(pop_size=POPULATION, sampling=IntegerRandomSampling(), mutation=Reset(prob=1.0),
                      crossover=BinomialCrossover(prob=0.9, n_offsprings=1), eliminate_duplicates=True)
    begin = time.process_time()
    found = minimize(Knapsack(), algorithm, ("n_gen", GENERATIONS), seed=seed)
    return time.process_time() - begin, HV(np.array([3.0, 2.0]))(found.pop.get("F"))


def native_runs(program):
    report = subprocess.run([program, "--benchmark_filter=nsga2", "--benchmark_format=json",
                             f"--benchmark_repetitions={REPETITIONS}", "--benchmark_min_time=0.2"],
                            check=True, capture_output=True, text=True).stdout
    runs = {}
    for run in json.loads(report)["benchmarks"]:
        if run["run_type"] == "iteration":
            runs.setdefault(run["name"], []).append((run["cpu_time"] / 1e3, run["hypervolume"]))
    return runs


if __name__ == "__main__":
    runs = native_runs(sys.argv[1])
    runs["pymoo"] = [pymoo_run(seed) for seed in range(1, REPETITIONS + 1)]
    ours = statistics.median(seconds for seconds, _ in runs["nsga2"])
    for name, figures in runs.items():
        seconds = statistics.median(figure[0] for figure in figures)
        area = statistics.median(figure[1] for figure in figures)
        print(f"{name:12} {seconds:8.4f} CPU seconds  {seconds / ours:6.1f} x  hypervolume {area:.4f}")
