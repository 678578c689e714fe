// Whoever runs the passes of a model that writes: here the host, with a cache for each sequence.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/core/precision.hpp"
#include "amq/generate/forward_pass.hpp"
#include "amq/generate/running_model.hpp"
#include "amq/model/kv_cache.hpp"

namespace amq {

/// The next `tokens` rows of a pass belong to the sequence of this number.
struct pass_part {
  index sequence = 0;
  index tokens = 0;
};

/// `open(capacity)` gives a sequence's number, `close(number)` frees what it took; `run(parts, tokens)` reads the new
/// tokens of all parts and returns logits (parts, vocabulary) after each part's last, valid until the next pass.
template <class P>
concept passes = requires(P& p, index number, std::span<pass_part const> parts, std::span<std::int32_t const> tokens) {
  { p.config() } -> std::convertible_to<model_config const&>;
  { p.open(number) } -> std::same_as<index>;
  p.close(number);
  { p.run(parts, tokens) } -> std::convertible_to<matrix_view<float const>>;
  { p.bytes_per_pass() } -> std::convertible_to<std::int64_t>;
};

/// Passes by the host's kernels. Keeps references to model and executor; models `passes`.
template <class Executor>
class host_passes {
 public:
  host_passes(running_model const& model, amq::precision precision, Executor& executor)
      : model_(&model), pass_(model, precision, executor) {}

  model_config const& config() const { return model_->config(); }
  std::int64_t bytes_per_pass() const { return model_->bytes_per_token(); }

  index open(index capacity) {
    caches_.emplace_back(std::in_place, config(), capacity);
    return std::ssize(caches_) - 1;
  }
  void close(index sequence) { caches_[static_cast<std::size_t>(sequence)].reset(); }

  matrix_view<float const> run(std::span<pass_part const> parts, std::span<std::int32_t const> tokens) {
    parts_.clear();
    for (auto const& [sequence, count] : parts)
      parts_.push_back({&*caches_[static_cast<std::size_t>(sequence)], count});
    return pass_.run(parts_, tokens);
  }

 private:
  running_model const* model_;
  forward_pass<Executor> pass_;
  std::vector<std::optional<kv_cache>> caches_;
  std::vector<sequence_part> parts_;
};

}  // namespace amq
