// Infill by spread: the candidates that fill the gaps of the front along the axis of bits most evenly.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/infill.hpp"
#include "amq/core/distinct_rows.hpp"
#include "amq/core/error.hpp"
#include "amq/core/statistics.hpp"

namespace amq {

/// Standard deviation (population) of the gaps between neighbours; what AMQ's subset selection minimises. 0 for fewer
/// than two values. O(n log n).
inline double gap_deviation(std::vector<double> values) {
  if (values.size() < 2) return 0;
  std::sort(values.begin(), values.end());
  std::vector<double> gaps;
  for (std::size_t i = 1; i < values.size(); ++i) gaps.push_back(values[i] - values[i - 1]);
  double const centre = mean(gaps);
  double squares = 0;
  for (double const gap : gaps) squares += (gap - centre) * (gap - centre);
  return std::sqrt(squares / static_cast<double>(gaps.size()));
}

namespace detail {

/// Front and candidates in one ascending line; a subset is the set of places taken, the front's always among them.
class subset_line {
 public:
  using subset = std::span<std::uint64_t>;
  using const_subset = std::span<std::uint64_t const>;

  subset_line(std::span<double const> front, matrix<double> const& objectives) {
    std::vector<std::pair<double, index>> line;  // bits and candidate, -1 for the front's
    for (double const bits : front) line.emplace_back(bits, -1);
    for (index i = 0; i < objectives.rows(); ++i) line.emplace_back(objectives(i, 1), i);
    std::sort(line.begin(), line.end());
    front_.resize((line.size() + 63) / 64, 0);
    for (std::size_t place = 0; place < line.size(); ++place) {
      bits_.push_back(line[place].first);
      candidates_.push_back(line[place].second);
      if (line[place].second < 0)
        front_[place / 64] |= bit(place);
      else
        places_.push_back(place);
    }
  }

  /// How long a subset is.
  index words() const { return std::ssize(front_); }

  static constexpr std::uint64_t bit(std::size_t place) { return std::uint64_t{1} << (place % 64); }
  static bool has(const_subset s, std::size_t place) { return (s[place / 64] & bit(place)) != 0; }

  /// Calls visit(place) for each place of a set, ascending.
  template <class Visit>
  static void for_each(const_subset s, Visit&& visit) {
    for (std::size_t word = 0; word < s.size(); ++word)
      for (auto rest = s[word]; rest != 0; rest &= rest - 1)
        visit(64 * word + static_cast<std::size_t>(std::countr_zero(rest)));
  }

  /// Variance of the gaps: same order as gap_deviation, without the root.
  double variance(const_subset s) const {
    double squares = 0, first = 0, last = 0;
    index count = 0;
    for_each(s, [&](std::size_t place) {
      double const here = bits_[place];
      if (count++ == 0)
        first = here;
      else
        squares += (here - last) * (here - last);
      last = here;
    });
    if (count < 2) return 0;
    auto const gaps = static_cast<double>(count - 1);
    double const centre = (last - first) / gaps;
    return squares / gaps - centre * centre;
  }

  /// The front and n candidates at random.
  void draw(subset s, index n, random_stream& random) {
    std::ranges::copy(front_, s.begin());
    scratch_ = places_;
    take_some(n, s, random);
  }

  /// What both have, and candidates that one of them has at random until there are n.
  void cross(const_subset a, const_subset b, subset child, index n, random_stream& random) {
    scratch_.clear();
    index common = 0;
    for (std::size_t word = 0; word < child.size(); ++word) {
      child[word] = a[word] & b[word];
      common += std::popcount(child[word] & ~front_[word]);
      for (auto either = a[word] ^ b[word]; either != 0; either &= either - 1)
        scratch_.push_back(64 * word + static_cast<std::size_t>(std::countr_zero(either)));
    }
    take_some(n - common, child, random);
  }

  /// One candidate in, another out. Needs fewer taken than there are, and at least one.
  void swap_one(subset s, random_stream& random) const {
    auto const in = find(s, false, random), out = find(s, true, random);
    s[in / 64] |= bit(in);
    s[out / 64] &= ~bit(out);
  }

  std::vector<index> candidates_of(const_subset s) const {
    std::vector<index> chosen;
    for_each(s, [&](std::size_t place) {
      if (candidates_[place] >= 0) chosen.push_back(candidates_[place]);
    });
    std::sort(chosen.begin(), chosen.end());
    return chosen;
  }

