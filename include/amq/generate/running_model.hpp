// A model that is ready to run: weights stay in the mapped file, where kernels read them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/io/checkpoint.hpp"
#include "amq/io/packed_model.hpp"
#include "amq/kernel/dense_rows.hpp"
#include "amq/kernel/weight_matrix.hpp"
#include "amq/model/cached_llama.hpp"
#include "amq/model/config.hpp"
#include "amq/model/layout.hpp"

namespace amq {

/// All that a forward pass reads. Move-only.
class running_model {
 public:
  /// What a model is made of, for one that does not come from a folder. `memory` keeps what the views lie in.
  struct parts {
    model_config config;
    std::vector<block_parameters> parameters = {};
    std::vector<float> final_norm = {};
    dense_rows embeddings = {};               ///< (vocabulary, hidden)
    dense_rows head = {};                     ///< (vocabulary, hidden); the embeddings again when tied
    std::vector<weight_matrix> linears = {};  ///< checkpoint order
    std::shared_ptr<void const> memory = nullptr;
  };

  explicit running_model(parts all)
      : memory_(std::move(all.memory)),
        embeddings_(all.embeddings),
        head_(all.head),
        linears_(std::move(all.linears)),
        blocks_(std::move(all.config), std::move(all.parameters), std::move(all.final_norm)) {
    AMQ_EXPECTS(std::ssize(linears_) == index{config().blocks} * linears_per_block,
                "a running_model needs seven linear layers a block");
    AMQ_EXPECTS(embeddings_.rows == config().vocabulary && embeddings_.cols == config().hidden &&
                    head_.rows() == config().vocabulary && head_.cols() == config().hidden,
                "a running_model needs embeddings and a head of (vocabulary, hidden)");
  }

  /// Opens a folder that `amq deploy --format amq` wrote, or a Hugging Face folder in F32, F16 or BF16. Reads headers,
  /// norms and biases: milliseconds, whatever the size. Layers in a form without a kernel (`notes`) are converted to
  /// f32 in memory. Throws input_error for a config or a file that is malformed, and for tensors that are missing or of
  /// another shape. Weights are not read, so NaN in them shows only in what the model says.
  static running_model load(std::filesystem::path const& folder);

  model_config const& config() const { return blocks_.config(); }
  cached_llama const& blocks() const { return blocks_; }
  weight_matrix const& linear(index layer) const { return linears_[static_cast<std::size_t>(layer)]; }
  dense_rows const& embeddings() const { return embeddings_; }
  weight_matrix const& head() const { return head_; }
  std::vector<std::string> const& notes() const { return notes_; }

  /// Another matrix of the same shape instead.
  void replace(index layer, weight_matrix matrix) {
    auto& old = linears_[static_cast<std::size_t>(layer)];
    AMQ_EXPECTS(old.rows() == matrix.rows() && old.cols() == matrix.cols(), "a layer is replaced by one of its shape");
    old = std::move(matrix);
  }

  /// Weights that are read for each decoded token: all linear layers, the head and one row of embeddings.
  std::int64_t bytes_per_token() const {
    std::int64_t bytes = head_.bytes() + embeddings_.row_bytes();
    for (auto const& linear : linears_) bytes += linear.bytes();
    return bytes;
  }

 private:
  std::shared_ptr<void const> memory_;
  dense_rows embeddings_;
  weight_matrix head_;
  std::vector<weight_matrix> linears_;
  cached_llama blocks_;
  std::vector<std::string> notes_;
};

namespace detail {

/// Collects a model's parts from its folder.
class model_opener {
 public:
  explicit model_opener(std::filesystem::path const& folder)
      : config_(load_config(folder, quantized_models::amq)), source_(std::make_shared<files>(folder)) {}

  running_model::parts open() {
    auto const& from = source_->plain;
    bool const packed = is_packed();
    auto const layout = packed ? checked_layout_of_others(config_, from) : checked_layout(config_, from);
    running_model::parts all{config_};
    auto const read = [&](std::string const& name) { return read_vector(name); };
    for (int block = 0; block < config_.blocks; ++block)
      all.parameters.push_back(read_block_parameters(config_, layout, block, read));
    all.final_norm = read_vector("model.norm.weight");
    all.embeddings = dense_rows::of(from.tensor(layout.embedding));
    all.head = dense_rows::of(from.tensor(layout.head));
    if (packed)
      add_packed(layout, all);
    else
      for (auto const& linear : layout.linears)
        all.linears.emplace_back(dense_rows::of(from.tensor(weight_of(linear).name)));
    all.memory = source_;
    return all;
  }

  std::vector<std::string> const& notes() const { return notes_; }

 private:
  struct files {
    checkpoint plain;
    std::optional<packed_model> packed = std::nullopt;

    explicit files(std::filesystem::path const& folder) : plain(folder) {}
  };

  /// The metadata says so: config.json alone may have been edited.
  bool is_packed() const {
    auto const& metadata = source_->plain.files()[0].metadata();
    auto const found = metadata.find("format");
    return found != metadata.end() && found->second == packed_model_format;
  }

  std::vector<float> read_vector(std::string const& name) const {
    auto const& tensor = source_->plain.tensor(name);
    if (auto const bad = first_non_finite(tensor))
      throw input_error(printable_path(source_->plain.file_of(name)) + ": tensor '" + name +
                        "' holds a NaN or infinity at element " + std::to_string(*bad) + "; expected finite weights");
    std::vector<float> values(static_cast<std::size_t>(tensor.size()));
    to_f32(tensor, values);
    return values;
  }

  void add_packed(model_layout const& layout, running_model::parts& all) {
    auto const path = source_->plain.files()[0].path();
    auto const& packed = source_->packed.emplace(path);
    if (packed.layers() != std::ssize(layout.linears))
      throw input_error(printable_path(path) + " holds " + std::to_string(packed.layers()) +
                        " linear layers; expected the " + std::to_string(layout.linears.size()) + " of config.json");
    index converted = 0;
    for (index i = 0; i < packed.layers(); ++i) {
      auto const& linear = layout.linears[static_cast<std::size_t>(i)];
      auto const [rows, cols] = packed.shape(i);
      if (packed.layer_name(i) != linear.name || rows != linear.rows || cols != linear.cols)
        throw input_error(printable_path(path) + " has the layer '" + printable(packed.layer_name(i)) + "' of " +
                          to_string(std::array{rows, cols}) + " at position " + std::to_string(i) + "; expected '" +
                          linear.name + "' of " + to_string(std::array{linear.rows, linear.cols}));
      if (auto const tiles = packed.tiles(i)) {
        all.linears.emplace_back(*tiles);
      } else if (auto const* const dense = packed.dense(i)) {
        all.linears.emplace_back(dense_rows::of(*dense));
      } else {
        all.linears.push_back(running_matrix(packed.layer(i)));
        if (all.linears.back().dense() != nullptr) ++converted;
      }
    }
    if (converted > 0)
      notes_.push_back(std::to_string(converted) +
                       " layers are stored in forms without a kernel and run in f32: " + "more memory, less speed");
  }

  model_config config_;
  std::shared_ptr<files> source_;
  std::vector<std::string> notes_;
};

}  // namespace detail

inline running_model running_model::load(std::filesystem::path const& folder) {
  detail::model_opener opener(folder);
  running_model model(opener.open());
  model.notes_ = opener.notes();
  return model;
}

}  // namespace amq
