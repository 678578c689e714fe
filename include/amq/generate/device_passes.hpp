// Passes of a model that writes, on a device: its weights there, sampling here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/dtype.hpp"
#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/cuda/cuda_error.hpp"
#include "amq/cuda/device.hpp"
#include "amq/evaluate/decoder_shape.hpp"
#include "amq/generate/passes.hpp"
#include "amq/generate/running_model.hpp"

namespace amq {
namespace detail {

/// A matrix of a running model as devices take it. Throws input_error for one in f32 that no file holds.
inline cuda::host_matrix device_matrix_of(weight_matrix const& matrix, std::string const& name) {
  if (auto const tiles = matrix.tiled()) return *tiles;
  if (auto const* const rows = matrix.plain()) return device_rows(*rows);
  throw input_error(name +
                    " is stored in a form without a kernel, which the host turns into f32; run the model on the "
                    "cpu, or deploy it in another format");
}

inline format stored_format(weight_matrix const& matrix) {
  auto const tiles = matrix.tiled();
  return tiles ? tiles->storage() : kept<bf16>::value;
}

}  // namespace detail

/// The running model on a device. Sequences live there. Keeps a reference to the model; models `passes`. A pass returns
/// when its logits are here.
class device_passes {
 public:
  /// Sends the weights over. Throws input_error for a layer without a kernel, cuda_error for failures of the device.
  device_passes(running_model const& model, cuda::device& on, cuda::decoder_options const& options = {})
      : model_(&model), decoder_(on.make_decoder(shape_of(model), options)), cells_(layer_count(model)) {
    auto const names = linears_of(config());
    std::vector<cuda::host_matrix> matrices;
    std::vector<cuda::bank_cell> announced;
    for (index layer = 0; layer < std::ssize(cells_); ++layer) {
      auto const& name = names[static_cast<std::size_t>(layer)].name;
      matrices.push_back(detail::device_matrix_of(model.linear(layer), name));
      announced.push_back({layer, detail::stored_format(model.linear(layer))});
    }
    note_ = decoder_->announce(std::move(announced));
    for (index layer = 0; layer < std::ssize(cells_); ++layer)
      decoder_->store(layer, matrices[static_cast<std::size_t>(layer)]);
    std::iota(cells_.begin(), cells_.end(), index{0});
  }

  model_config const& config() const { return model_->config(); }
  std::int64_t bytes_per_pass() const { return decoder_->bytes_per_pass(cells_); }

  /// What the device says of weights that it does not hold as a whole; empty where it does.
  std::string const& note() const { return note_; }

  index open(index capacity) { return decoder_->open_sequence(capacity); }

  /// After a failure of the device there is nothing left to free.
  void close(index sequence) {
    try {
      decoder_->close_sequence(sequence);
    } catch (cuda_error const&) {
    }
  }

  matrix_view<float const> run(std::span<pass_part const> parts, std::span<std::int32_t const> tokens) {
    parts_.clear();
    for (auto const& [sequence, count] : parts) parts_.push_back({sequence, count});
    if (logits_.rows() != std::ssize(parts)) logits_ = matrix<float>(std::ssize(parts), config().vocabulary);
    decoder_->pass(parts_, tokens, cells_, logits_);
    return logits_;
  }

 private:
  static std::size_t layer_count(running_model const& model) {
    return static_cast<std::size_t>(model.config().blocks * linears_per_block);
  }

  static cuda::decoder_shape shape_of(running_model const& model) {
    auto const& blocks = model.blocks();
    return decoder_shape_of(model.config(), blocks.parameters(), blocks.final_norm(), blocks.frequencies(),
                            model.embeddings(), detail::device_matrix_of(model.head(), "lm_head"));
  }

  running_model const* model_;
  std::unique_ptr<cuda::decoder> decoder_;
  std::vector<index> cells_;
  std::string note_;
  std::vector<cuda::device_part> parts_;
  matrix<float> logits_;
};

static_assert(passes<device_passes>);

}  // namespace amq
