// A strategy of any type behind one type: for run-time choices, and so that the loop is compiled once.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/strategy.hpp"
#include "amq/search/budget.hpp"
#include "amq/search/memory_archive.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

/// Owns a strategy over memory_archive. Models planning_strategy and predicting_strategy: where the owned one does not,
/// plan() is ask() and predict() returns false.
class any_strategy {
 public:
  template <class S>
    requires strategy<S, memory_archive>
  explicit any_strategy(S owned) : self_(std::make_unique<holder<S>>(std::move(owned))) {}

  planned_batch plan(memory_archive const& measured, index n, random_stream& random) {
    return self_->plan(measured, n, random);
  }
  std::vector<configuration> ask(memory_archive const& measured, index n, random_stream& random) {
    return self_->ask(measured, n, random);
  }
  void tell(std::span<configuration const> configurations, std::span<double const> losses) {
    self_->tell(configurations, losses);
  }
  bool predict(matrix_view<gene const> genes, std::span<double> losses) const { return self_->predict(genes, losses); }
  std::vector<index> pinned(memory_archive const& measured) const { return self_->pinned(measured); }

 private:
  struct erased {
    virtual ~erased() = default;
    virtual planned_batch plan(memory_archive const& measured, index n, random_stream& random) = 0;
    virtual std::vector<configuration> ask(memory_archive const& measured, index n, random_stream& random) = 0;
    virtual void tell(std::span<configuration const> configurations, std::span<double const> losses) = 0;
    virtual bool predict(matrix_view<gene const> genes, std::span<double> losses) const = 0;
    virtual std::vector<index> pinned(memory_archive const& measured) const = 0;
  };

  template <class S>
  struct holder final : erased {
    explicit holder(S owned) : strategy_(std::move(owned)) {}
    planned_batch plan(memory_archive const& measured, index n, random_stream& random) override {
      if constexpr (planning_strategy<S, memory_archive>)
        return strategy_.plan(measured, n, random);
      else
        return {phase::search, strategy_.ask(measured, n, random)};
    }
    std::vector<configuration> ask(memory_archive const& measured, index n, random_stream& random) override {
      return strategy_.ask(measured, n, random);
    }
    void tell(std::span<configuration const> configurations, std::span<double const> losses) override {
      strategy_.tell(configurations, losses);
    }
    bool predict(matrix_view<gene const> genes, std::span<double> losses) const override {
      if constexpr (predicting_strategy<S>)
        return strategy_.predict(genes, losses);
      else
        return false;
    }
    std::vector<index> pinned(memory_archive const& measured) const override {
      if constexpr (requires { strategy_.pinned(measured); })
        return strategy_.pinned(measured);
      else
        return {};
    }
    S strategy_;
  };

  std::unique_ptr<erased> self_;
};

/// Makes a new strategy for one search of a space.
using strategy_factory = std::function<any_strategy(format_space const&, search_budget const&)>;

}  // namespace amq
