// All lists as one catalogue.
#include "policies.hpp"

namespace amq::cli {
namespace {

template <class Entry>
std::vector<Entry> concatenated(std::initializer_list<std::span<Entry const>> lists) {
  std::vector<Entry> all;
  for (auto const list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

}  // namespace

catalogue const& policies() {
  static catalogue const all{concatenated({interpolants(), gaussian_processes(), other_predictors()}),
                             concatenated({evolutionary_optimizers(), knapsack_optimizers()}), concatenated({infills()}),
                             concatenated({surrogate_presets(), plain_presets()})};
  return all;
}

}  // namespace amq::cli
