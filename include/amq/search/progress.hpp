// What a running search tells whoever watches it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "amq/concepts/search_space.hpp"
#include "amq/core/configuration.hpp"
#include "amq/indicate/hypervolume.hpp"
#include "amq/search/designs.hpp"
#include "amq/search/memory_archive.hpp"

namespace amq {

/// What the normalised hypervolume of this (unpinned) space measures against: its all-lowest and all-highest
/// configurations. Empty until both are measured with finite losses.
template <search_space Space>
std::optional<hypervolume_frame> find_frame(Space const& space, memory_archive const& measured) {
  auto const* const lowest = measured.find(uniform_configuration(space, 0));
  auto const* const highest = measured.find(uniform_configuration(space, gene{255}));
  if (!lowest || !highest || !std::isfinite(lowest->loss) || !std::isfinite(highest->loss)) return std::nullopt;
  return hypervolume_frame{lowest->average_bits, highest->average_bits, lowest->loss, highest->loss};
}

/// The library's hypervolume of everything measured on all its tokens. O(n log n).
inline double normalised_hypervolume(std::span<evaluation const> evaluations, hypervolume_frame const& frame,
                                     loss_scale scale) {
  std::vector<double> bits, losses;
  for (auto const& e : evaluations) {
    if (e.fidelity < 1) continue;
    bits.push_back(e.average_bits);
    losses.push_back(e.loss);
  }
  return normalised_hypervolume(bits, losses, frame, scale);
}

/// After each evaluation; valid during the call.
struct search_progress {
  index measured = 0;  ///< evaluations in the archive, this one included
  index total = 0;     ///< evaluations that the search was given
  evaluation const* last = nullptr;
  std::span<evaluation const> evaluations{};                     ///< everything measured, oldest first
  std::function<std::optional<double>(loss_scale)> hypervolume;  ///< of everything measured; computed when called
};

/// Callbacks, each of which may be left empty.
struct search_observer {
  std::function<void(phase, index planned)>
      on_phase;  ///< with the evaluations planned in it; once for the whole search phase
  std::function<void(search_progress const&)> on_evaluation;
  std::function<void(configuration const&, std::string const& why)> on_failure;  ///< could not be measured
};

}  // namespace amq
