// Calibration and evaluation tokens: a file's worth of token ids, cut into sequences of one length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <utility>

#include "amq/core/error.hpp"
#include "amq/core/matrix.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/io/fingerprint.hpp"
#include "amq/io/memory_map.hpp"
#include "amq/io/npy.hpp"
#include "amq/io/tensor.hpp"

namespace amq {

struct token_options {
  int sequences = 16;
  int sequence_length = 256;
};

/// (sequences, length) token ids. Move-only.
class token_sequences {
 public:
  explicit token_sequences(matrix<std::int32_t> ids) : ids_(std::move(ids)) {}

  index count() const { return ids_.rows(); }
  index length() const { return ids_.cols(); }
  std::span<std::int32_t const> sequence(index i) const { return ids_.row(i); }
  matrix_view<std::int32_t const> ids() const { return ids_.view(); }

  /// A copy of the first `n`. Throws precondition_error unless there are as many.
  token_sequences first(index n) const {
    AMQ_EXPECTS(n >= 0 && n <= count(),
                "there are " + std::to_string(count()) + " sequences, not " + std::to_string(n));
    matrix<std::int32_t> ids(n, length());
    std::copy_n(ids_.data(), ids.size(), ids.data());
    return token_sequences(std::move(ids));
  }

  /// SHA-256 of count, length and ids, 64 hexadecimal digits.
  std::string fingerprint() const {
    sha256 digest;
    digest.update(std::int64_t{count()}).update(std::int64_t{length()});
    auto const all = std::span(ids_.data(), static_cast<std::size_t>(ids_.size()));
    return digest.update(std::as_bytes(all)).hex();
  }

 private:
  matrix<std::int32_t> ids_;
};

namespace detail {

/// Ids of a file in row-major order; `rows` is 0 for a flat file.
struct token_source {
  index rows = 0;
  index size = 0;  ///< ids a row, or ids of a flat file
  std::function<std::int64_t(index)> at;
};

/// First id of sequence i of n. Flat: floor(i N / n); the last sequence still fits because N >= n L. With R rows: the
/// first L ids of row floor(i R / n).
inline index sequence_start(token_source const& source, index i, index n) {
  if (source.rows > 0) return i * source.rows / n * source.size;
  return i * source.size / n;
}

inline void check_enough_tokens(token_source const& source, token_options options, std::filesystem::path const& file) {
  index const n = options.sequences;
  index const length = options.sequence_length;
  std::string const wanted = std::to_string(n) + " sequences of " + std::to_string(length) + " tokens";
  auto const refuse = [&](std::string const& found, std::string const& advice) {
    throw input_error(printable_path(file) + " holds " + found + "; expected enough for " + wanted + ". Ask for " +
                      advice);
  };
  if (source.rows > 0) {
    if (source.rows < n) refuse(std::to_string(source.rows) + " rows", "at most that many sequences");
    if (source.size < length) refuse("rows of " + std::to_string(source.size) + " tokens", "at most that length");
  } else if (source.size / n < length) {
    refuse(std::to_string(source.size) + " tokens", "fewer or shorter sequences");
  }
}

inline token_sequences select_tokens(token_source const& source, token_options options,
                                     std::filesystem::path const& file) {
  check_enough_tokens(source, options, file);
  matrix<std::int32_t> ids(options.sequences, options.sequence_length);
  for (index i = 0; i < ids.rows(); ++i) {
    index const start = sequence_start(source, i, ids.rows());
    for (index t = 0; t < ids.cols(); ++t) {
      std::int64_t const id = source.at(start + t);
      if (id < 0 || id > std::numeric_limits<std::int32_t>::max())
        throw input_error(printable_path(file) + " holds the id " + std::to_string(id) + " at position " +
                          std::to_string(start + t) + "; expected token ids from 0 to 2147483647");
      ids(i, t) = static_cast<std::int32_t>(id);
    }
  }
  return token_sequences(std::move(ids));
}

template <class Id>
token_sequences load_raw_tokens(std::filesystem::path const& path, token_options options) {
  mapped_file const mapped(path, "a token file");
  auto const bytes = mapped.bytes();
  if (bytes.size() % sizeof(Id) != 0)
    throw input_error(printable_path(path) + " has " + std::to_string(bytes.size()) +
                      " bytes; expected a multiple of " + std::to_string(sizeof(Id)) + ", the size of an id");
  auto const at = [&](index i) {
    return std::int64_t{load_item<Id>(bytes.data() + static_cast<std::size_t>(i) * sizeof(Id))};
  };
  return select_tokens({0, static_cast<index>(bytes.size() / sizeof(Id)), at}, options, path);
}

inline token_sequences load_npy_tokens(std::filesystem::path const& path, token_options options) {
  npy_integers const array(path);
  auto const shape = array.shape();
  if (array.size() == 0) throw input_error(printable_path(path) + " holds no tokens; expected a token file");
  auto const at = [&](index i) { return array[i]; };
  if (shape.size() == 1) return select_tokens({0, shape[0], at}, options, path);
  return select_tokens({shape[0], shape[1], at}, options, path);
}

inline void check_options(token_options options, std::filesystem::path const& file) {
  auto const refuse = [&](char const* what, int found) {
    throw input_error(printable_path(file) + ": cannot select tokens with " + what + " = " + std::to_string(found) +
                      "; expected at least 1");
  };
  if (options.sequences < 1) refuse("sequences", options.sequences);
  if (options.sequence_length < 1) refuse("length", options.sequence_length);
}

}  // namespace detail

/// Reads `.npy` (integers of any type, one or two dimensions) and raw little-endian `.u16` and `.u32`. Of N ids in a
/// flat file, sequence i of n starts at floor(i N / n); of a (R, C) array it is the first ids of row floor(i R / n).
/// Reads only what it selects. Throws input_error for a file that is missing, malformed or too short, for ids outside
/// int32, and for options below 1.
inline token_sequences load_tokens(std::filesystem::path const& path, token_options options = {}) {
  detail::check_options(options, path);
  auto const extension = path.extension();
  if (extension == ".npy") return detail::load_npy_tokens(path, options);
  if (extension == ".u16") return detail::load_raw_tokens<std::uint16_t>(path, options);
  if (extension == ".u32") return detail::load_raw_tokens<std::uint32_t>(path, options);
  throw input_error(detail::printable_path(path) + " has the extension '" + detail::printable(extension.string()) +
                    "'; expected tokens as .npy, .u16 or .u32, or a text as .txt where there is a tokenizer");
}

/// Whether a model can read the tokens: throws input_error when an id is not below `vocabulary` (which one, where) or a
/// sequence is longer than `max_length`. `file` is where the tokens came from.
inline void check_tokens(token_sequences const& tokens, index vocabulary, index max_length,
                         std::filesystem::path const& file) {
  if (tokens.length() > max_length)
    throw input_error(detail::printable_path(file) + ": sequences of " + std::to_string(tokens.length()) +
                      " tokens are longer than the model's maximum; expected a length of at most " +
                      std::to_string(max_length));
  for (index i = 0; i < tokens.count(); ++i)
    for (std::size_t t = 0; t < tokens.sequence(i).size(); ++t)
      if (tokens.sequence(i)[t] >= vocabulary)
        throw input_error(detail::printable_path(file) + " holds the id " + std::to_string(tokens.sequence(i)[t]) +
                          " (sequence " + std::to_string(i) + ", position " + std::to_string(t) +
                          "); expected ids below the model's vocabulary of " + std::to_string(vocabulary));
}

}  // namespace amq
