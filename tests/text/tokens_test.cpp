#include "amq/text/tokens.hpp"

#include <numeric>

#include "support/files.hpp"

using namespace amq_test;

namespace {

/// Ids 0, 1, ..., n - 1, so that an id tells where it came from.
template <class Id>
std::string counting(int n) {
  std::string bytes;
  for (int i = 0; i < n; ++i) bytes += bytes_of(static_cast<Id>(i));
  return bytes;
}

std::string npy_i4(std::string const& shape, std::string const& data) {
  std::string const header = "{'descr': '<i4', 'fortran_order': False, 'shape': " + shape + ", }\n";
  return std::string("\x93NUMPY\x01\0", 8) + bytes_of(static_cast<std::uint16_t>(header.size())) + header + data;
}

std::string load_refusal(std::filesystem::path const& path, amq::token_options options) {
  return refusal([&] { amq::load_tokens(path, options); });
}

}  // namespace

TEST_CASE("of N flat tokens sequence i of n starts at floor(i N / n)", "[text]") {
  scratch_folder const folder;
  for (auto const& path :
       {folder.write("a.u16", counting<std::uint16_t>(11)), folder.write("a.u32", counting<std::uint32_t>(11)),
        folder.write("a.npy", npy_i4("(11,)", counting<std::int32_t>(11)))}) {
    auto const tokens = amq::load_tokens(path, {.sequences = 3, .sequence_length = 3});
    REQUIRE(tokens.count() == 3);
    REQUIRE(tokens.length() == 3);
    CHECK(tokens.sequence(0)[0] == 0);
    CHECK(tokens.sequence(1)[0] == 3);
    CHECK(tokens.sequence(2)[0] == 7);
    CHECK(tokens.sequence(2)[2] == 9);
  }
}

TEST_CASE("of R rows sequence i of n is the beginning of row floor(i R / n)", "[text]") {
  scratch_folder const folder;
  auto const path = folder.write("a.npy", npy_i4("(5, 4)", counting<std::int32_t>(20)));
  auto const tokens = amq::load_tokens(path, {.sequences = 3, .sequence_length = 2});
  CHECK(tokens.sequence(0)[0] == 0);
  CHECK(tokens.sequence(1)[0] == 4);
  CHECK(tokens.sequence(2)[0] == 12);
  CHECK(tokens.sequence(2)[1] == 13);
}

TEST_CASE("exactly enough tokens are enough, one fewer are not", "[text]") {
  scratch_folder const folder;
  auto const path = folder.write("a.u16", counting<std::uint16_t>(12));
  CHECK(amq::load_tokens(path, {.sequences = 3, .sequence_length = 4}).sequence(2)[3] == 11);
  CHECK(lacks(load_refusal(path, {.sequences = 3, .sequence_length = 5}),
              {"a.u16 holds 12 tokens", "3 sequences of 5 tokens"}) == "");
  CHECK(lacks(load_refusal(path, {.sequences = 13, .sequence_length = 1}), {"holds 12 tokens", "13 sequences"}) == "");
  CHECK(lacks(load_refusal(path, {.sequences = 2147483647, .sequence_length = 2147483647}), {"holds 12 tokens"}) == "");
}

TEST_CASE("of a matrix there must be enough rows, and long enough ones", "[text]") {
  scratch_folder const folder;
  auto const path = folder.write("a.npy", npy_i4("(3, 4)", counting<std::int32_t>(12)));
  CHECK(lacks(load_refusal(path, {.sequences = 4, .sequence_length = 2}), {"a.npy holds 3 rows", "4 sequences"}) == "");
  CHECK(lacks(load_refusal(path, {.sequences = 3, .sequence_length = 5}), {"rows of 4 tokens", "of 5 tokens"}) == "");
}

TEST_CASE("sequences or lengths below one are refused", "[text]") {
  scratch_folder const folder;
  auto const path = folder.write("a.u16", counting<std::uint16_t>(12));
  CHECK(lacks(load_refusal(path, {.sequences = 0, .sequence_length = 5}), {"a.u16", "sequences = 0", "at least 1"}) ==
        "");
  CHECK(lacks(load_refusal(path, {.sequences = -2, .sequence_length = 5}), {"sequences = -2"}) == "");
  CHECK(lacks(load_refusal(path, {.sequences = 1, .sequence_length = 0}), {"length = 0", "at least 1"}) == "");
}