 private:
  /// n of the places in scratch_.
  void take_some(index n, subset s, random_stream& random) {
    for (index k = 0; k < n; ++k) {
      auto const last = std::ssize(scratch_) - 1 - k;
      std::swap(scratch_[static_cast<std::size_t>(random.below(last + 1))], scratch_[static_cast<std::size_t>(last)]);
      auto const place = scratch_[static_cast<std::size_t>(last)];
      s[place / 64] |= bit(place);
    }
  }

  std::size_t find(const_subset s, bool taken, random_stream& random) const {
    for (;;) {
      auto const place = places_[static_cast<std::size_t>(random.below(std::ssize(places_)))];
      if (has(s, place) == taken) return place;
    }
  }

  std::vector<double> bits_;
  std::vector<index> candidates_;
  std::vector<std::size_t> places_;   // of the candidates
  std::vector<std::uint64_t> front_;  // the subset of the front alone
  std::vector<std::size_t> scratch_;
};

}  // namespace detail

struct spread_options {
  index population = 100;
  index generations = 60;  ///< the random start counts as the first
  double crossover_probability = 0.9;
};

/// Models infill: AMQ's subset selection. A genetic algorithm on subsets of n candidates minimises the standard
/// deviation of the gaps between the average bits of the archive's front and the chosen. Best two of a tournament keep
/// what both have and fill up from what either has; then one candidate is swapped; the best subsets survive.
class spread_infill {
 public:
  using policy_category = infill_category;

  explicit spread_infill(spread_options options = {}) : options_(options) {
    AMQ_EXPECTS(options.population >= 2 && options.generations >= 1,
                "spread_infill needs a population of at least 2 and at least 1 generation");
  }

  /// All candidates when there are at most n.
  template <class Predictor>
  std::vector<index> select(Predictor const&, population const& candidates, infill_context const& context, index n,
                            random_stream& random) const {
    index const available = candidates.objectives.rows();
    if (n >= available || n <= 0) {
      std::vector<index> all(static_cast<std::size_t>(n <= 0 ? 0 : available));
      std::iota(all.begin(), all.end(), index{0});
      return all;
    }
    detail::subset_line line(context.front_bits, candidates.objectives);
    generation subsets(line.words());
    draw_first(line, n, subsets, random);
    for (index round = 1; round < options_.generations; ++round) {
      breed(line, n, subsets, random);
      survive(subsets);
    }
    return line.candidates_of(subsets.places.row(0));
  }

 private:
  struct generation {
    explicit generation(index words) : places(words) {}

    distinct_rows<std::uint64_t> places;  // survivors, the best first, and while they breed their children behind them
    std::vector<double> variances;
  };

  void draw_first(detail::subset_line& line, index n, generation& subsets, random_stream& random) const {
    for (index i = 0; i < options_.population; ++i) {
      line.draw(subsets.places.next(), n, random);
      add_next(line, subsets);
    }
    survive(subsets);
  }

  void breed(detail::subset_line& line, index n, generation& subsets, random_stream& random) const {
    auto const parents = subsets.places.size();
    for (index i = 0; i < options_.population; ++i) {
      auto const a = tournament(subsets.variances, parents, random);
      auto const b = tournament(subsets.variances, parents, random);
      auto const child = subsets.places.next();
      if (random.bernoulli(options_.crossover_probability))
        line.cross(subsets.places.row(a), subsets.places.row(b), child, n, random);
      else
        std::ranges::copy(subsets.places.row(a), child.begin());
      line.swap_one(child, random);
      add_next(line, subsets);
    }
  }

  static void add_next(detail::subset_line const& line, generation& subsets) {
    if (subsets.places.add_next())
      subsets.variances.push_back(line.variance(subsets.places.row(std::ssize(subsets.variances))));
  }

  /// The best ones, earlier ones first where they are equal.
  void survive(generation& subsets) const {
    std::vector<index> order(subsets.variances.size());
    std::iota(order.begin(), order.end(), index{0});
    auto const variance_of = [&](index i) { return subsets.variances[static_cast<std::size_t>(i)]; };
    std::ranges::stable_sort(order, std::less{}, variance_of);
    order.resize(std::min(order.size(), static_cast<std::size_t>(options_.population)));
    std::vector<double> variances;
    for (index const i : order) variances.push_back(variance_of(i));
    subsets.places.keep(order);
    subsets.variances = std::move(variances);
  }

  static index tournament(std::span<double const> variances, index parents, random_stream& random) {
    index const a = random.below(parents), b = random.below(parents);
    return variances[static_cast<std::size_t>(b)] < variances[static_cast<std::size_t>(a)] ? b : a;
  }

  spread_options options_;
};

}  // namespace amq
