// How the mlp predictor is built and trained.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"

namespace amq {

/// Defaults are AMQ's (its released predictor/mlp.py), but for the mini-batches (AMQ's one step an epoch sees all
/// configurations, though its batch_size says 128), the patience (AMQ runs all epochs) and scaled losses (AMQ's are
/// raw, so that its smooth absolute error is a squared one).
struct mlp_options {
  index width = 300;        ///< units of a hidden layer
  index hidden_layers = 3;  ///< AMQ's stem and two more
  double dropout = 0.2;     ///< part of the last hidden layer that a step leaves out
  index epochs = 2000;      ///< at most; the rate falls to 0 over them along a cosine
  double rate = 8e-4;       ///< Adam's, at first
  index batch = 128;        ///< configurations a step
  double held_out = 0.2;  ///< part of the configurations that decides when to stop; the best parameters on it are kept
  index patience = 20;    ///< epochs without a better one before training stops
  index members = 1;      ///< networks, each with its own start, held-out part and order; predictions are their mean
  std::uint64_t seed = 1;
};

/// Throws precondition_error with the first option that makes no sense.
inline void check(mlp_options const& options) {
  auto const at_least_one = [](char const* name, index value) {
    AMQ_EXPECTS(value >= 1, std::string("mlp_options::") + name + " must be at least 1, not " + std::to_string(value));
  };
  at_least_one("width", options.width);
  at_least_one("hidden_layers", options.hidden_layers);
  at_least_one("epochs", options.epochs);
  at_least_one("batch", options.batch);
  at_least_one("patience", options.patience);
  at_least_one("members", options.members);
  auto const a_part = [](char const* name, double value) {
    AMQ_EXPECTS(value >= 0 && value < 1,
                std::string("mlp_options::") + name + " is a part from 0 to below 1, not " + std::to_string(value));
  };
  a_part("dropout", options.dropout);
  a_part("held_out", options.held_out);
  AMQ_EXPECTS(options.rate > 0 && std::isfinite(options.rate),
              "mlp_options::rate must be above 0 and finite, not " + std::to_string(options.rate));
}

}  // namespace amq
