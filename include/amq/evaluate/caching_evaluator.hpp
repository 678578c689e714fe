// Measures every configuration once, whoever asks for it: strategies and seeds of a comparison share what is known.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/evaluator.hpp"
#include "amq/core/gene_set.hpp"

namespace amq {

/// Owns an evaluator and remembers its answers, `seconds` included, by genes: a repeated question costs O(genes) and
/// gives the first answer. Failures are not remembered. Models streaming_evaluator, and partial_evaluator where the
/// owned one does; may be used by several threads, for whom the owned evaluator is called one batch at a time. It must
/// give a configuration the same loss in any batch.
template <evaluator Evaluator>
class caching_evaluator {
 public:
  explicit caching_evaluator(Evaluator owned) : evaluator_(std::move(owned)) {}

  /// Called with each new answer, by one thread at a time: for those who keep answers on disk.
  std::function<void(configuration const&, measurement const&)> on_measured;

  /// An answer from elsewhere; one that is known already stays.
  void remember(configuration genes, measurement answer) {
    std::lock_guard const lock(known_mutex_);
    known_.try_emplace(std::move(genes), std::move(answer));
  }

  std::size_t size() const {
    std::lock_guard const lock(known_mutex_);
    return known_.size();
  }

  void evaluate(std::span<configuration const> batch, std::span<measurement> out) {
    evaluate_each(batch, [&](std::size_t i, measurement&& m) {
      out[i] = std::move(m);
      return true;
    });
  }

  /// sink(i, measurement&&) -> bool, false to stop.
  template <class Sink>
  void evaluate_each(std::span<configuration const> batch, Sink&& sink) {
    for (std::size_t i = 0; i < batch.size();) {
      if (auto answer = recall(batch[i])) {
        if (!sink(i++, std::move(*answer))) return;
        continue;
      }
      std::lock_guard const lock(measuring_mutex_);  // what another thread has measured meanwhile is known then
      auto const unknown = batch.subspan(i, unknown_run(batch.subspan(i)));
      if (!measure(unknown, [&](std::size_t k, measurement&& m) { return sink(i + k, std::move(m)); })) return;
      i += unknown.size();
    }
  }

  /// Partial answers are remembered apart, by fidelity; `on_measured` is not told.
  void evaluate_part(std::span<configuration const> batch, double fidelity, std::span<measurement> out)
    requires partial_evaluator<Evaluator>
  {
    std::lock_guard const lock(measuring_mutex_);
    auto& known = parts_[fidelity];
    for (std::size_t i = 0; i < batch.size(); ++i) {
      auto found = known.find(batch[i]);
      if (found == known.end()) {
        measurement answer;
        evaluator_.evaluate_part(batch.subspan(i, 1), fidelity, std::span(&answer, 1));
        if (!answer.error.empty()) {
          out[i] = std::move(answer);
          continue;
        }
        found = known.emplace(batch[i], std::move(answer)).first;
      }
      out[i] = found->second;
    }
  }

 private:
  std::optional<measurement> recall(configuration const& genes) const {
    std::lock_guard const lock(known_mutex_);
    auto const found = known_.find(genes);
    return found == known_.end() ? std::nullopt : std::optional(found->second);
  }

  /// How many from the first on are unknown and different.
  std::size_t unknown_run(std::span<configuration const> batch) const {
    std::lock_guard const lock(known_mutex_);
    gene_set seen;
    std::size_t count = 0;
    while (count < batch.size() && !known_.contains(batch[count]) && insert(seen, batch[count])) ++count;
    return count;
  }

  /// False when the sink stopped.
  template <class Sink>
  bool measure(std::span<configuration const> batch, Sink&& sink) {
    bool more = true;
    auto const take = [&](std::size_t i, measurement&& m) {
      if (m.error.empty()) {
        remember(batch[i], m);
        if (on_measured) on_measured(batch[i], m);
      }
      return more = sink(i, std::move(m));
    };
    if constexpr (streaming_evaluator<Evaluator>) {
      evaluator_.evaluate_each(batch, take);
    } else {
      std::vector<measurement> answers(batch.size());
      evaluator_.evaluate(batch, answers);
      for (std::size_t i = 0; i < batch.size() && more; ++i) take(i, std::move(answers[i]));
    }
    return more;
  }

  Evaluator evaluator_;
  gene_map<measurement> known_;
  std::map<double, gene_map<measurement>> parts_;  // by fidelity
  mutable std::mutex known_mutex_;
  std::mutex measuring_mutex_;
};

}  // namespace amq
