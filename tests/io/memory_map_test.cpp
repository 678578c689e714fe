#include "amq/io/memory_map.hpp"

#include "support/files.hpp"

using namespace amq_test;

TEST_CASE("a mapped file has the file's bytes, and keeps them when moved", "[io]") {
  scratch_folder const folder;
  amq::mapped_file first(folder.write("some", "abc"));
  auto const* const address = first.bytes().data();
  amq::mapped_file const second(std::move(first));
  REQUIRE(second.bytes().size() == 3);
  CHECK(second.bytes().data() == address);
  CHECK(second.bytes()[2] == std::byte{'c'});
  CHECK(first.bytes().empty());
}

TEST_CASE("a missing file, an empty one, a folder and a device are each refused with what was expected", "[io]") {
  scratch_folder const folder;
  auto const map = [](std::filesystem::path const& path) {
    return refusal([&] { amq::mapped_file(path, "a token file"); });
  };
  CHECK(lacks(map(folder.path() / "none"), {"none", "No such file", "expected a token file"}) == "");
  CHECK(lacks(map(folder.write("empty", "")), {"empty is empty", "expected a token file"}) == "");
  CHECK(lacks(map(folder.path()), {"is a folder", "expected a token file"}) == "");
  CHECK(lacks(map("/dev/null"), {"/dev/null is not a regular file"}) == "");
}

TEST_CASE("names from outside are shown on one line and cut", "[io]") {
  CHECK(amq::detail::printable("a\nb\x1b[31m") == "a?b?[31m");
  CHECK(amq::detail::printable(std::string(200, 'x'), 10) == "xxxxxxxxxx...");
  CHECK(amq::detail::printable("1234\xc3\xa4", 5) == "1234...");
  CHECK(amq::detail::printable_path("/a/long/path/file", 5) == ".../file");
}
