// What every predictor asks of the data it is fitted to.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"

namespace amq::detail {

/// Throws precondition_error unless there is one finite loss for each row of genes (configurations, layers), and at
/// least one. `who` opens the sentence: "rbf::fit".
inline void expect_training_set(std::string const& who, matrix_view<gene const> genes, std::span<double const> losses) {
  AMQ_EXPECTS(genes.rows >= 1 && genes.rows == std::ssize(losses),
              who + " needs one loss for each configuration and at least one; there are " + std::to_string(genes.rows) +
                  " configurations and " + std::to_string(losses.size()) + " losses");
  auto const bad = std::find_if_not(losses.begin(), losses.end(), [](double loss) { return std::isfinite(loss); });
  AMQ_EXPECTS(bad == losses.end(), who + " needs finite losses, and loss " + std::to_string(bad - losses.begin()) +
                                       " is " + std::to_string(*bad));
}

}  // namespace amq::detail
