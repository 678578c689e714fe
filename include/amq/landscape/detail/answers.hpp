// What every landscape shares: an evaluator over a loss that costs microseconds, and its reproducible noise.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/random.hpp"

namespace amq::detail {

/// Gives a Landscape with `double loss(std::span<gene const>) const` and `double noisier_loss(std::span<gene const>,
/// double fidelity) const` the members of a streaming and partial evaluator.
template <class Landscape>
class answers {
 public:
  void evaluate(std::span<configuration const> batch, std::span<measurement> out) const {
    for (std::size_t i = 0; i < batch.size(); ++i) out[i] = answer(batch[i]);
  }

  /// sink(i, measurement&&) -> bool, false to stop.
  template <class Sink>
  void evaluate_each(std::span<configuration const> batch, Sink&& sink) const {
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (!sink(i, answer(batch[i]))) return;
  }

  /// On a share of the tokens the deviation of ln loss is 1 / sqrt(fidelity) of the whole's.
  void evaluate_part(std::span<configuration const> batch, double fidelity, std::span<measurement> out) const {
    AMQ_EXPECTS(fidelity > 0 && fidelity <= 1,
                "evaluate_part takes a share in (0, 1] of the tokens, not " + std::to_string(fidelity));
    for (std::size_t i = 0; i < batch.size(); ++i) {
      out[i] = {};
      out[i].loss = static_cast<Landscape const&>(*this).noisier_loss(batch[i], fidelity);
    }
  }

 protected:
  ~answers() = default;

 private:
  measurement answer(configuration const& genes) const {
    measurement m;
    m.loss = static_cast<Landscape const&>(*this).loss(genes);
    return m;
  }
};

/// exp(noise z) with a normal z that is a function of (seed, genes) alone.
inline double noise_factor(double noise, std::uint64_t seed, std::span<gene const> genes) {
  if (noise <= 0) return 1;
  std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
  for (gene const g : genes) hash = (hash ^ g) * 0x100000001b3ULL;
  return std::exp(noise * random_stream(seed, hash).normal());
}

/// What measuring on a share of the tokens adds to the noise of measuring on all of them.
inline double extra_noise_factor(double noise, std::uint64_t seed, std::span<gene const> genes, double fidelity) {
  return noise_factor(noise * std::sqrt(1 / fidelity - 1), seed ^ 0x5bd1e995a3c59ac3ULL, genes);
}

inline void expect_landscape_genes(std::span<gene const> genes, index layers, index choices) {
  AMQ_EXPECTS(std::ssize(genes) == layers,
              "this landscape has " + std::to_string(layers) + " layers, not " + std::to_string(genes.size()));
  for (gene const g : genes)
    AMQ_EXPECTS(g < choices, "this landscape has " + std::to_string(choices) + " choices a layer, so no gene " +
                                 std::to_string(int{g}));
}

/// First layer of each block, and the number of layers at the end.
inline std::vector<index> block_starts(std::span<linear_layer const> layers) {
  std::vector<index> starts;
  for (index l = 0; l < std::ssize(layers); ++l)
    if (l == 0 || layers[static_cast<std::size_t>(l)].block != layers[static_cast<std::size_t>(l - 1)].block)
      starts.push_back(l);
  starts.push_back(std::ssize(layers));
  return starts;
}

}  // namespace amq::detail
