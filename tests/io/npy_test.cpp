#include "amq/io/npy.hpp"

#include "support/files.hpp"

using namespace amq_test;

namespace {

std::string dictionary(std::string const& type, std::string const& shape, std::string const& order = "False") {
  return "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

std::string npy(std::string const& header, std::string const& data, int version = 1) {
  std::string const length = version == 1 ? bytes_of(static_cast<std::uint16_t>(header.size()))
                                          : bytes_of(static_cast<std::uint32_t>(header.size()));
  return std::string("\x93NUMPY") + static_cast<char>(version) + '\0' + length + header + data;
}

std::string npy_refusal(std::string const& bytes) {
  scratch_folder const folder;
  auto const path = folder.write("tokens.npy", bytes);
  return refusal([&] { amq::npy_integers array(path); });
}

/// `value` in `width` bytes, highest first if asked.
std::string integer(std::int64_t value, std::size_t width, bool big_endian) {
  std::string bytes = bytes_of(value).substr(0, width);
  if (big_endian) std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

}  // namespace

TEST_CASE("every integer type in both byte orders", "[io]") {
  scratch_folder const folder;
  for (char const order : {'<', '>'})
    for (char const kind : {'i', 'u'})
      for (std::size_t const width : {1u, 2u, 4u, 8u}) {
        auto const type = std::string(1, order) + kind + std::to_string(width);
        INFO(type);
        std::int64_t const low = kind == 'i' ? -3 : 200;
        auto const data = integer(low, width, order == '>') + integer(100, width, order == '>');
        amq::npy_integers const array(folder.write("a.npy", npy(dictionary(type, "(2,)"), data)));
        REQUIRE(array.size() == 2);
        CHECK(array[0] == low);
        CHECK(array[1] == 100);
      }
}

TEST_CASE("the extremes of the widest types", "[io]") {
  scratch_folder const folder;
  auto const lowest = std::numeric_limits<std::int64_t>::min();
  amq::npy_integers const negative(folder.write("a.npy", npy(dictionary("<i8", "(1,)"), bytes_of(lowest))));
  CHECK(negative[0] == lowest);
  amq::npy_integers const huge(folder.write("b.npy", npy(dictionary("<u8", "(1,)"), bytes_of(~std::uint64_t{0}))));
  CHECK(huge[0] == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("format versions 1 to 3, single-byte types and two dimensions", "[io]") {
  scratch_folder const folder;
  for (int version : {1, 2, 3}) {
    amq::npy_integers const array(folder.write("a.npy", npy(dictionary("|u1", "(2, 3)"), "\1\2\3\4\5\6", version)));
    REQUIRE(array.shape().size() == 2);
    CHECK(array.shape()[1] == 3);
    CHECK(array[5] == 6);
  }
}

TEST_CASE("a flat array may be called column-major, a matrix may not", "[io]") {
  scratch_folder const folder;
  CHECK(amq::npy_integers(folder.write("a.npy", npy(dictionary("|u1", "(2,)", "True"), "\1\2"))).size() == 2);
  CHECK(lacks(npy_refusal(npy(dictionary("|u1", "(2, 1)", "True"), "\1\2")),
              {"tokens.npy", "fortran_order", "np.ascontiguousarray"}) == "");
}

TEST_CASE("what is not a .npy file of integers is refused", "[io]") {
  CHECK(lacks(npy_refusal("hello, world"), {"tokens.npy does not begin with NumPy's mark"}) == "");
  CHECK(lacks(npy_refusal(npy(dictionary("|u1", "(1,)"), "\1", 4)), {"format version 4", "expected"}) == "");
  CHECK(lacks(npy_refusal(npy(dictionary("<f4", "(1,)"), "\1\1\1\1")), {"'<f4'", "expected integers"}) == "");
  CHECK(lacks(npy_refusal(npy(dictionary("|b1", "(1,)"), "\1")), {"'|b1'", "expected integers"}) == "");
  CHECK(lacks(npy_refusal(npy(dictionary("|u1", "()"), "\1")), {"0 dimensions", "one or two"}) == "");
  CHECK(lacks(npy_refusal(npy(dictionary("|u1", "(1, 1, 1)"), "\1")), {"3 dimensions", "one or two"}) == "");
}

TEST_CASE("data that disagrees with the shape is refused", "[io]") {
  CHECK(lacks(npy_refusal(npy(dictionary("<u2", "(2,)"), "\1\1\1")), {"3 bytes of data", "2 bytes an item"}) == "");
  CHECK(lacks(npy_refusal(npy(dictionary("|u1", "(2,)"), "\1")), {"1 bytes of data", "cut short"}) == "");
  CHECK(lacks(npy_refusal(npy(dictionary("|u1", "(2, 2)"), "\1\2\3\4\5")), {"5 bytes of data"}) == "");
  CHECK(lacks(npy_refusal(npy(dictionary("|u1", "(4294967296, 4294967296)"), "\1")), {"1 bytes of data"}) == "");
  CHECK(lacks(npy_refusal(npy(dictionary("|u1", "(0, 4)"), "\1")), {"1 bytes of data"}) == "");
}

TEST_CASE("every truncation and distortion of a .npy header is refused or read, never fatal", "[io]") {
  scratch_folder const folder;
  auto const whole = npy(dictionary("<u2", "(1, 2)"), bytes_of(std::uint16_t{7}) + bytes_of(std::uint16_t{8}));
  for (std::size_t length = 1; length < whole.size(); ++length)
    CHECK(lacks(npy_refusal(whole.substr(0, length)), {"expected"}) == "");
  for (std::size_t at = 0; at + 4 < whole.size(); ++at)
    for (char const byte : {'\0', '\xff', '(', '9'}) {
      auto broken = whole;
      broken[at] = byte;
      try {
        amq::npy_integers const array(folder.write("a.npy", broken));
        CHECK(array.size() <= 4);
      } catch (amq::input_error const&) {
      }
    }
}
