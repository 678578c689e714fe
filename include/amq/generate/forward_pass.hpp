// Token ids in, logits of the next token out, for several sequences at once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/precision.hpp"
#include "amq/generate/running_model.hpp"
#include "amq/kernel/product_weights.hpp"
#include "amq/kernel/products.hpp"
#include "amq/model/cached_llama.hpp"

namespace amq {

/// What a pass tells of its work while it does it: nothing. A watch calls `work()` exactly once, and may look at a
/// clock before and after. One that watches layers sees each product alone; else layers with the same input are
/// multiplied together.
struct unwatched {
  static constexpr bool watches_layers() { return false; }

  template <class Work>
  void linear(index, Work&& work) const {
    work();
  }
  template <class Work>
  void head(Work&& work) const {
    work();
  }
};

namespace detail {

/// The seam with somebody who looks at each product.
template <class Weights, class Watch>
class watched_weights {
 public:
  watched_weights(Weights const& weights, Watch& watch) : weights_(&weights), watch_(&watch) {}

  void multiply(index layer, matrix_view<float const> x, matrix_view<float> y) const {
    watch_->linear(layer, [&] { weights_->multiply(layer, x, y); });
  }

 private:
  Weights const* weights_;
  Watch* watch_;
};

}  // namespace detail

/// Runs passes of one model one after the other and keeps their buffers. Keeps references to model and executor.
/// Results are the same bits for any number of workers.
template <class Executor>
class forward_pass {
 public:
  forward_pass(running_model const& model, amq::precision precision, Executor& executor)
      : model_(&model), products_(precision, executor) {}

  /// Reads the new `tokens` of all parts, one part after the other, and adds them to the caches. Returns logits (parts,
  /// vocabulary) after each part's last token, valid until the next pass. Throws precondition_error for a token beyond
  /// the vocabulary or more tokens than a cache has room for. `watch` hears of each product with a linear layer, by
  /// the layer's place, where it wants to, and of what follows the blocks.
  template <class Watch = unwatched>
  matrix_view<float const> run(std::span<sequence_part const> parts, std::span<std::int32_t const> tokens,
                               Watch&& watch = {}) {
    embed(tokens);
    auto const matrix_of = [this](index layer) -> weight_matrix const& { return model_->linear(layer); };
    product_weights const weights(matrix_of, products_);
    if (watch.watches_layers())
      model_->blocks().run(parts, state_, detail::watched_weights(weights, watch), products_.executor());
    else
      model_->blocks().run(parts, state_, weights, products_.executor());
    watch.head([&] { head(parts); });
    return logits_;
  }

 private:
  void embed(std::span<std::int32_t const> tokens) {
    auto const& config = model_->config();
    state_.start(std::ssize(tokens), config.hidden);
    for (index t = 0; t < std::ssize(tokens); ++t) {
      index const id = tokens[static_cast<std::size_t>(t)];
      AMQ_EXPECTS(id >= 0 && id < config.vocabulary, "forward_pass got the token id " + std::to_string(id) +
                                                         "; the vocabulary has " + std::to_string(config.vocabulary));
      model_->embeddings().read(id, state_.hidden.row(t));
    }
  }

  void head(std::span<sequence_part const> parts) {
    auto const& config = model_->config();
    if (last_.rows() != std::ssize(parts)) {
      last_ = matrix<float>(std::ssize(parts), config.hidden);
      logits_ = matrix<float>(std::ssize(parts), config.vocabulary);
    }
    index row = 0;
    for (index part = 0; part < last_.rows(); ++part) {
      row += parts[static_cast<std::size_t>(part)].tokens;
      std::copy_n(state_.hidden.row(row - 1).data(), config.hidden, last_.row(part).data());
      model_->blocks().finish(last_.row(part));
    }
    products_.prepare(last_);
    products_.multiply(model_->head(), logits_);
  }

  running_model const* model_;
  products<Executor> products_;
  cached_state state_;
  matrix<float> last_;
  matrix<float> logits_;
};

}  // namespace amq
