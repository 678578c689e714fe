// What normalised hypervolumes are measured against.
#pragma once

namespace amq {

/// What the normalised hypervolume measures against: bits (overhead included) and losses (nats) of the all-lowest and
/// the all-highest configuration.
struct hypervolume_frame {
  double lowest_bits = 0;
  double highest_bits = 0;
  double lowest_loss = 0;   ///< of all layers at their lowest choice: the greatest loss as a rule
  double highest_loss = 0;  ///< of all layers at their highest choice
};

}  // namespace amq
