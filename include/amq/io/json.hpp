// JSON files from outside: syntax, doubled keys, missing keys and wrong types end as a sentence with the file's name.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/io/memory_map.hpp"

namespace amq {
namespace detail {

/// SAX handler that only looks for the first mistake: a syntax error and its position, a key given twice, or nesting so
/// deep that writing or copying the value, which the JSON library does by recursion, could exhaust the stack.
class json_mistake {
 public:
  using json = nlohmann::json;

  std::string what;          ///< empty while all is well
  std::size_t position = 0;  ///< bytes from the start, of a syntax error

  bool null() { return true; }
  bool boolean(bool) { return true; }
  bool number_integer(json::number_integer_t) { return true; }
  bool number_unsigned(json::number_unsigned_t) { return true; }
  bool number_float(json::number_float_t, std::string const&) { return true; }
  bool string(std::string const&) { return true; }
  bool binary(json::binary_t const&) { return true; }
  bool start_array(std::size_t) { return descend(); }
  bool end_array() { return ascend(); }
  bool start_object(std::size_t) {
    keys_.emplace_back();
    return descend();
  }
  bool end_object() {
    keys_.pop_back();
    return ascend();
  }
  bool key(std::string const& name) {
    if (keys_.back().insert(name).second) return true;
    what = "has the key '" + printable(name) + "' twice";
    return false;
  }
  bool parse_error(std::size_t at, std::string const&, json::exception const&) {
    position = at;
    what = "is not valid JSON";
    return false;
  }

 private:
  static constexpr int deepest = 200;

  bool descend() {
    if (++depth_ <= deepest) return true;
    what = "is nested more than " + std::to_string(deepest) + " levels deep";
    return false;
  }
  bool ascend() {
    --depth_;
    return true;
  }

  std::vector<std::set<std::string>> keys_;
  int depth_ = 0;
};

template <class T>
bool json_holds(nlohmann::json const& value) {
  if constexpr (std::is_same_v<T, bool>) return value.is_boolean();
  if constexpr (std::is_same_v<T, std::string>) return value.is_string();
  if constexpr (std::is_floating_point_v<T>) return value.is_number();
  if constexpr (std::integral<T> && !std::is_same_v<T, bool>) {
    if (value.is_number_unsigned()) return std::in_range<T>(value.get<std::uint64_t>());
    return value.is_number_integer() && std::in_range<T>(value.get<std::int64_t>());
  }
  return false;
}

template <class T>
constexpr char const* json_name() {
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  if constexpr (std::is_same_v<T, std::string>) return "a string";
  if constexpr (std::is_floating_point_v<T>) return "a number";
  if constexpr (std::integral<T>) return "an integer";
}

inline std::string shown(nlohmann::json const& value) {
  return printable(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), 40);
}

[[noreturn]] inline void refuse_value(std::filesystem::path const& file, std::string const& key,
                                      nlohmann::json const& value, std::string const& expected) {
  throw input_error(printable_path(file) + ": '" + key + "' is " + shown(value) + "; expected " + expected);
}

template <class T>
T json_value(nlohmann::json const& value, std::string const& key, std::filesystem::path const& file) {
  if (!json_holds<T>(value)) refuse_value(file, key, value, json_name<T>());
  return value.get<T>();
}

}  // namespace detail

/// Parses a text that came from `file`. Throws input_error for a syntax error (with its line) or a key given twice,
/// never anything of the JSON library. O(size).
inline nlohmann::json parse_json(std::string_view text, std::filesystem::path const& file) {
  detail::json_mistake mistake;
  if (!nlohmann::json::sax_parse(text, &mistake)) {
    std::string where;
    if (mistake.position > 0) {
      auto const before = text.substr(0, std::min(mistake.position, text.size()));
      where = " (line " + std::to_string(1 + std::count(before.begin(), before.end(), '\n')) + ", byte " +
              std::to_string(mistake.position) + ")";
    }
    throw input_error(detail::printable_path(file) + " " + mistake.what + where + "; expected JSON");
  }
  return nlohmann::json::parse(text, nullptr, false);
}

/// A JSON file whose outermost value is an object.
inline nlohmann::json load_json(std::filesystem::path const& file) {
  mapped_file const mapped(file, "a JSON file");
  auto const bytes = mapped.bytes();
  auto parsed = parse_json({reinterpret_cast<char const*>(bytes.data()), bytes.size()}, file);
  if (!parsed.is_object())
    throw input_error(detail::printable_path(file) + " holds " + detail::shown(parsed) + "; expected a JSON object");
  return parsed;
}

/// The value of a key that must be there, as bool, an integer type, double or std::string.
template <class T>
T require(nlohmann::json const& object, std::string const& key, std::filesystem::path const& file) {
  auto const found = object.find(key);
  if (found == object.end())
    throw input_error(detail::printable_path(file) + " lacks the key '" + key + "'; expected " +
                      detail::json_name<T>());
  return detail::json_value<T>(*found, key, file);
}

/// As `require`, but a key that is absent or null gives `otherwise`.
template <class T>
T get_or(nlohmann::json const& object, std::string const& key, T otherwise, std::filesystem::path const& file) {
  auto const found = object.find(key);
  if (found == object.end() || found->is_null()) return otherwise;
  return detail::json_value<T>(*found, key, file);
}

/// The value, when it lies in [low, high]; otherwise throws input_error with key and range.
template <class T>
T expect_between(T value, T low, T high, std::string const& key, std::filesystem::path const& file) {
  if (!(value >= low && value <= high))
    detail::refuse_value(file, key, value, "a value from " + detail::shown(low) + " to " + detail::shown(high));
  return value;
}

}  // namespace amq
