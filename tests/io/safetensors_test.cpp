#include "amq/io/safetensors.hpp"

#include <cmath>

#include "amq/core/random.hpp"
#include "support/files.hpp"

using namespace amq_test;

namespace {

std::string entry(std::string const& name, std::string const& dtype, std::string const& shape,
                  std::string const& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

/// What reading a file of these bytes says.
std::string bytes_refusal(std::string const& bytes) {
  scratch_folder const folder;
  auto const path = folder.write("model.safetensors", bytes);
  return refusal([&] { amq::safetensors_file file(path); });
}

std::string header_refusal(std::string const& header, std::string const& data) {
  return bytes_refusal(safetensors_bytes(header, data));
}

/// Two tensors, listed against the order of their data, metadata and padding as the format allows.
std::string good_file() {
  std::string const header = "{\"__metadata__\":{\"format\":\"pt\"}," + entry("b", "F32", "[1,2]", "[4,12]") + "," +
                             entry("a", "BF16", "[2]", "[0,4]") + "}  ";
  return safetensors_bytes(
      header, bytes_of(std::uint16_t{0x3f80}) + bytes_of(std::uint16_t{0xc000}) + bytes_of(1.5f) + bytes_of(-2.0f));
}

}  // namespace

TEST_CASE("tensors come with name, type, shape and bytes", "[io]") {
  scratch_folder const folder;
  amq::safetensors_file const file(folder.write("model.safetensors", good_file()));
  REQUIRE(file.tensors().size() == 2);
  auto const& a = file.tensors()[0];
  CHECK(a.name == "a");
  CHECK(a.type == amq::dtype::bf16);
  CHECK(a.shape == std::vector<amq::index>{2});
  auto const& b = file.tensors()[1];
  CHECK(b.shape == std::vector<amq::index>{1, 2});
  std::vector<float> values(2);
  amq::to_f32(a, values);
  CHECK(values == std::vector<float>{1.0f, -2.0f});
  amq::to_f32(b, values);
  CHECK(values == std::vector<float>{1.5f, -2.0f});
  CHECK(file.metadata().at("format") == "pt");
}

TEST_CASE("scalars and empty tensors are tensors", "[io]") {
  scratch_folder const folder;
  std::string const header = "{" + entry("s", "U8", "[]", "[0,1]") + "," + entry("e", "F32", "[3,0]", "[0,0]") + "}";
  amq::safetensors_file const file(folder.write("model.safetensors", safetensors_bytes(header, "x")));
  REQUIRE(file.tensors().size() == 2);
  CHECK(file.tensors()[0].size() == 0);
  CHECK(file.tensors()[1].size() == 1);
}

TEST_CASE("every 16-bit pattern comes out as core/half.hpp has it, also where a file leaves it unaligned", "[io]") {
  std::string bytes = "x";
  for (std::uint32_t bits = 0; bits < 65536; ++bits) bytes += bytes_of(static_cast<std::uint16_t>(bits));
  auto const data = std::as_bytes(std::span(bytes)).subspan(1);
  std::vector<float> f16(65536);
  std::vector<float> bf16(65536);
  amq::to_f32({"t", amq::dtype::f16, {65536}, data}, f16);
  amq::to_f32({"t", amq::dtype::bf16, {65536}, data}, bf16);
  std::size_t wrong = 0;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    auto const half = static_cast<std::uint16_t>(bits);
    float const a = amq::f16_to_f32(half);
    float const b = amq::bf16_to_f32(half);
    wrong += std::isnan(a) ? !std::isnan(f16[bits]) : a != f16[bits];
    wrong += std::isnan(b) ? !std::isnan(bf16[bits]) : b != bf16[bits];
  }
  CHECK(wrong == 0);
}

TEST_CASE("only numbers can be read as numbers", "[io]") {
  std::vector<std::byte> const bytes(8);
  std::vector<float> values(2);
  CHECK(lacks(refusal([&] {
                amq::to_f32({"t", amq::dtype::i32, {2}, bytes}, values);
              }),
              {"t has dtype I32", "F32"}) == "");
  CHECK(lacks(refusal<amq::precondition_error>([&] {
                amq::to_f32({"t", amq::dtype::f16, {4}, bytes}, values);
              }),
              {"t holds 4 numbers, not 2"}) == "");
}

