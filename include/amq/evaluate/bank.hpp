// The bank: every (layer, choice) quantized once, before the search, so that measuring a configuration only picks.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/causal_model.hpp"
#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/evaluate/weights.hpp"

namespace amq {

/// No statistics of any layer: for quantizers that need none.
struct no_statistics {
  layer_statistics operator()(index) const { return {}; }
};

/// One layer quantized. `statistics(layer)` is only asked by quantizers that need it. A kept layer stays as it is.
/// Throws input_error that names the layer when the format does not fit or f16 cannot hold a scale or zero.
template <class Model, matrix_quantizer Quantizer, class Statistics = no_statistics>
quantized_matrix quantized_layer(Model const& model, index layer, Quantizer const& quantizer, format wanted,
                                 Statistics const& statistics = {}) {
  auto const& linear = model.linears()[static_cast<std::size_t>(layer)];
  matrix<float> weights = model.weight(layer);
  if (wanted.kept()) return weights;
  try {
    layer_statistics known;
    if constexpr (needs_statistics<Quantizer>) known = statistics(layer);
    return quantizer.quantize(weights, wanted, known);
  } catch (input_error const& failure) {
    throw input_error(linear.name + " at " + to_string(wanted) + ": " + failure.what());
  }
}

/// The same, dequantized: (rows, cols) of the stored values.
template <class Model, matrix_quantizer Quantizer, class Statistics = no_statistics>
matrix<float> quantized_weights(Model const& model, index layer, Quantizer const& quantizer, format wanted,
                                Statistics const& statistics = {}) {
  return quantized_layer(model, layer, quantizer, wanted, statistics).dequantized();
}

namespace detail {

/// Every (layer, choice) of a space, turned into a T by `make(layer, format)` in parallel.
template <class T>
class bank_cells {
 public:
  template <search_space Space, class Make, class Executor>
  bank_cells(Space const& space, Make const& make, Executor& executor) {
    struct cell {
      index layer;
      format wanted;
    };
    std::vector<cell> cells;
    for (index layer = 0; layer < space.size(); ++layer) {
      first_.push_back(cells.size());
      for (format const f : space.choices(layer)) cells.push_back({layer, f});
    }
    made_.resize(cells.size());
    executor.for_each(static_cast<index>(cells.size()), [&](index i, int) {
      auto const [layer, wanted] = cells[static_cast<std::size_t>(i)];
      made_[static_cast<std::size_t>(i)].emplace(make(layer, wanted));
    });
  }

  index layers() const { return std::ssize(first_); }
  T const& at(index layer, gene choice) const { return *made_[first_[static_cast<std::size_t>(layer)] + choice]; }

 private:
  std::vector<std::size_t> first_;
  std::vector<std::optional<T>> made_;
};

}  // namespace detail

/// Ready to multiply. Memory: 4 bytes for each weight and choice. Building costs one quantization for each (layer,
/// choice).
class bank {
 public:
  template <class Model, search_space Space, matrix_quantizer Quantizer, class Executor,
            class Statistics = no_statistics>
  bank(Model const& model, Space const& space, Quantizer const& quantizer, Executor& executor,
       Statistics const& statistics = {})
      : cells_(
            space,
            [&](index layer, format wanted) {
              return dense_matrix(quantized_weights(model, layer, quantizer, wanted, statistics));
            },
            executor) {}

  index layers() const { return cells_.layers(); }

  dense_matrix const& at(index layer, gene choice) const { return cells_.at(layer, choice); }

  /// The weights of a configuration; valid while the bank lives.
  layer_weights pick(configuration const& genes) const {
    layer_weights picked(layers());
    for (index layer = 0; layer < layers(); ++layer)
      picked.set(layer, at(layer, genes[static_cast<std::size_t>(layer)]));
    return picked;
  }

 private:
  detail::bank_cells<dense_matrix> cells_;
};

/// The same as it is stored, an eighth of the memory: each measurement turns a block's codes into numbers before it
/// runs the block. Kept layers are not held at all.
class packed_bank {
 public:
  template <class Model, search_space Space, matrix_quantizer Quantizer, class Executor,
            class Statistics = no_statistics>
  packed_bank(Model const& model, Space const& space, Quantizer const& quantizer, Executor& executor,
              Statistics const& statistics = {})
      : cells_(
            space,
            [&](index layer, format wanted) -> std::optional<quantized_matrix> {
              if (wanted.kept()) return std::nullopt;
              return quantized_layer(model, layer, quantizer, wanted, statistics);
            },
            executor) {}

  index layers() const { return cells_.layers(); }

  /// Null for a kept layer.
  quantized_matrix const* at(index layer, gene choice) const {
    auto const& cell = cells_.at(layer, choice);
    return cell ? &*cell : nullptr;
  }

 private:
  detail::bank_cells<std::optional<quantized_matrix>> cells_;
};

}  // namespace amq
