// A landscape that answers from a table: replay of an archive.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/gene_set.hpp"

namespace amq {

/// Answers with the losses of evaluations that were made before. A configuration that the table lacks gets an error of
/// its own, so a strategy that may ask for anything wants a complete table; others are restricted to `configurations()`
/// by whoever chooses their candidates. Models streaming_evaluator; every member is const and thread-safe. O(genes) a
/// loss.
class table_landscape {
 public:
  /// The first evaluation of each configuration counts; those without a finite loss, or on a part of the calibration
  /// sequences only, are left out.
  explicit table_landscape(std::span<evaluation const> evaluations) {
    for (auto const& e : evaluations)
      if (e.fidelity >= 1 && std::isfinite(e.loss) && losses_.try_emplace(e.configuration, e.loss).second)
        configurations_.push_back(e.configuration);
  }

  /// Everything the table has an answer for, in the archive's order.
  std::span<configuration const> configurations() const { return configurations_; }
  bool contains(std::span<gene const> genes) const { return losses_.contains(genes); }

  void evaluate(std::span<configuration const> batch, std::span<measurement> out) const {
    for (std::size_t i = 0; i < batch.size(); ++i) out[i] = answer(batch[i]);
  }

  /// sink(i, measurement&&) -> bool, false to stop.
  template <class Sink>
  void evaluate_each(std::span<configuration const> batch, Sink&& sink) const {
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (!sink(i, answer(batch[i]))) return;
  }

 private:
  measurement answer(configuration const& genes) const {
    measurement m;
    auto const found = losses_.find(genes);
    if (found != losses_.end())
      m.loss = found->second;
    else
      m.error = "the table of " + std::to_string(configurations_.size()) + " measured configurations lacks this one";
    return m;
  }

  gene_map<double> losses_;
  std::vector<configuration> configurations_;
};

}  // namespace amq