TEST_CASE("a file that is missing or empty is refused", "[io]") {
  scratch_folder const folder;
  auto const missing = refusal([&] { amq::safetensors_file file(folder.path() / "none.safetensors"); });
  CHECK(lacks(missing, {"none.safetensors", "No such file", "a safetensors file"}) == "");
  CHECK(lacks(bytes_refusal(""), {"model.safetensors is empty", "a safetensors file"}) == "");
}

TEST_CASE("a header longer than the file is refused", "[io]") {
  CHECK(lacks(bytes_refusal("1234567"), {"has only 7 bytes"}) == "");
  CHECK(lacks(bytes_refusal(bytes_of(std::uint64_t{50}) + "{}"), {"a header of 50 bytes", "holds only 2"}) == "");
  CHECK(lacks(bytes_refusal(bytes_of(~std::uint64_t{0}) + "{}"),
              {"a header of 18446744073709551615 bytes", "at most"}) == "");
}

TEST_CASE("data that is cut short is refused with the tensor's name", "[io]") {
  CHECK(lacks(bytes_refusal(good_file().substr(0, good_file().size() - 1)),
              {"model.safetensors", "tensor 'b'", "bytes 4 to 12", "11 bytes", "cut short"}) == "");
}

TEST_CASE("a header that is not an object of tensors is refused", "[io]") {
  CHECK(lacks(header_refusal("[]", ""), {"a header that is []", "a JSON object"}) == "");
  CHECK(lacks(header_refusal("{", ""), {"is not valid JSON"}) == "");
  CHECK(lacks(header_refusal("{\"a\":3}", ""), {"tensor 'a' is 3", "dtype, shape and data_offsets"}) == "");
  CHECK(lacks(header_refusal("{\"a\":{\"dtype\":\"F32\"}}", ""), {"tensor 'a' lacks 'shape'"}) == "");
  CHECK(lacks(header_refusal("{\"__metadata__\":[]}", ""), {"__metadata__"}) == "");
  CHECK(lacks(header_refusal("{\"__metadata__\":{\"a\":1}}", ""), {"metadata 'a'", "a text"}) == "");
}

TEST_CASE("a tensor given twice is refused", "[io]") {
  auto const twice = entry("a", "U8", "[1]", "[0,1]") + "," + entry("a", "U8", "[1]", "[1,2]");
  CHECK(lacks(header_refusal("{" + twice + "}", "xy"), {"the key 'a' twice"}) == "");
}

TEST_CASE("an unknown dtype is refused by name", "[io]") {
  CHECK(lacks(header_refusal("{" + entry("a", "F8_E4M3", "[1]", "[0,1]") + "}", "x"),
              {"tensor 'a'", "unknown dtype \"F8_E4M3\"", "F32, F16, BF16"}) == "");
  CHECK(lacks(header_refusal("{\"a\":{\"dtype\":7,\"shape\":[],\"data_offsets\":[0,1]}}", "x"), {"unknown dtype 7"}) ==
        "");
}

TEST_CASE("misordered, out-of-range and malformed offsets are refused", "[io]") {
  auto const one = [](std::string const& offsets) {
    return header_refusal("{" + entry("a", "U8", "[1]", offsets) + "}", "x");
  };
  CHECK(lacks(one("[1,0]"), {"tensor 'a'", "misordered", "1 to 0"}) == "");
  CHECK(lacks(one("[1,2]"), {"tensor 'a'", "bytes 1 to 2", "1 bytes"}) == "");
  CHECK(lacks(one("[0,18446744073709551615]"), {"tensor 'a'", "18446744073709551615"}) == "");
  CHECK(lacks(one("[0]"), {"tensor 'a'", "1 numbers", "expected two"}) == "");
  CHECK(lacks(one("[-1,0]"), {"tensor 'a'", "data_offsets [-1,0]"}) == "");
  CHECK(lacks(one("[0,1.0]"), {"tensor 'a'", "data_offsets [0,1.0]"}) == "");
  CHECK(lacks(one("\"x\""), {"tensor 'a'", "data_offsets \"x\""}) == "");
}

