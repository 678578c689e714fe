// UTF-8 read and written one code point at a time, and what stands in for bytes that are none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace amq::detail {

/// What begins at one byte of a text. Where that is no UTF-8, `value` is U+FFFD and `length` the bytes it stands for:
/// the longest beginning of a code point, at least one (Unicode 15, section 3.9, "maximal subparts").
struct utf8_scalar {
  char32_t value;
  std::size_t length;
  bool valid;
};

inline utf8_scalar read_scalar(std::string_view text, std::size_t at) {
  auto const byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u; };
  unsigned const lead = byte(0);
  if (lead < 0x80u) return {lead, 1, true};
  if (lead < 0xC2u || lead > 0xF4u) return {0xFFFD, 1, false};
  std::size_t const length = lead < 0xE0u ? 2 : lead < 0xF0u ? 3 : 4;
  // The second byte excludes overlong forms, surrogates and what lies beyond U+10FFFF.
  unsigned low = lead == 0xE0u ? 0xA0u : lead == 0xF0u ? 0x90u : 0x80u;
  unsigned high = lead == 0xEDu ? 0x9Fu : lead == 0xF4u ? 0x8Fu : 0xBFu;
  char32_t value = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if (byte(i) < low || byte(i) > high) return {0xFFFD, i, false};
    value = value << 6 | (byte(i) & 0x3Fu);
    low = 0x80u;
    high = 0xBFu;
  }
  return {value, length, true};
}

inline void append_scalar(std::string& text, char32_t value) {
  auto const put = [&](char32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (value < 0x80) return put(value);
  if (value < 0x800) {
    put(0xC0 | value >> 6);
  } else {
    if (value < 0x10000) {
      put(0xE0 | value >> 12);
    } else {
      put(0xF0 | value >> 18);
      put(0x80 | (value >> 12 & 0x3F));
    }
    put(0x80 | (value >> 6 & 0x3F));
  }
  put(0x80 | (value & 0x3F));
}

/// Position of the first byte that is no UTF-8, or npos. O(size).
inline std::size_t first_invalid(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    auto const scalar = read_scalar(text, at);
    if (!scalar.valid) return at;
    at += scalar.length;
  }
  return std::string_view::npos;
}

/// The text with U+FFFD for every maximal subpart that is no UTF-8. O(size).
inline std::string replace_invalid(std::string_view bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size();) {
    auto const scalar = read_scalar(bytes, at);
    append_scalar(text, scalar.value);
    at += scalar.length;
  }
  return text;
}

/// Unicode's White_Space property (PropList.txt).
inline bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/// The code point that ends before `end` (> 0).
inline utf8_scalar read_scalar_before(std::string_view text, std::size_t end) {
  std::size_t start = end - 1;
  while (start > 0 && end - start < 4 && (static_cast<unsigned char>(text[start]) & 0xC0u) == 0x80u) --start;
  return read_scalar(text.substr(0, end), start);
}

}  // namespace amq::detail
