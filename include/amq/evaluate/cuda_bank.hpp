// The bank on devices: every (layer, choice) quantized once, beside what the unquantized model says of the tokens.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
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
#include "amq/text/tokens.hpp"

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

/// One decoder a device, all with the same cells, the choices of each layer, and with the unquantized model's last
/// hidden states to compare candidates with. `hqq` and `rtn` quantize on the device, other quantizers on the host.
/// Move-only.
class cuda_bank {
 public:
  /// `note` hears, before the long work begins, what devices say of a bank that they do not hold as a whole. The
  /// unquantized layers are on the devices, or pass through them, before the choices are. Throws input_error, naming
  /// the layer, for a format without a kernel before anything is made, and for what a quantizer or a kernel refuses;
  /// precondition_error for sequences too short to predict anything; cuda_error for failures of a device. Model and
  /// tokens may go afterwards.
  template <class Model, search_space Space, matrix_quantizer Quantizer, class Statistics = no_statistics>
  cuda_bank(Model const& model, token_sequences const& tokens, Space const& space, Quantizer const& quantizer,
            cuda_executor const& executor, Statistics const& statistics = {},
            std::function<void(std::string const&)> const& note = {}) {
    AMQ_EXPECTS(tokens.length() >= 2,
                "a loss needs sequences of at least 2 tokens, not " + std::to_string(tokens.length()));
    list_cells(model, space);
    make_decoders(model, tokens, executor);
    auto const first = announce(cells_, executor);
    tell(first, executor, note);
    remember(model, tokens, executor);
    auto last = announce(cells_, executor);
    for (std::size_t which = 0; which < last.size(); ++which)
      if (!first[which].empty()) last[which].clear();  // said already
    tell(last, executor, note);
    fill(model, quantizer, executor, statistics);
  }

  cuda::decoder& decoder(std::size_t device) const { return *decoders_[device]; }
  std::vector<cuda::bank_cell> const& cells() const { return cells_; }

  /// The cells of a configuration, one a layer.
  std::vector<index> cells_of(configuration const& genes) const {
    std::vector<index> picked;
    for (std::size_t layer = 0; layer < first_.size(); ++layer) picked.push_back(first_[layer] + genes[layer]);
    return picked;
  }

 private:
  template <class Model, class Space>
  void list_cells(Model const& model, Space const& space) {
    for (index layer = 0; layer < space.size(); ++layer) {
      auto const& linear = model.linears()[static_cast<std::size_t>(layer)];
      first_.push_back(std::ssize(cells_));
      for (format const f : space.choices(layer)) {
        if (auto const why = tile_layout::refusal(f, linear.cols); !f.kept() && !why.empty())
          throw input_error(linear.name + ": " + why + "; leave the format out, or measure on the cpu");
        cells_.push_back({layer, f});
      }
    }
  }

  template <class Model>
  void make_decoders(Model const& model, token_sequences const& tokens, cuda_executor const& executor) {
    auto options = executor.options();
    options.calibration_tokens = tokens.count() * tokens.length();
    auto const shape = decoder_shape_of(model);
    decoders_.resize(executor.size());
    executor.for_each_device(
        [&](std::size_t which) { decoders_[which] = executor.device(which).make_decoder(shape, options); });
  }

  std::vector<std::string> announce(std::vector<cuda::bank_cell> const& cells, cuda_executor const& executor) {
    std::vector<std::string> said(executor.size());
    executor.for_each_device([&](std::size_t which) { said[which] = decoders_[which]->announce(cells); });
    return said;
  }

  static void tell(std::vector<std::string> const& said, cuda_executor const& executor,
                   std::function<void(std::string const&)> const& note) {
    for (std::size_t which = 0; which < said.size(); ++which)
      if (note && !said[which].empty()) note((said.size() > 1 ? executor.name(which) + ": " : "") + said[which]);
  }

  /// The unquantized layers take the bank's place until the model has run, so that memory holds one of both.
  template <class Model>
  void remember(Model const& model, token_sequences const& tokens, cuda_executor const& executor) {
    std::vector<cuda::bank_cell> sources;
    for (index layer = 0; layer < std::ssize(model.linears()); ++layer) sources.push_back({layer, kept<bf16>::value});
    announce(sources, executor);
    for_each_cell(sources, executor, [&](index cell, auto const& give) {
      detail::source_matrix const source(model, sources[static_cast<std::size_t>(cell)].layer);
      give([&](cuda::decoder& on) { on.store(cell, source.seen()); });
    });
    std::vector<index> all(sources.size());
    std::iota(all.begin(), all.end(), index{0});
    executor.for_each_device([&](std::size_t which) { decoders_[which]->remember(tokens.ids(), all); });
  }

  template <class Model, class Quantizer, class Statistics>
  void fill(Model const& model, Quantizer const& quantizer, cuda_executor const& executor,
            Statistics const& statistics) {
    for_each_cell(cells_, executor, [&](index cell, auto const& give) {
      auto const [layer, wanted] = cells_[static_cast<std::size_t>(cell)];
      auto const how = wanted.kept() ? std::nullopt : device_request(quantizer, wanted);
      if (wanted.kept() || how) {
        detail::source_matrix const source(model, layer);
        named(model, layer, wanted, [&] {
          give(
              [&](cuda::decoder& on) { how ? on.quantize(cell, source.seen(), *how) : on.store(cell, source.seen()); });
        });
        return;
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

  /// make(cell, give) on the host's threads; what it gives goes to all devices at once, one cell after the other.
  template <class Make>
  void for_each_cell(std::vector<cuda::bank_cell> const& cells, cuda_executor const& executor, Make const& make) {
    std::mutex one_cell;
    auto const give = [&](auto const& to) {
      std::lock_guard const lock(one_cell);
      executor.for_each_device([&](std::size_t which) { to(*decoders_[which]); });
    };
    executor.for_each_on_host(std::ssize(cells), [&](index cell) { make(cell, give); });
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
  std::vector<index> first_;  ///< cell of each layer's first choice
  std::vector<std::unique_ptr<cuda::decoder>> decoders_;
};

}  // namespace amq
