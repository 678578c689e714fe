"""One iteration of AMQ's search engine as its authors run it, without evaluations and without pymoo's history.

Fit of pySOT's RBFInterpolant (cubic, linear tail, points added one by one), NSGA-II of pymoo (population 200, 20
generations, binomial crossover .9, mutation that draws a tenth of the individuals anew, started from the archive's
front), then the genetic subset selection (population 100, 60 generations) of 50 candidates over the axis of bits.
224 layers of Llama-2-7B's shapes, losses of a made-up model: the same work as bench/search/engine_bench.cpp.

    python amq_engine_peer.py [points ...]        (default: 250 2000; needs pymoo and pySOT)
"""
import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import sys
import time

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.core.crossover import Crossover
from pymoo.core.mutation import Mutation
from pymoo.core.problem import Problem
from pymoo.core.sampling import Sampling
from pymoo.operators.crossover.binx import BinomialCrossover
from pymoo.optimize import minimize
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting
from pySOT.surrogate import CubicKernel, LinearTail, RBFInterpolant

BLOCKS, CANDIDATES, CHOICES = 32, 50, 3
SIZES = np.repeat([4096 * 4096] * 4 + [11008 * 4096] * 3, BLOCKS).astype(float)  # kind first, as AMQ orders them
SHARES = SIZES / SIZES.sum()
LAYERS = len(SHARES)
EFFECTS = (1 + 3 * np.sin(1.0 + np.arange(LAYERS)) ** 8) / 200


def average_bits(genes):
    return 2.25 + genes @ SHARES


def made_up_loss(genes):
    return 0.7 * (1 - np.exp(-0.01 - (EFFECTS * 0.25 ** genes).sum(axis=-1)))


class Surrogate:
    """AMQ's predictor: one add_points a configuration, one predict a batch."""

    def __init__(self, genes, losses):
        self.model = RBFInterpolant(dim=LAYERS, lb=np.zeros(LAYERS), ub=np.full(LAYERS, CHOICES - 1.0),
                                    kernel=CubicKernel(), tail=LinearTail(LAYERS))
        for row, loss in zip(genes, losses):
            self.model.add_points(row, loss)

    def predict(self, genes):
        return self.model.predict(genes)[:, 0]


class CheapProblem(Problem):
    """Predicted loss and average bits, bits held between the extremes; sizes counted layer by layer as AMQ does."""

    def __init__(self, surrogate):
        super().__init__(n_var=LAYERS, n_obj=2, n_constr=2, xl=0, xu=CHOICES - 1, vtype=int)
        self.surrogate = surrogate

    @staticmethod
    def bits_of(row):
        used = 0.0
        for gene, size in zip(row.tolist(), SIZES):
            used += size * (gene + 2 + 32 / 128)
        return used / SIZES.sum()

    def _evaluate(self, x, out, *args, **kwargs):
        bits = np.array([self.bits_of(row) for row in x])
        out["F"] = np.column_stack((self.surrogate.predict(x.astype(float)), bits))
        out["G"] = np.column_stack((1 - bits / 2.25, bits / 4.25 - 1))


class DrawAnew(Mutation):
    def _do(self, problem, X, random_state=None, **kwargs):
        return random_state.integers(0, CHOICES, size=X.shape)


class Subsets(Problem):
    """Deviation of the gaps between the front's bits and the chosen candidates'."""

    def __init__(self, candidates, front):
        super().__init__(n_var=len(candidates), n_obj=1, n_constr=1, xl=0, xu=1, vtype=bool)
        self.candidates, self.front = candidates, front

    def _evaluate(self, x, out, *args, **kwargs):
        out["F"] = np.array([[np.std(np.diff(np.sort(np.concatenate((self.front, self.candidates[row])))))] for row in x])
        out["G"] = np.array([[(CANDIDATES - row.sum()) ** 2] for row in x])


class RandomSubsets(Sampling):
    def _do(self, problem, n_samples, random_state=None, **kwargs):
        rows = np.zeros((n_samples, problem.n_var), dtype=bool)
        for row in rows:
            row[random_state.permutation(problem.n_var)[:CANDIDATES]] = True
        return rows


class KeepCommon(Crossover):
    def __init__(self):
        super().__init__(2, 1)

    def _do(self, problem, X, random_state=None, **kwargs):
        children = X[0] & X[1]
        for child, either in zip(children, X[0] ^ X[1]):
            places = random_state.permutation(np.flatnonzero(either))
            child[places[: CANDIDATES - child.sum()]] = True
        return children[None]


class SwapOne(Mutation):
    def _do(self, problem, X, random_state=None, **kwargs):
        for row in X:
            absent, present = np.flatnonzero(~row), np.flatnonzero(row)
            row[random_state.choice(absent)] = True
            row[random_state.choice(present)] = False
        return X


def iteration(genes, losses, seed):
    bits = average_bits(genes)
    parts = [time.process_time()]
    surrogate = Surrogate(genes.astype(float), losses)
    surrogate.predict(genes.astype(float))  # AMQ reports the fit's own correlation
    parts.append(time.process_time())
    front = NonDominatedSorting().do(np.column_stack((losses, bits)), only_non_dominated_front=True)
    search = NSGA2(pop_size=200, sampling=genes[front], crossover=BinomialCrossover(prob=0.9, n_offsprings=1),
                   mutation=DrawAnew(prob=0.1), eliminate_duplicates=True)
    found = minimize(CheapProblem(surrogate), search, ("n_gen", 20), seed=seed).pop
    parts.append(time.process_time())
    known = {row.tobytes() for row in genes}
    fresh = np.array([row.astype(genes.dtype).tobytes() not in known for row in found.get("X")])
    candidates = found.get("F")[fresh, 1]
    if len(candidates) > CANDIDATES:
        choice = GA(pop_size=100, sampling=RandomSubsets(), crossover=KeepCommon(), mutation=SwapOne(),
                    eliminate_duplicates=True)
        minimize(Subsets(candidates, bits[front]), choice, ("n_gen", 60), seed=seed)
    parts.append(time.process_time())
    return np.diff(parts)


def archive(points):
    """250 random configurations, then ones that a search near the front would have measured."""
    random = np.random.default_rng(1)
    rows = []
    while len(rows) < min(points, 250):
        weights = random.random(CHOICES)
        rows.append(random.choice(CHOICES, size=LAYERS, p=weights / weights.sum()))
    ratio = EFFECTS / SHARES
    while len(rows) < points:
        gain = ratio * np.exp(0.5 * random.standard_normal(LAYERS))
        low, high = np.quantile(gain, np.sort(random.random(2)))
        rows.append((gain > low).astype(int) + (gain > high))
    return np.unique(np.array(rows), axis=0)


if __name__ == "__main__":
    for points in [int(a) for a in sys.argv[1:]] or [250, 2000]:
        genes = archive(points)
        fit, search, subset = iteration(genes, made_up_loss(genes), seed=1)
        print(f"{len(genes)} points: {fit + search + subset:.2f} CPU seconds "
              f"(fit {fit:.2f}, NSGA-II {search:.2f}, subset {subset:.2f})", flush=True)