TEST_CASE("a token file must exist, hold something, be whole and of a known kind", "[text]") {
  scratch_folder const folder;
  CHECK(lacks(load_refusal(folder.path() / "none.u16", {}), {"none.u16", "No such file", "a token file"}) == "");
  CHECK(lacks(load_refusal(folder.write("empty.u16", ""), {}), {"empty.u16 is empty"}) == "");
  CHECK(lacks(load_refusal(folder.write("a.u16", "123"), {}), {"a.u16 has 3 bytes", "multiple of 2"}) == "");
  CHECK(lacks(load_refusal(folder.write("a.u32", "123456"), {}), {"a.u32 has 6 bytes", "multiple of 4"}) == "");
  CHECK(lacks(load_refusal(folder.write("a.txt", "123"), {}), {"a.txt", "'.txt'", ".npy, .u16 or .u32"}) == "");
  CHECK(lacks(load_refusal(folder.write("zero.npy", npy_i4("(0, 4)", "")), {}), {"zero.npy holds no tokens"}) == "");
}

TEST_CASE("ids below zero and beyond int32 are refused with their place", "[text]") {
  scratch_folder const folder;
  auto const negative = folder.write("a.npy", npy_i4("(2,)", bytes_of(5) + bytes_of(-1)));
  CHECK(lacks(load_refusal(negative, {.sequences = 1, .sequence_length = 2}), {"a.npy", "id -1 at position 1"}) == "");
  auto const huge = folder.write("a.u32", bytes_of(4000000000u));
  CHECK(lacks(load_refusal(huge, {.sequences = 1, .sequence_length = 1}), {"a.u32", "id 4000000000 at position 0"}) ==
        "");
}

TEST_CASE("ids beyond the vocabulary and sequences beyond the model's maximum are refused", "[text]") {
  scratch_folder const folder;
  auto const tokens =
      amq::load_tokens(folder.write("a.u16", counting<std::uint16_t>(12)), {.sequences = 3, .sequence_length = 4});
  CHECK_NOTHROW(amq::check_tokens(tokens, 12, 4, "a.u16"));
  CHECK(lacks(refusal([&] { amq::check_tokens(tokens, 10, 4, "a.u16"); }),
              {"a.u16 holds the id 10", "sequence 2, position 2", "vocabulary of 10"}) == "");
  CHECK(lacks(refusal([&] { amq::check_tokens(tokens, 12, 3, "a.u16"); }), {"a.u16", "of 4 tokens", "at most 3"}) ==
        "");
}

TEST_CASE("the fingerprint is of the selected tokens and their shape", "[text]") {
  scratch_folder const folder;
  auto const narrow = folder.write("a.u16", counting<std::uint16_t>(12));
  auto const wide = folder.write("a.u32", counting<std::uint32_t>(12));
  amq::token_options const options{.sequences = 3, .sequence_length = 4};
  auto const print = amq::load_tokens(narrow, options).fingerprint();
  CHECK(print.size() == 64);
  CHECK(print == amq::load_tokens(wide, options).fingerprint());
  CHECK(print != amq::load_tokens(narrow, {.sequences = 4, .sequence_length = 3}).fingerprint());
  CHECK(print != amq::load_tokens(narrow, {.sequences = 2, .sequence_length = 4}).fingerprint());
}

TEST_CASE("the tiny model's calibration tokens are the same in both files", "[text]") {
  std::string const data = AMQ_TEST_DATA;
  if (data.empty()) {
    WARN("skipped: AMQ_TEST_DATA is not set");
    return;
  }
  auto const raw = amq::load_tokens(data + "/data/tokens/books.calibration16.tiny.u16");
  CHECK(raw.count() == 16);
  CHECK(raw.length() == 256);
  CHECK_NOTHROW(amq::check_tokens(raw, 2048, 256, "books.calibration16.tiny.u16"));
}
