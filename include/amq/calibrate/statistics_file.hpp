// Calibration statistics in a safetensors file, with fingerprints of the model and the tokens that they came from.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/calibrate/statistics.hpp"
#include "amq/core/error.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/io/safetensors.hpp"
#include "amq/io/safetensors_writer.hpp"

namespace amq {

/// What statistics were computed from: `model.fingerprint()` and `tokens.fingerprint()`.
struct statistics_origin {
  std::string model;
  std::string tokens;
};

namespace detail {

inline constexpr char const* statistics_kind = "amq calibration statistics 1";

/// Reads and checks one file.
class statistics_reader {
 public:
  explicit statistics_reader(std::filesystem::path const& path) : file_(path) {
    for (auto const& tensor : file_.tensors()) tensors_[tensor.name] = &tensor;
    if (text("kind") != statistics_kind) refuse("is of the kind '" + printable(text("kind")) + "'", statistics_kind);
  }

  /// Whether the fingerprint under `key` is `wanted`; `others` says what the file is of when it is not.
  void check(char const* key, std::string const& wanted, char const* others) const {
    if (text(key) == wanted) return;
    throw input_error(printable_path(file_.path()) + " holds calibration statistics of " + others + " (fingerprint " +
                      printable(text(key)).substr(0, 12) + ", expected " + wanted.substr(0, 12) +
                      "); remove the file, and they are collected anew");
  }

  calibration_statistics read() const {
    std::vector<input_statistics> inputs;
    index const count = number(text("inputs"));
    for (index i = 0; i < count; ++i) inputs.push_back(input("input." + std::to_string(i) + "."));
    return calibration_statistics(std::move(inputs));
  }

 private:
  [[noreturn]] void refuse(std::string const& found, std::string const& expected) const {
    throw input_error(printable_path(file_.path()) + " " + found + "; expected " + expected);
  }

  std::string text(std::string const& key) const {
    auto const found = file_.metadata().find(key);
    if (found == file_.metadata().end()) refuse("lacks '" + key + "' in its metadata", statistics_kind);
    return found->second;
  }

  index number(std::string_view digits) const {
    index value = 0;
    auto const [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failure != std::errc{} || end != digits.data() + digits.size() || value < 0 || value > most)
      refuse("has '" + printable(std::string(digits)) + "' in its metadata",
             "a number from 0 to " + std::to_string(most));
    return value;
  }

  std::vector<index> numbers(std::string const& list) const {
    std::vector<index> values;
    for (std::size_t first = 0; first <= list.size();) {
      std::size_t const end = std::min(list.find(' ', first), list.size());
      values.push_back(number(std::string_view(list).substr(first, end - first)));
      first = end + 1;
    }
    return values;
  }

  /// A tensor of two dimensions, or one of which is left out; (0, 0) where there is none.
  matrix<float> values(std::string const& name) const {
    auto const found = tensors_.find(name);
    if (found == tensors_.end()) return {};
    auto const& tensor = *found->second;
    if (tensor.type != dtype::f32 || tensor.shape.empty() || tensor.shape.size() > 2)
      refuse("has an unexpected '" + name + "'", "a vector or a matrix in F32");
    matrix<float> result(tensor.shape.size() == 2 ? tensor.shape[0] : 1, tensor.shape.back());
    to_f32(tensor, {result.data(), static_cast<std::size_t>(result.size())});
    return result;
  }

  std::vector<float> channels(std::string const& name) const {
    auto const read = values(name);
    return {read.data(), read.data() + read.size()};
  }

  input_statistics input(std::string const& prefix) const {
    input_statistics result;
    result.layers = numbers(text(prefix + "layers"));
    result.tokens = number(text(prefix + "tokens"));
    result.sequences = number(text(prefix + "sequences"));
    result.mean_absolute = channels(prefix + "mean_absolute");
    result.channel_norms = channels(prefix + "channel_norms");
    result.hessian = values(prefix + "hessian");
    result.inputs = values(prefix + "inputs");
    index const cols = result.cols();
    bool const square = result.hessian.rows() == result.hessian.cols();
    if (std::ssize(result.channel_norms) != cols || !square ||
        (result.hessian.size() > 0 && result.hessian.cols() != cols) ||
        (result.inputs.size() > 0 && result.inputs.cols() != cols))
      refuse("has statistics of different widths under '" + prefix + "'", "one width for each input");
    return result;
  }

  static constexpr index most = 1'000'000'000;

  safetensors_file file_;
  std::map<std::string, tensor_view const*> tensors_;
};

inline std::string joined(std::vector<index> const& numbers) {
  std::string list;
  for (index const number : numbers) list += (list.empty() ? "" : " ") + std::to_string(number);
  return list;
}

}  // namespace detail

/// Written beside the target and renamed. The drift is not stored: the unquantized model has none. 4 cols^2 bytes an
/// input. Throws input_error where the disk refuses.
inline void save_statistics(std::filesystem::path const& path, calibration_statistics const& statistics,
                            statistics_origin const& origin) {
  safetensors_writer::texts texts{{"kind", detail::statistics_kind},
                                  {"model", origin.model},
                                  {"tokens", origin.tokens},
                                  {"inputs", std::to_string(statistics.inputs().size())}};
  std::vector<tensor_header> headers;
  std::vector<std::span<float const>> data;
  auto const add = [&](std::string name, std::vector<index> shape, std::span<float const> values) {
    if (values.empty()) return;
    headers.push_back({std::move(name), dtype::f32, std::move(shape)});
    data.push_back(values);
  };
  auto const add_matrix = [&](std::string name, matrix<float> const& values) {
    add(std::move(name), {values.rows(), values.cols()}, {values.data(), static_cast<std::size_t>(values.size())});
  };
  for (std::size_t i = 0; i < statistics.inputs().size(); ++i) {
    auto const& input = statistics.inputs()[i];
    std::string const prefix = "input." + std::to_string(i) + ".";
    texts[prefix + "layers"] = detail::joined(input.layers);
    texts[prefix + "tokens"] = std::to_string(input.tokens);
    texts[prefix + "sequences"] = std::to_string(input.sequences);
    add(prefix + "mean_absolute", {input.cols()}, input.mean_absolute);
    add(prefix + "channel_norms", {input.cols()}, input.channel_norms);
    add_matrix(prefix + "hessian", input.hessian);
    add_matrix(prefix + "inputs", input.inputs);
  }
  safetensors_writer writer(path, std::move(headers), texts);
  for (auto const values : data) writer.write(std::as_bytes(values));
  writer.commit();
}

/// Throws input_error for a file that is missing, malformed, or of another model or other tokens than `origin`.
inline calibration_statistics load_statistics(std::filesystem::path const& path, statistics_origin const& origin) {
  detail::statistics_reader const reader(path);
  reader.check("model", origin.model, "another model");
  reader.check("tokens", origin.tokens, "other tokens");
  return reader.read();
}

}  // namespace amq
