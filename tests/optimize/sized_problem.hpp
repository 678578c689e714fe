// A problem whose sizes are known and add up, small enough to look at all of it; its costs add up, or nearly.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "amq/concepts/optimizer.hpp"
#include "amq/core/random.hpp"
#include "amq/indicate/hypervolume.hpp"

namespace amq::testing {

/// Variables of two, three and four levels by turns. Objectives: (cost, average size), where `interference` is what
/// neighbours add to the sum of costs.
class sized_costs {
 public:
  sized_costs(index variables, std::uint64_t seed, double interference = 0)
      : sizes_(variables, 4), costs_(variables, 4), interference_(interference) {
    random_stream random(seed);
    std::fill_n(sizes_.data(), sizes_.size(), std::numeric_limits<double>::infinity());
    std::fill_n(costs_.data(), costs_.size(), std::numeric_limits<double>::infinity());
    for (index v = 0; v < variables; ++v) {
      auto const weight = static_cast<double>(1 + random.below(5));
      double const scale = std::exp(random.normal());
      for (int level = 0; level < levels(v); ++level) {
        sizes_(v, level) = weight * level / 8;
        costs_(v, level) = scale * std::pow(0.3, level);
      }
    }
  }

  std::set<configuration> asked;

  index variables() const { return sizes_.rows(); }
  int levels(index v) const { return static_cast<int>(2 + v % 3); }
  index objectives() const { return 2; }
  matrix<double> sizes() const { return sizes_.clone(); }

  void evaluate(matrix_view<gene const> genes, matrix_view<double> out) {
    for (index i = 0; i < genes.rows; ++i) {
      asked.emplace(genes.row(i).begin(), genes.row(i).end());
      auto const both = objectives_of(genes.row(i));
      std::ranges::copy(both, out.row(i).begin());
    }
  }

  std::array<double, 2> objectives_of(std::span<gene const> genes) const {
    double cost = 0.05, size = 2.25, before = 0;
    for (index v = 0; v < variables(); ++v) {
      double const own = costs_(v, genes[static_cast<std::size_t>(v)]);
      cost += own + interference_ * std::sqrt(own * before);
      before = own;
      size += sizes_(v, genes[static_cast<std::size_t>(v)]);
    }
    return {cost, size};
  }

  /// Every configuration there is.
  matrix<gene> everything() const {
    index count = 1;
    for (index v = 0; v < variables(); ++v) count *= levels(v);
    matrix<gene> all(count, variables());
    for (index i = 0; i < count; ++i)
      for (index v = 0, rest = i; v < variables(); rest /= levels(v), ++v)
        all(i, v) = static_cast<gene>(rest % levels(v));
    return all;
  }

  /// Hypervolume of these objectives, of that of everything.
  double reached(matrix_view<double const> objectives) const {
    auto const all = everything();
    matrix<double> best(all.rows(), 2);
    double most_cost = 0, most_size = 0;
    for (index i = 0; i < all.rows(); ++i) {
      std::ranges::copy(objectives_of(all.row(i)), best.row(i).begin());
      most_cost = std::max(most_cost, best(i, 0)), most_size = std::max(most_size, best(i, 1));
    }
    std::vector<double> const reference{1.01 * most_cost, 1.01 * most_size};
    return hypervolume(objectives, reference) / hypervolume(best, reference);
  }

 protected:
  matrix<double> sizes_, costs_;

 private:
  double interference_;
};

/// The same, and says what its costs would be if they added up.
struct additive_costs : sized_costs {
  using sized_costs::sized_costs;
  matrix<double> costs() const { return costs_.clone(); }
};

/// The same, and draws costs around them.
struct sampled_costs : additive_costs {
  using additive_costs::additive_costs;
  matrix<double> draw_costs(random_stream& random) const {
    auto drawn = costs();
    for (index i = 0; i < drawn.size(); ++i) drawn.data()[i] *= std::exp(0.3 * random.normal());
    return drawn;
  }
};

static_assert(sized_problem<sized_costs> && !additive_problem<sized_costs>);
static_assert(additive_problem<additive_costs> && !sampled_problem<additive_costs>);
static_assert(sampled_problem<sampled_costs>);

}  // namespace amq::testing
