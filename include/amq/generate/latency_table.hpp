// How long decoding takes: seconds of each product of one token by shape and format, and of everything else.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/core/matrix.hpp"
#include "amq/io/atomic_file.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/io/json.hpp"

namespace amq {

/// Where and how a table was measured; times say nothing of other machines.
struct latency_conditions {
  std::string machine;
  std::string version;
  std::string precision;
  int threads = 1;
  index context = 0;  ///< tokens in the cache while decoding
  int blocks = 0;     ///< that were run
  std::string clock = "wall";

  bool operator==(latency_conditions const&) const = default;
};

/// Seconds of decoding a token: a product for each linear layer, by (rows, cols, format), something for each block, and
/// something for each pass.
class latency_table {
 public:
  latency_table(latency_conditions conditions, double pass_seconds, double block_seconds)
      : conditions_(std::move(conditions)), pass_seconds_(pass_seconds), block_seconds_(block_seconds) {}

  latency_conditions const& conditions() const { return conditions_; }
  double pass_seconds() const { return pass_seconds_; }    ///< final norm and head
  double block_seconds() const { return block_seconds_; }  ///< norms, attention and what else is no product
  std::size_t size() const { return products_.size(); }

  /// The later one counts where there are two.
  void set(index rows, index cols, format f, double seconds) { products_[{rows, cols, spelling(f)}] = seconds; }

  bool has(index rows, index cols, format f) const { return products_.contains({rows, cols, spelling(f)}); }

  /// Throws input_error, with the formats that were measured at this shape, for what was not.
  double product(index rows, index cols, format f) const {
    auto const found = products_.find({rows, cols, spelling(f)});
    if (found != products_.end()) return found->second;
    std::string known;
    for (auto const& [key, seconds] : products_)
      if (std::get<0>(key) == rows && std::get<1>(key) == cols) known += (known.empty() ? "" : ", ") + std::get<2>(key);
    throw input_error("the profile has no time for (" + std::to_string(rows) + ", " + std::to_string(cols) + ") as " +
                      spelling(f) + (known.empty() ? ", nor for that shape in any format" : ", only as " + known) +
                      "; profile this model with all formats that are to be searched");
  }

  /// What is the same for every configuration of a model with so many blocks.
  double rest_seconds(int blocks) const { return pass_seconds_ + block_seconds_ * blocks; }

  /// Predicted seconds a token of a model with these layers, a format each. O(layers). Throws input_error as product().
  double token_seconds(std::span<linear_layer const> layers, std::span<format const> formats) const {
    AMQ_EXPECTS(layers.size() == formats.size(), "a latency is predicted for one format a layer");
    double sum = 0;
    int blocks = 0;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      sum += product(layers[i].rows, layers[i].cols, formats[i]);
      blocks = std::max(blocks, layers[i].block + 1);
    }
    return sum + rest_seconds(blocks);
  }

  nlohmann::ordered_json to_json() const {
    nlohmann::ordered_json json{{"machine", conditions_.machine},     {"version", conditions_.version},
                                {"precision", conditions_.precision}, {"threads", conditions_.threads},
                                {"context", conditions_.context},     {"blocks", conditions_.blocks},
                                {"clock", conditions_.clock},         {"pass_seconds", pass_seconds_},
                                {"block_seconds", block_seconds_},    {"products", nlohmann::ordered_json::array()}};
    for (auto const& [key, seconds] : products_)
      json["products"].push_back(
          {{"rows", std::get<0>(key)}, {"cols", std::get<1>(key)}, {"format", std::get<2>(key)}, {"seconds", seconds}});
    return json;
  }

  void save(std::filesystem::path const& file) const { write_file(file, to_json().dump(1) + "\n"); }

  static latency_table load(std::filesystem::path const& file) { return parse(load_json(file), file); }

  /// What to_json() wrote. Throws input_error for keys that are missing or wrong; `file` names the source.
  static latency_table parse(nlohmann::json const& json, std::filesystem::path const& file) {
    latency_conditions from{require<std::string>(json, "machine", file),   require<std::string>(json, "version", file),
                            require<std::string>(json, "precision", file), require<int>(json, "threads", file),
                            require<index>(json, "context", file),         require<int>(json, "blocks", file),
                            require<std::string>(json, "clock", file)};
    expect_between(from.threads, 1, 1 << 20, "threads", file);
    expect_between(from.blocks, 1, 1 << 20, "blocks", file);
    expect_between(from.context, index{0}, index{1} << 40, "context", file);
    latency_table table(std::move(from), seconds_of(json, "pass_seconds", file),
                        seconds_of(json, "block_seconds", file));
    auto const found = json.find("products");
    if (found == json.end() || !found->is_array())
      throw input_error(detail::printable_path(file) + " lacks the list 'products'; expected what `amq profile` wrote");
    for (auto const& each : *found) {
      auto const text = require<std::string>(each, "format", file);
      auto const f = parse_format(text);
      if (!f)
        throw input_error(detail::printable_path(file) + ": '" + detail::printable(text) +
                          "' is no format; expected spellings such as 3g128 or kept16");
      auto const size = [&](char const* key) {
        return expect_between(require<index>(each, key, file), index{1}, index{1} << 40, key, file);
      };
      table.set(size("rows"), size("cols"), *f, seconds_of(each, "seconds", file));
    }
    return table;
  }

 private:
  static double seconds_of(nlohmann::json const& object, char const* key, std::filesystem::path const& file) {
    return expect_between(require<double>(object, key, file), 0.0, 1e6, key, file);
  }

  latency_conditions conditions_;
  double pass_seconds_;
  double block_seconds_;
  std::map<std::tuple<index, index, std::string>, double> products_;
};

}  // namespace amq
