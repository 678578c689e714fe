// The bank: every (layer, choice) quantized once, before the search, so that measuring a configuration only picks.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "amq/concepts/causal_model.hpp"
#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/core/quantized_matrix.hpp"
#include "amq/kernel/dense_rows.hpp"
#include "amq/kernel/weight_matrix.hpp"

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

/// A model whose linear layers lie in a mapped file, from where products can read them.
template <class Model>
concept has_mapped_weights = requires(Model const& model, index layer) {
  { model.weight_tensor(layer) } -> std::convertible_to<tensor_view>;
};

/// Every (layer, choice) of a space as kernels read it: packed tiles. Kept layers are multiplied as they lie in the
/// model's file where it has one and they take 16 bits, else in f32. What no kernel reads (core/tile_layout.hpp lists
/// what they read) is held as it is stored, and whoever measures turns it into numbers. Memory: bits + 32 / group for
/// each weight and choice. Building costs one quantization for each (layer, choice). The model must outlive
/// it.
class bank {
 public:
  template <class Model, search_space Space, matrix_quantizer Quantizer, class Executor,
            class Statistics = no_statistics>
  bank(Model const& model, Space const& space, Quantizer const& quantizer, Executor& executor,
       Statistics const& statistics = {}) {
    struct place {
      index layer;
      format wanted;
    };
    std::vector<place> places;
    for (index layer = 0; layer < space.size(); ++layer) {
      first_.push_back(places.size());
      for (format const f : space.choices(layer)) places.push_back({layer, f});
    }
    cells_.resize(places.size());
    executor.for_each(std::ssize(places), [&](index i, int) {
      auto const [layer, wanted] = places[static_cast<std::size_t>(i)];
      cells_[static_cast<std::size_t>(i)].emplace(made(model, layer, quantizer, wanted, statistics));
    });
  }

  index layers() const { return std::ssize(first_); }

  /// Ready to multiply, or null where no kernel reads it.
  weight_matrix const* ready(index layer, gene choice) const { return std::get_if<weight_matrix>(&at(layer, choice)); }

  /// What `ready` has no kernel for.
  quantized_matrix const& stored(index layer, gene choice) const {
    return std::get<quantized_matrix>(at(layer, choice));
  }

  /// Whether all layers of a configuration are ready to multiply.
  bool ready(configuration const& genes) const {
    for (index layer = 0; layer < layers(); ++layer)
      if (ready(layer, genes[static_cast<std::size_t>(layer)]) == nullptr) return false;
    return true;
  }

  /// Cells that no kernel reads.
  index without_kernel() const {
    return std::count_if(cells_.begin(), cells_.end(),
                         [](auto const& held) { return std::holds_alternative<quantized_matrix>(*held); });
  }

  /// A sentence about these; empty when there are none.
  std::string note() const {
    if (without_kernel() == 0) return {};
    return std::to_string(without_kernel()) + " of " + std::to_string(cells_.size()) +
           " quantized matrices are in a form without a kernel: each measurement that needs them turns them into f32";
  }

  /// Bytes that products read of all matrices that are ready, those in a mapped file included; what has no kernel is
  /// not counted.
  std::int64_t bytes() const {
    std::int64_t all = 0;
    for (auto const& held : cells_)
      if (auto const* const matrix = std::get_if<weight_matrix>(&*held)) all += matrix->bytes();
    return all;
  }

 private:
  using cell = std::variant<weight_matrix, quantized_matrix>;

  template <class Model, class Quantizer, class Statistics>
  static cell made(Model const& model, index layer, Quantizer const& quantizer, format wanted,
                   Statistics const& statistics) {
    if (wanted.kept()) {
      if constexpr (has_mapped_weights<Model>)
        if (tensor_view const& mapped = model.weight_tensor(layer); mapped.type != dtype::f32)
          return weight_matrix(dense_rows::of(mapped));
      return weight_matrix(dense_matrix(model.weight(layer)));
    }
    auto quantized = quantized_layer(model, layer, quantizer, wanted, statistics);
    if (auto tiles = weight_matrix::in_tiles(quantized)) return std::move(*tiles);
    return quantized;
  }

  cell const& at(index layer, gene choice) const { return *cells_[first_[static_cast<std::size_t>(layer)] + choice]; }

  std::vector<std::size_t> first_;
  std::vector<std::optional<cell>> cells_;
};

}  // namespace amq
