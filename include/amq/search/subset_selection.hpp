// Infill by spread: the candidates that fill the gaps of the front along the axis of bits most evenly.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "amq/concepts/infill.hpp"
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
  using subset = std::vector<std::uint64_t>;

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

  static constexpr std::uint64_t bit(std::size_t place) { return std::uint64_t{1} << (place % 64); }
  static bool has(subset const& s, std::size_t place) { return (s[place / 64] & bit(place)) != 0; }

  /// Calls visit(place) for each place of a set, ascending.
  template <class Visit>
  static void for_each(subset const& s, Visit&& visit) {
    for (std::size_t word = 0; word < s.size(); ++word)
      for (auto rest = s[word]; rest != 0; rest &= rest - 1)
        visit(64 * word + static_cast<std::size_t>(std::countr_zero(rest)));
  }

  /// Variance of the gaps: same order as gap_deviation, without the root.
  double variance(subset const& s) const {
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
  subset draw(index n, random_stream& random) const {
    auto places = places_;
    auto s = front_;
    take_some(places, n, s, random);
    return s;
  }

  /// What both have, and candidates that one of them has at random until there are n.
  subset cross(subset const& a, subset const& b, index n, random_stream& random) const {
    subset child = a;
    subset either = a;
    index common = 0;
    for (std::size_t word = 0; word < a.size(); ++word) {
      child[word] &= b[word];
      either[word] ^= b[word];
      common += std::popcount(child[word] & ~front_[word]);
    }
    std::vector<std::size_t> places;
    for_each(either, [&](std::size_t place) { places.push_back(place); });
    take_some(places, n - common, child, random);
    return child;
  }

  /// One candidate in, another out. Needs fewer taken than there are, and at least one.
  void swap_one(subset& s, random_stream& random) const {
    auto const in = find(s, false, random), out = find(s, true, random);
    s[in / 64] |= bit(in);
    s[out / 64] &= ~bit(out);
  }

  std::vector<index> candidates_of(subset const& s) const {
    std::vector<index> chosen;
    for_each(s, [&](std::size_t place) {
      if (candidates_[place] >= 0) chosen.push_back(candidates_[place]);
    });
    std::sort(chosen.begin(), chosen.end());
    return chosen;
  }

 private:
  static void take_some(std::vector<std::size_t>& places, index n, subset& s, random_stream& random) {
    for (index k = 0; k < n; ++k) {
      auto const last = std::ssize(places) - 1 - k;
      std::swap(places[static_cast<std::size_t>(random.below(last + 1))], places[static_cast<std::size_t>(last)]);
      auto const place = places[static_cast<std::size_t>(last)];
      s[place / 64] |= bit(place);
    }
  }

  std::size_t find(subset const& s, bool taken, random_stream& random) const {
    for (;;) {
      auto const place = places_[static_cast<std::size_t>(random.below(std::ssize(places_)))];
      if (has(s, place) == taken) return place;
    }
  }

  std::vector<double> bits_;
  std::vector<index> candidates_;
  std::vector<std::size_t> places_;  // of the candidates
  subset front_;
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
    detail::subset_line const line(context.front_bits, candidates.objectives);
    auto subsets = first_generation(line, n, random);
    for (index generation = 1; generation < options_.generations; ++generation) {
      breed(line, n, subsets, random);
      std::stable_sort(subsets.begin(), subsets.end(),
                       [](auto const& a, auto const& b) { return a.variance < b.variance; });
      subsets.resize(std::min(subsets.size(), static_cast<std::size_t>(options_.population)));
    }
    return line.candidates_of(subsets.front().places);
  }

 private:
  struct individual {
    detail::subset_line::subset places;
    double variance = 0;
  };
  struct hash {
    std::size_t operator()(detail::subset_line::subset const& s) const {
      return std::hash<std::string_view>{}({reinterpret_cast<char const*>(s.data()), s.size() * sizeof s[0]});
    }
  };
  using known = std::unordered_set<detail::subset_line::subset, hash>;

  std::vector<individual> first_generation(detail::subset_line const& line, index n, random_stream& random) const {
    std::vector<individual> subsets;
    known seen;
    for (index i = 0; i < options_.population; ++i) {
      auto places = line.draw(n, random);
      if (seen.insert(places).second) subsets.push_back({places, line.variance(places)});
    }
    std::stable_sort(subsets.begin(), subsets.end(),
                     [](auto const& a, auto const& b) { return a.variance < b.variance; });
    return subsets;
  }

  void breed(detail::subset_line const& line, index n, std::vector<individual>& subsets, random_stream& random) const {
    auto const parents = subsets.size();
    known seen;
    for (auto const& s : subsets) seen.insert(s.places);
    for (index i = 0; i < options_.population; ++i) {
      auto const& a = tournament(subsets, parents, random);
      auto const& b = tournament(subsets, parents, random);
      auto child =
          random.bernoulli(options_.crossover_probability) ? line.cross(a.places, b.places, n, random) : a.places;
      line.swap_one(child, random);
      if (!seen.insert(child).second) continue;
      double const variance = line.variance(child);
      subsets.push_back({std::move(child), variance});
    }
  }

  static individual const& tournament(std::vector<individual> const& subsets, std::size_t parents,
                                      random_stream& random) {
    auto const& a = subsets[static_cast<std::size_t>(random.below(static_cast<index>(parents)))];
    auto const& b = subsets[static_cast<std::size_t>(random.below(static_cast<index>(parents)))];
    return b.variance < a.variance ? b : a;
  }

  spread_options options_;
};

}  // namespace amq
