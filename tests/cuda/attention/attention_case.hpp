// A pass of several sequences for tests of attention: queries, caches with what nobody may read around them, and
// attention as its definition says.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "amq/cuda/attention/attention.cuh"
#include "cuda/support/device_values.hpp"

namespace amq::cuda {

struct part {
  int rows;
  int past;
};

template <class Number>
struct attention_case {
  head_shape shape;
  int window;
  std::vector<part> parts;
  int capacity = 0;
  int rows = 0;  ///< of the pass; one after each sequence's belongs to nobody
  std::vector<int> first_rows;
  std::vector<Number> queries;
  std::vector<Number> keys, values;  ///< (blocks, sequences, kv_heads, capacity, size)

  attention_case(head_shape of, int of_window, std::vector<part> of_parts)
      : shape(of), window(of_window), parts(std::move(of_parts)) {
    for (auto const& p : parts) {
      first_rows.push_back(rows);
      rows += p.rows + 1;
      capacity = std::max(capacity, p.past + p.rows + 3);
    }
    queries = rounded<Number>(wave(static_cast<std::size_t>(rows * shape.heads * shape.size), 0.3, 1.5));
    keys = rounded<Number>(wave(2 * block_numbers(), 0.9, 1.5));
    values = rounded<Number>(wave(2 * block_numbers(), 1.7, 1.5));
    hide_unwritten(keys);
    hide_unwritten(values);
  }

  std::size_t sequence_numbers() const { return static_cast<std::size_t>(shape.kv_heads * capacity * shape.size); }
  std::size_t block_numbers() const { return parts.size() * sequence_numbers(); }
  std::size_t out_numbers() const { return static_cast<std::size_t>(rows * shape.heads * shape.size); }

  /// Element `d` of the key or value at `position`, in block 1, which the tests attend in.
  std::size_t cache_index(std::size_t sequence, int kv_head, int position, int d) const {
    return block_numbers() + sequence * sequence_numbers() +
           static_cast<std::size_t>((kv_head * capacity + position) * shape.size + d);
  }

  std::vector<sequence_rows<Number>> sequences(Number* keys_there, Number* values_there) const {
    std::vector<sequence_rows<Number>> made;
    for (std::size_t s = 0; s < parts.size(); ++s) {
      auto const offset = static_cast<std::ptrdiff_t>(s * sequence_numbers());
      made.push_back(
          {first_rows[s], parts[s].rows, parts[s].past, capacity, keys_there + offset, values_there + offset});
    }
    return made;
  }

  int most_rows() const {
    int most = 0;
    for (auto const& p : parts) most = std::max(most, p.rows);
    return most;
  }
  int most_keys() const {
    int most = 0;
    for (auto const& p : parts) most = std::max(most, p.past + p.rows);
    return most;
  }

  /// What the device makes of it; 77 where nothing is written. More rows and keys are announced than there are.
  template <class Tuning = attention_tuning>
  std::vector<float> attended(int more_rows = 0, int more_keys = 0) const {
    stream const on;
    auto const q = on_device(queries, on), k = on_device(keys, on), v = on_device(values, on);
    auto const there = on_device(sequences(k.data(), v.data()), on);
    auto const out = on_device(std::vector<Number>(out_numbers(), from_f32<Number>(77)), on);
    attention_workspace workspace;
    sequence_batch<Number> const batch{there.data(), static_cast<int>(parts.size()), most_rows() + more_rows,
                                       most_keys() + more_rows + more_keys,
                                       static_cast<int>(parts.size()) * shape.kv_heads};
    attention<Number, Tuning>(q.data(), shape, window, batch, out.data(), workspace, on);
    return as_f32(on_host(out, on));
  }

  /// In f64; 77 in the rows of nobody.
  std::vector<double> expected() const {
    std::vector<double> out(out_numbers(), 77);
    for (std::size_t s = 0; s < parts.size(); ++s)
      for (int row = 0; row < parts[s].rows; ++row)
        for (int head = 0; head < shape.heads; ++head) attend(s, row, head, out);
    return out;
  }

 private:
  /// What is beyond a sequence's keys is no number.
  void hide_unwritten(std::vector<Number>& cache) const {
    auto const nan = from_f32<Number>(std::numeric_limits<float>::quiet_NaN());
    for (std::size_t s = 0; s < parts.size(); ++s)
      for (int head = 0; head < shape.kv_heads; ++head)
        for (int position = parts[s].past + parts[s].rows; position < capacity; ++position)
          for (int d = 0; d < shape.size; ++d) cache[cache_index(s, head, position, d)] = nan;
  }

  void attend(std::size_t s, int row, int head, std::vector<double>& out) const {
    int const last = parts[s].past + row, first = window > 0 ? std::max(0, last - window + 1) : 0;
    int const kv_head = head / shape.group();
    auto const at = static_cast<std::size_t>(((first_rows[s] + row) * shape.heads + head) * shape.size);
    std::vector<double> weights;
    double sum = 0;
    for (int key = first; key <= last; ++key) {
      double score = 0;
      for (int d = 0; d < shape.size; ++d)
        score += static_cast<double>(to_f32(queries[at + static_cast<std::size_t>(d)])) *
                 static_cast<double>(to_f32(keys[cache_index(s, kv_head, key, d)]));
      weights.push_back(std::exp(score / std::sqrt(static_cast<double>(shape.size))));
      sum += weights.back();
    }
    for (int d = 0; d < shape.size; ++d) {
      double element = 0;
      for (int key = first; key <= last; ++key)
        element += weights[static_cast<std::size_t>(key - first)] / sum *
                   static_cast<double>(to_f32(values[cache_index(s, kv_head, key, d)]));
      out[at + static_cast<std::size_t>(d)] = element;
    }
  }
};

}  // namespace amq::cuda
