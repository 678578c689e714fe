// Turns what the layers of a block were given, sequence after sequence, into statistics.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "amq/calibrate/block_statistics.hpp"
#include "amq/calibrate/detail/input_recorder.hpp"
#include "amq/calibrate/detail/second_moment.hpp"
#include "amq/calibrate/detail/token_panels.hpp"
#include "amq/core/error.hpp"

namespace amq::detail {

/// What one sequence adds to the statistics of one input.
struct input_summary {
  std::vector<index> layers;
  token_panels rows;
  token_panels drift;
  std::vector<double> absolute;  ///< sum of |x| over tokens, by channel
  std::vector<double> norms;     ///< L2 norm over tokens, by channel
  matrix<float> sample;
  index tokens = 0;
};

using sequence_inputs = std::vector<input_summary>;

/// Row i of `wanted` rows out of all tokens of all sequences is token floor(i all / wanted): those of one sequence.
inline matrix<float> sampled_rows(matrix_view<float const> rows, index sequence, index sequences, index wanted) {
  index const all = rows.rows * sequences;
  index const taken = std::min(wanted, all);
  index const first = sequence * rows.rows;
  // The first i whose token is not before `token`.
  auto const from = [&](index token) { return (token * taken + all - 1) / all; };
  index const begin = from(first), end = from(first + rows.rows);
  matrix<float> sample(end - begin, rows.cols);
  for (index i = begin; i < end; ++i) {
    auto const row = rows.row(i * all / taken - first);
    std::copy(row.begin(), row.end(), sample.row(i - begin).begin());
  }
  return sample;
}

inline input_summary summarize(recorded_input const& input, index sequence, index sequences,
                               statistics_options options) {
  input_summary result;
  auto const& rows = input.rows;
  result.layers = input.layers;
  result.tokens = rows.rows();
  result.absolute.resize(static_cast<std::size_t>(rows.cols()));
  result.norms.resize(static_cast<std::size_t>(rows.cols()));
  for (index token = 0; token < rows.rows(); ++token)
    for (index channel = 0; channel < rows.cols(); ++channel) {
      double const x = rows(token, channel);
      result.absolute[static_cast<std::size_t>(channel)] += std::abs(x);
      result.norms[static_cast<std::size_t>(channel)] += x * x;
    }
  for (double& norm : result.norms) norm = std::sqrt(norm);
  if (options.sampled_tokens > 0) result.sample = sampled_rows(rows, sequence, sequences, options.sampled_tokens);
  if (options.hessian || options.drift) result.rows = token_panels(rows);
  return result;
}

inline token_panels drift_panels(matrix_view<float const> unquantized, matrix_view<float const> rows) {
  matrix<float> difference = clone(unquantized);
  for (index token = 0; token < rows.rows; ++token)
    for (index channel = 0; channel < rows.cols; ++channel) difference(token, channel) -= rows(token, channel);
  return token_panels(difference);
}

/// `unquantized`: what the same layers were given by the unquantized stream; empty unless the drift is wanted.
inline sequence_inputs summarize(std::vector<recorded_input> const& inputs,
                                 std::vector<recorded_input> const& unquantized, index sequence, index sequences,
                                 statistics_options options) {
  sequence_inputs result;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    result.push_back(summarize(inputs[i], sequence, sequences, options));
    if (options.drift) result.back().drift = drift_panels(unquantized.at(i).rows, inputs[i].rows);
  }
  return result;
}

/// Sums over sequences, in their order.
class block_collector {
 public:
  block_collector(index sequences, statistics_options options) : sequences_(sequences), options_(options) {}

