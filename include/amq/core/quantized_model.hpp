// A quantized model on its way from a quantizer to a file or a measurement: one layer at a time.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/quantized_matrix.hpp"

namespace amq {

/// Where a model_quantizer puts what it makes. Layers come in order, each once.
class quantized_sink {
 public:
  virtual ~quantized_sink() = default;
  virtual void layer(index layer, quantized_matrix&& quantized) = 0;
  /// A norm or a bias that changed, under its name in the checkpoint (AWQ folds its scales there).
  virtual void vector(std::string const& tensor, std::span<float const> values) = 0;
  /// Something the user should know, as one sentence.
  virtual void note(std::string const& sentence) = 0;
};

/// A quantized model that can be read any number of times, a layer in memory at a time.
class quantized_source {
 public:
  virtual ~quantized_source() = default;
  virtual index layers() const = 0;
  virtual quantized_matrix layer(index layer) const = 0;
  /// The new values of a norm or bias; nothing where it is the source's.
  virtual std::optional<std::vector<float>> replaced(std::string const& tensor) const = 0;
  /// Names of all tensors that `replaced` knows, sorted.
  virtual std::vector<std::string> replaced_names() const = 0;
};

/// A sink that keeps everything in memory, and gives it back.
class quantized_memory : public quantized_sink, public quantized_source {
 public:
  void layer(index layer, quantized_matrix&& quantized) override {
    AMQ_EXPECTS(layer == layers(), "a quantizer must deliver layers in order: layer " + std::to_string(layers()) +
                                       " was expected, not " + std::to_string(layer));
    layers_.push_back(std::move(quantized));
  }
  void vector(std::string const& tensor, std::span<float const> values) override {
    vectors_[tensor].assign(values.begin(), values.end());
  }
  void note(std::string const& sentence) override { notes_.push_back(sentence); }

  index layers() const override { return std::ssize(layers_); }
  quantized_matrix layer(index layer) const override { return layers_[static_cast<std::size_t>(layer)].clone(); }
  std::optional<std::vector<float>> replaced(std::string const& tensor) const override {
    auto const found = vectors_.find(tensor);
    return found == vectors_.end() ? std::nullopt : std::optional(found->second);
  }
  std::vector<std::string> replaced_names() const override {
    std::vector<std::string> names;
    for (auto const& [name, values] : vectors_) names.push_back(name);
    return names;
  }
  std::vector<std::string> const& notes() const { return notes_; }

 private:
  std::vector<quantized_matrix> layers_;
  std::map<std::string, std::vector<float>> vectors_;
  std::vector<std::string> notes_;
};

}  // namespace amq
