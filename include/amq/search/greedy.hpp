// greedy: from all-highest down, always the step that costs the least loss a bit saved.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/strategy.hpp"
#include "amq/core/error.hpp"
#include "amq/search/detail/exchanges.hpp"
#include "amq/search/detail/greedy_descent.hpp"
#include "amq/search/detail/new_batch.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

struct greedy_options {
  index remeasured = 2;  ///< steps measured at a time where the cheapest one's loss is of an earlier place of the path
  index exchanged = 8;   ///< steps up and steps down that are combined around each point of the front, after the path
};

/// Models planning_strategy. One layer's step to its next lower choice at a time, the least measured rise of the loss a
/// bit saved, down to all-lowest. A step's rise is measured again only when, as last seen, it is the least (Minoux
/// 1978, "lazy"; CELF): what later places of the path make of the others hardly changes their order. After the path,
/// what promises most around the measured front: single steps and exchanges, judged by the rises seen on the path.
///
/// Batches are as large as the path allows, at most n, after all layers' first steps. What it returns depends on
/// archive and n alone, and on random only when nothing around the front is left.
template <search_space Space = format_space>
class greedy {
 public:
  explicit greedy(Space space, greedy_options options = {}) : space_(std::move(space)), options_(options) {
    AMQ_EXPECTS(options.remeasured >= 1 && options.exchanged >= 1,
                "greedy needs to measure at least one step at a time and to exchange at least one");
  }

  template <archive Archive>
  planned_batch plan(Archive const& measured, index n, random_stream& random) const {
    if (auto uniform = detail::missing_uniforms(space_, measured); !uniform.empty())
      return {phase::uniform, std::move(uniform)};
    measured_losses const losses(measured);
    detail::greedy_descent<Space> const descent(space_, options_.remeasured, losses);
    auto const& missing = descent.missing();
    if (!missing.empty() && descent.at_start()) return {phase::initial, missing};
    if (!missing.empty()) return {phase::search, detail::first_of({phase::search, missing}, n)};
    detail::new_batch batch(measured, n);
    refine(measured, descent, batch);
    batch.fill(space_, random);
    return {phase::search, std::move(batch).take()};
  }

  template <archive Archive>
  std::vector<configuration> ask(Archive const& measured, index n, random_stream& random) const {
    return detail::first_of(plan(measured, n, random), n);
  }

  void tell(std::span<configuration const>, std::span<double const>) {}

 private:
  /// Around each point of the front the new neighbour that is best against the front at its size; the best of these.
  template <archive Archive>
  void refine(Archive const& measured, detail::greedy_descent<Space> const& descent,
              detail::new_batch<Archive>& batch) const {
    auto const front = measured_front(space_, std::span<evaluation const>(measured.evaluations()));
    detail::exchanges<Space> const exchanges(descent);
    struct candidate {
      double excess;
      configuration genes;
    };
    std::vector<candidate> candidates;
    for (auto const* centre : front) {
      candidate best{std::numeric_limits<double>::infinity(), {}};
      for (auto& n : exchanges.around(*centre, options_.exchanged)) {
        double const excess = n.log_loss - log_loss_within(front, n.average_bits);
        if (excess < best.excess && !batch.knows(n.configuration)) best = {excess, std::move(n.configuration)};
      }
      if (!best.genes.empty()) candidates.push_back(std::move(best));
    }
    std::ranges::stable_sort(candidates, {}, &candidate::excess);
    for (auto const& c : candidates) batch.add(c.genes);
  }

  /// ln of the least measured loss that needs no more bits; of the front's first point, where all need more.
  static double log_loss_within(std::vector<evaluation const*> const& front, double bits) {
    auto const above =
        std::ranges::upper_bound(front, bits + 1e-12, {}, [](evaluation const* e) { return e->average_bits; });
    return detail::log_of_loss((above == front.begin() ? front.front() : *std::prev(above))->loss);
  }

  Space space_;
  greedy_options options_;
};

}  // namespace amq
