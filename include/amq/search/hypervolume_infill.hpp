// Infill by hypervolume: the candidates whose predictions add most to the measured front, one after the other.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "amq/concepts/infill.hpp"
#include "amq/core/error.hpp"
#include "amq/search/detail/loss_staircase.hpp"
#include "amq/search/detail/nearest_to_front.hpp"

namespace amq {

struct hypervolume_infill_options {
  double log_share = 0.5;  ///< of the gain: 0 counts the raw hypervolume, 1 the logarithmic one, 0.5 half of each
  index pool = 3000;       ///< candidates looked at: those nearest to their own predicted front
};

/// Models infill: greedy batches by predicted hypervolume gain (the library's two normalised hypervolumes). Each chosen
/// candidate counts as measured, at its prediction, for those after it; where nothing gains, a random candidate of the
/// pool. O(candidates log candidates + n pool).
class hypervolume_infill {
 public:
  using policy_category = infill_category;

  explicit hypervolume_infill(hypervolume_infill_options options = {}) : options_(options) {
    AMQ_EXPECTS(options.log_share >= 0 && options.log_share <= 1 && options.pool >= 1,
                "hypervolume_infill needs a log_share from 0 to 1 and a pool of at least 1");
  }

  template <class Predictor>
  std::vector<index> select(Predictor const&, population const& candidates, infill_context const& context, index n,
                            random_stream& random) const {
    auto pool = detail::nearest_to_front(candidates.objectives, std::max(n, options_.pool));
    detail::loss_staircase raw(context, loss_scale::raw), logarithmic(context, loss_scale::logarithmic);
    std::vector<index> chosen;
    while (std::ssize(chosen) < n && !pool.empty()) {
      std::size_t best = 0;
      double best_gain = 0;
      for (std::size_t k = 0; k < pool.size(); ++k) {
        double const loss = candidates.objectives(pool[k], 0), bits = candidates.objectives(pool[k], 1);
        double const gain =
            (1 - options_.log_share) * raw.gain(bits, loss) + options_.log_share * logarithmic.gain(bits, loss);
        if (gain > best_gain) best = k, best_gain = gain;
      }
      if (!(best_gain > 0)) best = static_cast<std::size_t>(random.below(std::ssize(pool)));
      index const row = pool[best];
      raw.add(candidates.objectives(row, 1), candidates.objectives(row, 0));
      logarithmic.add(candidates.objectives(row, 1), candidates.objectives(row, 0));
      chosen.push_back(row);
      pool.erase(pool.begin() + static_cast<std::ptrdiff_t>(best));
    }
    return chosen;
  }

 private:
  hypervolume_infill_options options_;
};

}  // namespace amq
