// The alphabet of byte-level tokenizers: every byte as a printable character of its own (GPT-2, Radford et al. 2019).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "amq/text/detail/utf8.hpp"

namespace amq::detail {

/// Bytes that are printable in Latin-1 stand for themselves; the 68 others are U+0100, U+0101, ... in their order.
class byte_alphabet {
 public:
  byte_alphabet() {
    bytes_.fill(-1);
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      bool const printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
      char32_t const character = printable ? byte : next++;
      append_scalar(characters_[byte], character);
      bytes_[character] = static_cast<int>(byte);
    }
  }

  void append_encoded(std::string_view bytes, std::string& text) const {
    for (char const byte : bytes) text += characters_[static_cast<unsigned char>(byte)];
  }

  /// The bytes that a text of this alphabet stands for; nothing where another character occurs.
  std::optional<std::string> decoded(std::string_view text) const {
    std::string bytes;
    for (std::size_t at = 0; at < text.size();) {
      auto const scalar = read_scalar(text, at);
      if (!scalar.valid || scalar.value >= bytes_.size() || bytes_[scalar.value] < 0) return std::nullopt;
      bytes += static_cast<char>(static_cast<unsigned char>(bytes_[scalar.value]));
      at += scalar.length;
    }
    return bytes;
  }

 private:
  std::array<std::string, 256> characters_;
  std::array<int, 0x100 + 68> bytes_;
};

}  // namespace amq::detail
