// All lists as one catalogue.
#include "policies.hpp"

namespace amq::cli {
namespace {

template <class Entry>
std::vector<Entry> joined(std::initializer_list<std::span<Entry const>> lists) {
  std::vector<Entry> all;
  for (auto const list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

}  // namespace

catalogue const& policies() {
  static catalogue const all{joined({interpolants(), gaussian_processes(), other_predictors()}),
                             joined({evolutionary_optimizers(), knapsack_optimizers()}), joined({infills()}),
                             joined({surrogate_presets(), plain_presets()})};
  return all;
}

}  // namespace amq::cli
