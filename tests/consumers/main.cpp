// A small program of somebody else: one of amq's concepts satisfied by a class of their own, used through amq.
#include <amq/concepts/evaluator.hpp>
#include <amq/core/random.hpp>
#include <cstdio>
#include <span>
#include <vector>

namespace {

struct sum_of_genes {
  void evaluate(std::span<amq::configuration const> batch, std::span<amq::measurement> out) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      out[i].loss = 0;
      for (amq::gene const g : batch[i]) out[i].loss += g;
    }
  }
};
static_assert(amq::diagnose_evaluator<sum_of_genes>());

}  // namespace

int main() {
  std::vector<amq::configuration> const batch{{0, 1, 2}, {2, 2, 2}};
  std::vector<amq::measurement> losses(batch.size());
  sum_of_genes{}.evaluate(batch, losses);
  std::printf("%g %g\n", losses[0].loss, losses[1].loss);
  return losses[0].loss == 3 && losses[1].loss == 6 ? 0 : 1;
}
