// The path from all-highest to all-lowest by the cheapest step, replayed from what is measured.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/search/sizes.hpp"

namespace amq::detail {

inline double log_of_loss(double loss) { return std::log(std::max(loss, std::numeric_limits<double>::min())); }

/// A program that stops where it needs a loss that is not measured yet. Run again with the same losses and more, it
/// goes the same way and further: nothing else needs to be remembered. O(layers^2 choices) in all, as long as few steps
/// are measured again.
template <class Space>
class greedy_descent {
 public:
  /// `remeasured`: at least how many of the steps that look cheapest are measured at a place of the path at a time.
  /// `loss_of(genes)` gives the optional loss of a configuration.
  template <class Losses>
  greedy_descent(Space const& space, index remeasured, Losses const& loss_of)
      : space_(space),
        layers_(variable_layers(space)),
        sizes_(level_sizes(space, layers_)),
        here_(uniform_configuration(space, gene{255})),
        steps_(layers_.size()),
        log_rises_(sizes_.rows(), sizes_.cols()) {
    for (index v = 0; v < sizes_.rows(); ++v) steps_[static_cast<std::size_t>(v)].possible = gene_of(v) > 0;
    auto const loss = loss_of(here_);
    if (!loss) missing_.push_back(here_);
    loss_ = loss.value_or(0);
    while (missing_.empty() && !layers_.empty() && advance(remeasured, loss_of)) {
    }
  }

  /// What has to be measured before the path can go on; none when it has ended.
  std::vector<configuration> const& missing() const { return missing_; }
  /// Whether the path has not left all-highest.
  bool at_start() const { return place_ == 0; }

  std::vector<index> const& layers() const { return layers_; }
  /// (variable layers, most choices), see level_sizes.
  matrix<double> const& sizes() const { return sizes_; }
  /// What a variable layer's step down from this choice was last seen to add to ln loss; 0 where it was never seen.
  matrix<double> const& log_rises() const { return log_rises_; }

 private:
  struct step {
    double rate = -std::numeric_limits<double>::infinity();  // nats a bit saved, as last measured
    index measured_at = -1;                                  // place on the path
    bool possible = false;
  };

  gene& gene_of(index v) { return here_[static_cast<std::size_t>(layers_[static_cast<std::size_t>(v)])]; }

  /// One look at the cheapest step: takes it when its rate is of this place, measures otherwise. False at the end.
  template <class Losses>
  bool advance(index remeasured, Losses const& loss_of) {
    auto const order = cheapest_first(remeasured);
    if (order.empty()) return false;
    auto const& best = steps_[static_cast<std::size_t>(order.front())];
    if (best.measured_at < place_) {
      for (index const v : order) measure(v, loss_of);
      return true;
    }
    if (!std::isfinite(best.rate)) return false;  // nothing that is left can be measured
    take(order.front(), loss_of);
    return true;
  }

  /// All steps without a rate, and others up to `remeasured`, lowest rate first.
  std::vector<index> cheapest_first(index remeasured) const {
    std::vector<index> order;
    index unknown = 0;
    for (std::size_t v = 0; v < steps_.size(); ++v) {
      if (!steps_[v].possible) continue;
      order.push_back(static_cast<index>(v));
      unknown += steps_[v].rate == -std::numeric_limits<double>::infinity();
    }
    auto const count = std::min(std::ssize(order), std::max({unknown, remeasured, index{1}}));
    std::partial_sort(order.begin(), order.begin() + count, order.end(), [this](index a, index b) {
      double const rate_a = steps_[static_cast<std::size_t>(a)].rate, rate_b = steps_[static_cast<std::size_t>(b)].rate;
      return rate_a != rate_b ? rate_a < rate_b : a < b;
    });
    order.resize(static_cast<std::size_t>(count));
    return order;
  }

  template <class Losses>
  void measure(index v, Losses const& loss_of) {
    auto& s = steps_[static_cast<std::size_t>(v)];
    if (s.measured_at == place_) return;
    gene const from = gene_of(v)--;
    if (auto const loss = loss_of(here_); !loss) {
      missing_.push_back(here_);
    } else {
      double const saved = sizes_(v, from) - sizes_(v, from - 1);
      s.rate = std::isfinite(*loss) ? (*loss - base()) / std::max(saved, std::numeric_limits<double>::min())
                                    : std::numeric_limits<double>::infinity();
      s.measured_at = place_;
      if (std::isfinite(*loss)) log_rises_(v, from) = log_of_loss(*loss) - log_of_loss(base());
    }
    gene_of(v) = from;
  }

  template <class Losses>
  void take(index v, Losses const& loss_of) {
    --gene_of(v);
    loss_ = *loss_of(here_);
    ++place_;
    steps_[static_cast<std::size_t>(v)] = {.possible = gene_of(v) > 0};
  }

  /// Where even all-highest cannot be measured, only differences between steps matter.
  double base() const { return std::isfinite(loss_) ? loss_ : 0; }

  Space const& space_;
  std::vector<index> layers_;
  matrix<double> sizes_;
  configuration here_;
  std::vector<step> steps_;  // of each variable layer, from here
  matrix<double> log_rises_;
  std::vector<configuration> missing_;
  double loss_ = 0;
  index place_ = 0;
};

}  // namespace amq::detail