  template <class Executor>
  void add(std::vector<sequence_inputs> const& seen, Executor& executor) {
    if (sums_.empty()) start(seen.front());
    for (auto const& sequence : seen) {
      AMQ_EXPECTS(sequence.size() == sums_.size(), "a block multiplies the same layers for every sequence");
      for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i].add(sequence[i]);
    }
    auto const jobs = strips();
    executor.for_each(static_cast<index>(jobs.size()), [&](index at, int) {
      auto const [input, strip, drift] = jobs[static_cast<std::size_t>(at)];
      auto& sum = sums_[input];
      for (auto const& sequence : seen) {
        auto const& rows = sequence[input].rows;
        if (drift)
          sum.drift.add(strip, sequence[input].drift, rows);
        else
          sum.hessian.add(strip, rows, rows);
      }
    });
  }

  /// Ends the collection.
  template <class Executor>
  block_statistics finish(Executor& executor) {
    std::vector<input_statistics> result;
    for (auto& sum : sums_) result.push_back(sum.finish(sequences_, options_));
    auto const jobs = strips();
    double const factor = 2 / static_cast<double>(sequences_);
    executor.for_each(static_cast<index>(jobs.size()), [&](index at, int) {
      auto const [input, strip, drift] = jobs[static_cast<std::size_t>(at)];
      if (drift)
        sums_[input].drift.finish(strip, factor, result[input].drift);
      else
        sums_[input].hessian.finish(strip, factor, result[input].hessian);
    });
    return block_statistics(std::move(result));
  }

 private:
  struct input_sums {
    std::vector<index> layers;
    index cols = 0;
    index tokens = 0;
    std::vector<double> absolute;
    std::vector<double> norms;
    std::vector<matrix<float>> samples;
    second_moment hessian;
    second_moment drift;

    void add(input_summary const& sequence);
    input_statistics finish(index sequences, statistics_options options) const;
  };

  struct strip_job {
    std::size_t input;
    index strip;
    bool drift;
  };

  void start(sequence_inputs const& first) {
    for (auto const& input : first) {
      auto& sums = sums_.emplace_back();
      sums.layers = input.layers;
      sums.cols = static_cast<index>(input.absolute.size());
      sums.absolute.resize(input.absolute.size());
      sums.norms.resize(input.norms.size());
      if (options_.hessian) sums.hessian = second_moment(sums.cols, true);
      if (options_.drift) sums.drift = second_moment(sums.cols, false);
    }
  }

  std::vector<strip_job> strips() const {
    std::vector<strip_job> jobs;
    for (std::size_t input = 0; input < sums_.size(); ++input) {
      for (index strip = 0; strip < sums_[input].hessian.strips(); ++strip) jobs.push_back({input, strip, false});
      for (index strip = 0; strip < sums_[input].drift.strips(); ++strip) jobs.push_back({input, strip, true});
    }
    return jobs;
  }

  index sequences_;
  statistics_options options_;
  std::vector<input_sums> sums_;
};

inline void block_collector::input_sums::add(input_summary const& sequence) {
  AMQ_EXPECTS(sequence.layers == layers, "layers that share an input share it in every sequence");
  tokens += sequence.tokens;
  auto const sum = [](std::vector<double>& to, std::vector<double> const& from) {
    std::transform(to.begin(), to.end(), from.begin(), to.begin(), std::plus<>{});
  };
  sum(absolute, sequence.absolute);
  sum(norms, sequence.norms);
  if (sequence.sample.rows() > 0) samples.push_back(sequence.sample.clone());
}

inline input_statistics block_collector::input_sums::finish(index sequences, statistics_options options) const {
  input_statistics result;
  result.layers = layers;
  result.tokens = tokens;
  result.sequences = sequences;
  auto const means = [](std::vector<double> const& sums, index count) {
    std::vector<float> mean(sums.size());
    std::transform(sums.begin(), sums.end(), mean.begin(),
                   [count](double sum) { return static_cast<float>(sum / static_cast<double>(count)); });
    return mean;
  };
  result.mean_absolute = means(absolute, std::max<index>(tokens, 1));
  result.channel_norms = means(norms, std::max<index>(sequences, 1));
  if (options.hessian) result.hessian = matrix<float>(cols, cols);
  if (options.drift) result.drift = matrix<float>(cols, cols);
  index rows = 0;
  for (auto const& sample : samples) rows += sample.rows();
  result.inputs = matrix<float>(rows, cols);
  index row = 0;
  for (auto const& sample : samples) {
    std::copy_n(sample.data(), sample.size(), result.inputs.data() + row * cols);
    row += sample.rows();
  }
  return result;
}

}  // namespace amq::detail