TEST_CASE("overlapping tensors, gaps and a tail are refused", "[io]") {
  auto const two = [](std::string const& second) {
    return header_refusal("{" + entry("a", "U8", "[2]", "[0,2]") + "," + entry("b", "U8", "[2]", second) + "}", "wxyz");
  };
  CHECK(lacks(two("[1,3]"), {"model.safetensors", "tensor 'b' that overlaps tensor 'a'"}) == "");
  CHECK(lacks(two("[0,2]"), {"overlaps"}) == "");
  CHECK(lacks(header_refusal("{" + entry("a", "U8", "[2]", "[1,3]") + "}", "xyz"),
              {"1 unused bytes before tensor 'a'"}) == "");
  CHECK(lacks(header_refusal("{" + entry("a", "U8", "[2]", "[0,2]") + "}", "xyz"), {"1 bytes after the last tensor"}) ==
        "");
}

TEST_CASE("a shape that disagrees with the bytes is refused, also where the product overflows", "[io]") {
  auto const shaped = [](std::string const& shape) {
    return header_refusal("{" + entry("a", "F32", shape, "[0,8]") + "}", "12345678");
  };
  CHECK(lacks(shaped("[3]"), {"tensor 'a' has 8 bytes", "shape (3)", "F32"}) == "");
  CHECK(lacks(shaped("[1]"), {"8 bytes", "(1)"}) == "");
  CHECK(lacks(shaped("[0]"), {"8 bytes", "(0)"}) == "");
  CHECK(lacks(shaped("[4294967296,4294967296,2]"), {"8 bytes"}) == "");
  CHECK(lacks(shaped("[4611686018427387904,8]"), {"8 bytes"}) == "");
  CHECK(lacks(shaped("[18446744073709551615]"), {"extent of 18446744073709551615"}) == "");
  CHECK(lacks(shaped("[-2]"), {"shape [-2]", "not negative"}) == "");
}

TEST_CASE("hostile names end up on one short line", "[io]") {
  auto const name = std::string(2000, 'n') + "\\n\\u0007";
  CHECK(lacks(header_refusal("{" + entry(name, "X", "[1]", "[0,1]") + "}", "x"), {"nnn...", "unknown dtype"}) == "");
}

TEST_CASE("NaN and infinity are found wherever they are", "[io]") {
  auto const check = [](amq::dtype type, auto one, auto infinity, auto nan) {
    for (std::size_t const at : {0u, 4095u, 4096u, 4999u}) {
      for (auto const special : {infinity, nan}) {
        std::vector<decltype(one)> values(5000, one);
        amq::tensor_view const tensor{"t", type, {5000}, std::as_bytes(std::span(values))};
        CHECK_FALSE(amq::first_non_finite(tensor).has_value());
        values[at] = special;
        CHECK(amq::first_non_finite(tensor) == static_cast<amq::index>(at));
      }
    }
  };
  check(amq::dtype::f32, std::uint32_t{0x7f7fffff}, std::uint32_t{0xff800000}, std::uint32_t{0x7fc00000});
  check(amq::dtype::f16, std::uint16_t{0x7bff}, std::uint16_t{0x7c00}, std::uint16_t{0xfe01});
  check(amq::dtype::bf16, std::uint16_t{0x7f7f}, std::uint16_t{0xff80}, std::uint16_t{0x7fc0});
}

TEST_CASE("every truncation of a safetensors file is refused", "[io]") {
  auto const whole = good_file();
  for (std::size_t length = 0; length < whole.size(); ++length)
    CHECK(lacks(bytes_refusal(whole.substr(0, length)), {"model.safetensors", "expected"}) == "");
}

TEST_CASE("2,000 random byte flips of a safetensors file are read or refused, never fatal", "[io]") {
  scratch_folder const folder;
  amq::random_stream random(17);
  auto const whole = good_file();
  int refused = 0;
  for (int flip = 0; flip < 2000; ++flip) {
    auto bytes = whole;
    auto& byte = bytes[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(bytes.size())))];
    byte = static_cast<char>(byte ^ (1 + random.below(255)));
    try {
      amq::safetensors_file const file(folder.write("model.safetensors", bytes));
      for (auto const& tensor : file.tensors()) amq::first_non_finite(tensor);
    } catch (amq::input_error const& failure) {
      ++refused;
      CHECK(std::string(failure.what()).size() <= 600);
    }
  }
  CHECK(refused > 1000);
}
