// Reads one golden case: its tensors, in float64 where golden.json has them so.
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "amq/core/matrix.hpp"

namespace amq::testing {

class golden_case {
 public:
  /// Of tests/data, or of another folder with topics.
  golden_case(std::string const& topic, std::string const& name, std::string const& topics = AMQ_TESTS_FOLDER "/data") {
    std::string const folder = topics + "/" + topic + "/";
    std::ifstream file(folder + name + ".safetensors", std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    if (bytes_.size() < 8) throw std::runtime_error("no golden case " + folder + name);
    std::uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), 8);
    header_ = nlohmann::json::parse(bytes_.substr(8, length));
    data_ = 8 + length;
    std::ifstream index_file(folder + "golden.json");
    auto const contents = nlohmann::json::parse(index_file);
    for (auto const& entry : contents.at("cases"))
      if (entry.at("file") == name + ".safetensors") {
        if (entry.contains("float64")) exact_ = entry.at("float64");
        arguments_ = entry.value("args", nlohmann::json::object());
      }
  }

  /// All values of a tensor, row-major.
  std::vector<double> values(std::string const& tensor) const {
    std::vector<double> result;
    if (exact_.contains(tensor)) {
      for (auto const& value : exact_.at(tensor)) result.push_back(number(value));
      return result;
    }
    auto const& entry = header_.at(tensor);
    auto const first = data_ + entry.at("data_offsets").at(0).get<std::size_t>();
    auto const last = data_ + entry.at("data_offsets").at(1).get<std::size_t>();
    std::string const type = entry.at("dtype");
    if (type == "F32") append<float>(first, last, result);
    if (type == "I32") append<std::int32_t>(first, last, result);
    if (type == "I64") append<std::int64_t>(first, last, result);
    if (type == "U8") append<std::uint8_t>(first, last, result);
    return result;
  }

  /// A tensor of two dimensions.
  matrix<double> table(std::string const& tensor) const {
    auto const& shape = header_.at(tensor).at("shape");
    matrix<double> result(shape.at(0).get<index>(), shape.at(1).get<index>());
    auto const all = values(tensor);
    std::copy(all.begin(), all.end(), result.data());
    return result;
  }

  /// What the peer was run with.
  nlohmann::json const& arguments() const { return arguments_; }

  bool contains(std::string const& tensor) const { return header_.contains(tensor); }

 private:
  static double number(nlohmann::json const& value) {
    return value.is_string() ? std::numeric_limits<double>::infinity() : value.get<double>();
  }
  template <class T>
  void append(std::size_t first, std::size_t last, std::vector<double>& result) const {
    for (std::size_t at = first; at < last; at += sizeof(T)) {
      T value;
      std::memcpy(&value, bytes_.data() + at, sizeof(T));
      result.push_back(static_cast<double>(value));
    }
  }

  std::string bytes_;
  nlohmann::json header_;
  nlohmann::json exact_ = nlohmann::json::object();
  nlohmann::json arguments_ = nlohmann::json::object();
  std::size_t data_ = 0;
};

}  // namespace amq::testing
