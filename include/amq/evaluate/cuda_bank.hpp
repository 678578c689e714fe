// The bank on devices: every (layer, choice) quantized once, and the unquantized layers that references are made of.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/matrix_quantizer.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/core/tile_layout.hpp"
#include "amq/cuda/device.hpp"
#include "amq/evaluate/bank.hpp"
#include "amq/evaluate/cuda_executor.hpp"
#include "amq/evaluate/decoder_shape.hpp"
#include "amq/evaluate/device_request.hpp"
#include "amq/kernel/weight_matrix.hpp"

namespace amq {
namespace detail {

/// A layer as the device takes it: where it lies in the model's file, or converted.
template <class Model>
class source_matrix {
 public:
  source_matrix(Model const& model, index layer) {
    if constexpr (has_mapped_weights<Model>) {
      seen_ = device_rows(dense_rows::of(model.weight_tensor(layer)));
    } else {
      converted_ = model.weight(layer);
      seen_ = matrix_view<float const>(converted_);
    }
  }

  cuda::host_matrix const& seen() const { return seen_; }

 private:
  matrix<float> converted_;
  cuda::host_matrix seen_;
};

}  // namespace detail

/// One decoder a device, all with the same cells: the choices of each layer, and each layer unquantized. `hqq` and
/// `rtn` quantize on the device, other quantizers on the host. Move-only.
class cuda_bank {
 public:
  /// `note` hears, before the long work begins, what devices say of a bank that they do not hold as a whole. Throws
  /// input_error, naming the layer, for a format without a kernel before anything is made, and for what a quantizer or
  /// a kernel refuses; cuda_error for failures of a device. The model may go afterwards.
  template <class Model, search_space Space, matrix_quantizer Quantizer, class Statistics = no_statistics>
  cuda_bank(Model const& model, Space const& space, Quantizer const& quantizer, cuda_executor const& executor,
            Statistics const& statistics = {}, std::function<void(std::string const&)> const& note = {}) {
    list_cells(model, space);
    announce(decoder_shape_of(model), executor, note);
    fill(model, quantizer, executor, statistics);
  }

  cuda::decoder& decoder(std::size_t device) const { return *decoders_[device]; }
  std::vector<cuda::bank_cell> const& cells() const { return cells_; }

  /// The cells, one a layer, of a configuration; and of the unquantized model.
  std::vector<index> cells_of(configuration const& genes) const {
    std::vector<index> picked;
    for (std::size_t layer = 0; layer < first_.size(); ++layer) picked.push_back(first_[layer] + genes[layer]);
    return picked;
  }
  std::vector<index> const& source_cells() const { return sources_; }

 private:
  template <class Model, class Space>
  void list_cells(Model const& model, Space const& space) {
    for (index layer = 0; layer < space.size(); ++layer) {
      auto const& linear = model.linears()[static_cast<std::size_t>(layer)];
      first_.push_back(std::ssize(cells_));
      sources_.push_back(-1);
      for (format const f : space.choices(layer)) {
        if (f.kept())
          sources_.back() = std::ssize(cells_);
        else if (auto const why = tile_layout::refusal(f, linear.cols); !why.empty())
          throw input_error(linear.name + ": " + why + "; leave the format out, or measure on the cpu");
        cells_.push_back({layer, f});
      }
    }
    for (index layer = 0; layer < std::ssize(sources_); ++layer)
      if (auto& cell = sources_[static_cast<std::size_t>(layer)]; cell < 0) {
        cell = std::ssize(cells_);
        cells_.push_back({layer, kept<bf16>::value});
      }
  }

  void announce(cuda::decoder_shape const& shape, cuda_executor const& executor,
                std::function<void(std::string const&)> const& note) {
    std::vector<std::string> said(executor.size());
    decoders_.resize(executor.size());
    executor.for_each_device([&](std::size_t which) {
      decoders_[which] = executor.device(which).make_decoder(shape, executor.options());
      said[which] = decoders_[which]->announce(cells_);
    });
    for (std::size_t which = 0; which < said.size(); ++which)
      if (note && !said[which].empty()) note((said.size() > 1 ? executor.name(which) + ": " : "") + said[which]);
  }

  /// Cells are made on the host's threads and go to the devices one after the other, to all devices at once.
  template <class Model, class Quantizer, class Statistics>
  void fill(Model const& model, Quantizer const& quantizer, cuda_executor const& executor,
            Statistics const& statistics) {
    std::mutex one_cell;
    executor.for_each_on_host(std::ssize(cells_), [&](index cell) {
      auto const [layer, wanted] = cells_[static_cast<std::size_t>(cell)];
      auto const give = [&](auto const& to) {
        std::lock_guard const lock(one_cell);
        executor.for_each_device([&](std::size_t which) { to(*decoders_[which]); });
      };
      if (wanted.kept()) {
        detail::source_matrix const source(model, layer);
        return give([&](cuda::decoder& on) { on.store(cell, source.seen()); });
      }
      if (auto const how = device_request(quantizer, wanted)) {
        detail::source_matrix const source(model, layer);
        return named(model, layer, wanted,
                     [&] { give([&](cuda::decoder& on) { on.quantize(cell, source.seen(), *how); }); });
      }
      auto const stored = quantized_layer(model, layer, quantizer, wanted, statistics);
      auto const tiles = weight_matrix::in_tiles(stored);
      named(model, layer, wanted, [&] {
        if (!tiles)
          throw input_error("no kernel reads what the quantizer " + quantizer.name() +
                            " makes of it (scales of inputs, or codes of another kind); choose another one, or measure "
                            "on the cpu");
        give([&](cuda::decoder& on) { on.store(cell, *tiles->tiled()); });
      });
    });
  }

  template <class Model, class Work>
  static void named(Model const& model, index layer, format wanted, Work const& work) {
    try {
      work();
    } catch (input_error const& failure) {
      throw input_error(model.linears()[static_cast<std::size_t>(layer)].name + " at " + to_string(wanted) + ": " +
                        failure.what());
    }
  }

  std::vector<cuda::bank_cell> cells_;
  std::vector<index> first_;    ///< cell of each layer's first choice
  std::vector<index> sources_;  ///< cell of each layer as it is
  std::vector<std::unique_ptr<cuda::decoder>> decoders_;
};

}  // namespace amq
