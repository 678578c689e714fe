// Layers that read the same input, and where a scale of that input can be divided out without changing the model.
#pragma once

#include <string>
#include <vector>

#include "amq/core/matrix.hpp"

namespace amq {

/// Halves of a transformer block, each added to the hidden states.
enum class block_part { attention, feed_forward };

/// Multiplying column j of `layers` by s[j] changes nothing when what makes their input is divided by s: a norm's
/// weights, or the rows and the bias of the linear layer before (AWQ, arXiv 2306.00978, section 3.2).
struct fold_group {
  std::vector<index> layers = {};  ///< indices in `linears()`
  std::string vector = {};         ///< tensor to divide: a norm's weights, or the bias of `rows_of`; empty: none
  index rows_of = -1;              ///< linear layer whose rows to divide; -1: a norm is divided
  block_part part = block_part::attention;  ///< where `layers` are
  index last = -1;                          ///< layer whose output is the part's: o_proj or down_proj
  std::vector<index> multiplied = {};       ///< those whose outputs are multiplied by each other: queries and keys
};

}  // namespace amq
