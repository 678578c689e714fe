// SHA-256 of whatever is fed to it, in pieces of any size.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "amq/core/error.hpp"

namespace amq {

/// Incremental SHA-256 (FIPS 180-4) over OpenSSL. Pieces are not delimited: "ab" + "c" hashes as "abc".
class sha256 {
 public:
  sha256() : context_(EVP_MD_CTX_new()) {
    check(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }

  sha256& update(std::span<std::byte const> bytes) {
    check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
    return *this;
  }
  sha256& update(std::string_view text) { return update(std::as_bytes(std::span(text.data(), text.size()))); }

  /// Eight bytes, lowest first, whatever the machine.
  sha256& update(std::int64_t value) {
    std::array<std::byte, 8> bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i));
    return update(bytes);
  }

  /// A text with its length before it, so that neighbouring texts cannot be confused.
  sha256& update_delimited(std::string_view text) {
    return update(static_cast<std::int64_t>(text.size())).update(text);
  }

  /// 64 lower-case hexadecimal digits. Ends the digest: nothing may be fed afterwards.
  std::string hex() {
    std::array<unsigned char, 32> digest;
    check(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
    constexpr char const* digits = "0123456789abcdef";
    std::string text;
    for (unsigned const byte : digest) {
      text += digits[byte >> 4];
      text += digits[byte & 15u];
    }
    return text;
  }

 private:
  struct free_context {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  };

  static void check(bool succeeded) {
    if (!succeeded) throw error("SHA-256 is not available from the installed OpenSSL; fingerprints need it");
  }

  std::unique_ptr<EVP_MD_CTX, free_context> context_;
};

}  // namespace amq
