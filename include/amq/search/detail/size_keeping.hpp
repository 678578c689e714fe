// Random changes that leave a configuration about as large as it was, whatever its layers' sizes.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <vector>

#include "amq/core/random.hpp"
#include "amq/search/sizes.hpp"

namespace amq::detail {

/// Level switches between layers of any size (EvoPress, arXiv 2410.14649, switches between layers of one size only):
/// one layer a choice up, another one down, then single steps until the size is within a tolerance of the target.
class size_keeping {
 public:
  /// `share` of the whole range of sizes is the tolerance, or half of the largest step where that is more: then it can
  /// always be reached.
  template <search_space Space>
  size_keeping(Space const& space, double share)
      : layers_(variable_layers(space)), sizes_(level_sizes(space, layers_)) {
    double largest = 0;
    for (index v = 0; v < sizes_.rows(); ++v) {
      total_ += sizes_(v, top(v));
      for (index level = 1; level <= top(v); ++level)
        largest = std::max(largest, sizes_(v, level) - sizes_(v, level - 1));
    }
    tolerance_ = std::max(share * total_, 0.5 * largest * (1 + 1e-9));
  }

  /// All layers at their highest, in bits over all-lowest.
  double total() const { return total_; }
  double tolerance() const { return tolerance_; }

  double size_of(std::span<gene const> genes) const {
    double size = 0;
    for (index v = 0; v < sizes_.rows(); ++v) size += sizes_(v, genes[layer(v)]);
    return size;
  }

  /// Single random steps towards the target until the size is within the tolerance. O(layers) a step.
  void settle(std::span<gene> genes, double target, random_stream& random) const {
    for (double size = size_of(genes); std::abs(size - target) > tolerance_; size = size_of(genes))
      if (!step(genes, size, target, size > target ? -1 : 1, no_layer, random)) return;
  }

  /// A layer up, another down, both random, the second such that the size stays within the tolerance if there is one;
  /// then settle. Nothing happens where no layer can go up or none down.
  void switch_levels(std::span<gene> genes, double target, random_stream& random) const {
    bool const up_first = random.bernoulli(0.5);
    std::optional<index> const moved = random_step(genes, up_first ? 1 : -1, random);
    if (!moved) return;
    step(genes, size_of(genes), target, up_first ? -1 : 1, *moved, random);
    settle(genes, target, random);
  }

 private:
  static constexpr index no_layer = -1;

  std::size_t layer(index v) const { return static_cast<std::size_t>(layers_[static_cast<std::size_t>(v)]); }
  index top(index v) const {
    auto const row = sizes_.row(v);
    return std::ranges::count_if(row, [](double size) { return std::isfinite(size); }) - 1;
  }
  bool possible(std::span<gene const> genes, index v, int by) const {
    index const to = genes[layer(v)] + by;
    return to >= 0 && to <= top(v);
  }
  double change(std::span<gene const> genes, index v, int by) const {
    index const from = genes[layer(v)];
    return sizes_(v, from + by) - sizes_(v, from);
  }
  void apply(std::span<gene> genes, index v, int by) const {
    auto& here = genes[layer(v)];
    here = static_cast<gene>(here + by);
  }

  std::optional<index> random_step(std::span<gene> genes, int by, random_stream& random) const {
    std::vector<index> able;
    for (index v = 0; v < sizes_.rows(); ++v)
      if (possible(genes, v, by)) able.push_back(v);
    if (able.empty()) return std::nullopt;
    index const v = able[static_cast<std::size_t>(random.below(std::ssize(able)))];
    apply(genes, v, by);
    return v;
  }

  /// A random step that ends within the tolerance, else one that does not pass it, else any.
  bool step(std::span<gene> genes, double size, double target, int by, index except, random_stream& random) const {
    std::vector<index> within, short_of, any;
    for (index v = 0; v < sizes_.rows(); ++v) {
      if (v == except || !possible(genes, v, by)) continue;
      double const off = (size + change(genes, v, by) - target) * by;  // how far past the target
      any.push_back(v);
      if (off <= tolerance_) (off >= -tolerance_ ? within : short_of).push_back(v);
    }
    auto const& from = !within.empty() ? within : !short_of.empty() ? short_of : any;
    if (from.empty()) return false;
    apply(genes, from[static_cast<std::size_t>(random.below(std::ssize(from)))], by);
    return true;
  }

  std::vector<index> layers_;
  matrix<double> sizes_;
  double total_ = 0;
  double tolerance_ = 0;
};

}  // namespace amq::detail
