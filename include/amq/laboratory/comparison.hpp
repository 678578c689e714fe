// Strategies x seeds on one landscape: what is done already is kept, the rest runs on all cores.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/laboratory/run.hpp"
#include "amq/laboratory/run_files.hpp"

namespace amq {

struct comparison_options {
  std::vector<std::uint64_t> seeds;
  search_budget budget;
  index probes = 96;  ///< see run_conditions; 0 where evaluations are dear
  std::filesystem::path out;
  std::function<bool()> stop_requested{};
  std::function<void(comparison_run const&, std::size_t finished, std::size_t total)> on_finished{};  ///< one at a time
};

struct comparison {
  hypervolume_frame frame;
  std::vector<comparison_run> runs;  ///< finished ones, strategies in the order given, then seeds
  bool interrupted = false;
};

/// What hypervolumes on this landscape are measured against; two evaluations, which no run is charged for. Throws
/// input_error where the landscape cannot measure its all-lowest or its all-highest configuration.
template <class Evaluator>
hypervolume_frame landscape_frame(format_space const& space, Evaluator& evaluator) {
  std::vector<configuration> const ends{space.lowest(), space.highest()};
  std::vector<measurement> found(2);
  evaluator.evaluate(ends, found);
  for (std::size_t i = 0; i < 2; ++i)
    if (!found[i].error.empty() || !std::isfinite(found[i].loss))
      throw input_error(std::string("the landscape cannot measure its ") + (i == 0 ? "all-lowest" : "all-highest") +
                        " configuration, so no hypervolume can be measured: " + found[i].error.substr(0, 200));
  return {space.average_bits(ends[0]), space.average_bits(ends[1]), found[0].loss, found[1].loss};
}

namespace detail {

inline void expect_comparable(std::span<compared_strategy const> strategies, comparison_options const& options) {
  if (strategies.empty() || options.seeds.empty())
    throw input_error("a comparison needs at least one strategy and one seed, not " +
                      std::to_string(strategies.size()) + " and " + std::to_string(options.seeds.size()));
  for (std::size_t i = 0; i < strategies.size(); ++i) {
    auto const& name = strategies[i].name;
    if (name.empty() || name.find_first_of(",\"\n") != std::string::npos)
      throw input_error("the strategy's name '" + name.substr(0, 80) + "' cannot be a CSV field");
    for (std::size_t j = 0; j < i; ++j)
      if (strategies[j].name == name) throw input_error("the strategy '" + name + "' is given twice");
  }
}

/// Finished runs, kept on disk as they come; safe to share between threads.
class finished_runs {
 public:
  finished_runs(std::span<compared_strategy const> strategies, comparison_options const& options)
      : options_(options), total_(strategies.size() * options.seeds.size()) {
    for (auto const& strategy : strategies)
      for (auto const seed : options.seeds) order_.emplace_back(strategy.name, seed);
    runs_.resize(order_.size());
    for (auto& run : read_runs(options.out)) {
      auto const place = std::find(order_.begin(), order_.end(), run_key(run.strategy, run.seed));
      if (place == order_.end())
        others_.push_back(std::move(run));
      else
        runs_[static_cast<std::size_t>(place - order_.begin())] = std::move(run);
    }
  }

  bool has(std::size_t i) const { return runs_[i].has_value(); }

  void add(std::size_t i, comparison_run run) {
    std::lock_guard const lock(mutex_);
    runs_[i] = std::move(run);
    write_runs(options_.out, kept());
    if (options_.on_finished) options_.on_finished(*runs_[i], finished().size(), total_);
  }

  /// Of this comparison.
  std::vector<comparison_run> finished() const {
    std::vector<comparison_run> all;
    for (auto const& run : runs_)
      if (run) all.push_back(*run);
    return all;
  }

 private:
  /// With those of other strategies and seeds that the folder had.
  std::vector<comparison_run> kept() const {
    auto all = others_;
    for (auto& run : finished()) all.push_back(std::move(run));
    return all;
  }

  comparison_options const& options_;
  std::size_t total_;
  std::vector<run_key> order_;
  std::vector<std::optional<comparison_run>> runs_;
  std::vector<comparison_run> others_;
  std::mutex mutex_;
};

}  // namespace detail

/// Runs every strategy under every seed, on the executor's threads; the evaluator is shared by all of them, so it must
/// be thread-safe. Runs are independent: results, `seconds` aside, do not depend on the number of threads, nor on which
/// runs were finished before. Runs that the files in `options.out` have already are kept, whatever made them: the
/// caller sees to it that one folder is one landscape and budget. Throws input_error for no strategies or seeds,
/// doubled names and damaged files; what a run throws ends the comparison, finished runs stay.
template <class Evaluator, class Executor>
comparison compare_strategies(format_space const& space, Evaluator& evaluator,
                              std::span<compared_strategy const> strategies, comparison_options const& options,
                              Executor& executor) {
  detail::expect_comparable(strategies, options);
  comparison result{landscape_frame(space, evaluator), {}, false};
  detail::finished_runs runs(strategies, options);
  run_conditions const conditions{options.budget, result.frame, options.probes, options.stop_requested};
  auto const seeds = options.seeds.size();
  executor.for_each(std::ssize(strategies) * std::ssize(options.seeds), [&](index i, int) {
    auto const at = static_cast<std::size_t>(i);
    if (runs.has(at) || (options.stop_requested && options.stop_requested())) return;
    auto run = run_strategy(space, evaluator, strategies[at / seeds], options.seeds[at % seeds], conditions);
    if (run) runs.add(at, std::move(*run));
  });
  result.runs = runs.finished();
  result.interrupted = result.runs.size() < strategies.size() * seeds;
  return result;
}

}  // namespace amq
