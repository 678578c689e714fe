#include "amq/io/gguf_file.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

namespace {

amq::gguf_metadata every_kind() {
  return {{"a.u32", std::uint32_t{7}},
          {"a.i32", std::int32_t{-7}},
          {"a.f32", 0.5f},
          {"a.bool", true},
          {"a.string", std::string("two words")},
          {"a.u64", std::uint64_t{1} << 40},
          {"a.i64", -(std::int64_t{1} << 40)},
          {"a.f64", 0.1},
          {"a.strings", std::vector<std::string>{"", "x", "\xc4\xa0t"}},
          {"a.ints", std::vector<std::int32_t>{1, -2}},
          {"a.floats", std::vector<float>{0.25f}}};
}

/// Two tensors of 12 and 36 bytes.
void write_small(std::filesystem::path const& path) {
  amq::gguf_writer writer(path, every_kind(),
                          {{"norm", amq::gguf_type::f32, {3}}, {"matrix", amq::gguf_type::q4_0, {2, 32}}});
  std::vector<std::byte> bytes(36, std::byte{1});
  writer.write(std::span(bytes).first(12));
  writer.write(std::span(bytes).first(18));
  writer.write(std::span(bytes).first(18));
  writer.commit();
}

}  // namespace

TEST_CASE("A GGUF file is read back as it was written: every kind of value, names, types, shapes and bytes") {
  amq_test::scratch_folder const folder;
  write_small(folder.path() / "small.gguf");
  amq::gguf_file const file(folder.path() / "small.gguf");
  CHECK(file.metadata() == every_kind());
  REQUIRE(file.tensors().size() == 2);
  auto const& matrix = file.tensor("matrix");
  CHECK(matrix.type == amq::gguf_type::q4_0);
  CHECK(matrix.shape == std::vector<amq::index>{2, 32});
  CHECK(matrix.data.size() == 36);
  CHECK(matrix.data.front() == std::byte{1});
  CHECK(matrix.data.back() == std::byte{1});
  CHECK(matrix.data.data() - file.tensor("norm").data.data() == 32);
  auto const bytes = amq_test::read_bytes(folder.path() / "small.gguf");
  CHECK(std::ssize(bytes) == file.header_bytes() + 32 + 64);
  CHECK(file.header_bytes() % 32 == 0);
  CHECK(*file.find<bool>("a.bool"));
  CHECK(file.find<float>("a.bool") == nullptr);
}

TEST_CASE("A file of the gguf package is read: reversed shapes, types, metadata") {
  amq::gguf_file const file(AMQ_TESTS_FOLDER "/data/formats/tiny_llama_mixed.gguf");
  CHECK(*file.find<std::string>("general.architecture") == "llama");
  CHECK(*file.find<std::uint32_t>("llama.block_count") == 2);
  CHECK(file.tensor("blk.0.ffn_down.weight").shape == std::vector<amq::index>{64, 128});
  CHECK(file.tensor("blk.0.ffn_down.weight").type == amq::gguf_type::q8_0);
  CHECK(file.tensor("blk.0.attn_q.weight").type == amq::gguf_type::q4_0);
  CHECK(file.tensor("output_norm.weight").shape == std::vector<amq::index>{64});
}

TEST_CASE("Every cut of a GGUF file is refused in a sentence") {
  amq_test::scratch_folder const folder;
  write_small(folder.path() / "small.gguf");
  auto const bytes = amq_test::read_bytes(folder.path() / "small.gguf");
  for (std::size_t length = 1; length + 28 < bytes.size(); ++length) {  // the last tensor ends 28 bytes before the end
    auto const path = folder.write("cut.gguf", bytes.substr(0, length));
    auto const said = amq_test::refusal([&] { amq::gguf_file{path}; });
    REQUIRE(amq_test::lacks(said, {"cut.gguf", "expected"}) == "");
  }
}

TEST_CASE("Damaged GGUF headers are refused and never crash") {
  amq_test::scratch_folder const folder;
  write_small(folder.path() / "small.gguf");
  auto const bytes = amq_test::read_bytes(folder.path() / "small.gguf");
  auto const damaged = [&](std::size_t at, std::string const& patch) {
    auto copy = bytes;
    copy.replace(at, patch.size(), patch);
    auto const path = folder.write("damaged.gguf", copy);
    return amq_test::refusal([&] { amq::gguf_file{path}; });
  };
  CHECK(amq_test::lacks(damaged(0, "GGML"), {"does not begin with GGUF"}) == "");
  CHECK(amq_test::lacks(damaged(4, amq_test::bytes_of(std::uint32_t{9})), {"version 9", "2 or 3"}) == "");
  auto const matrix = bytes.find("matrix") + 6;
  CHECK(amq_test::lacks(damaged(matrix, amq_test::bytes_of(std::uint32_t{5})), {"matrix", "5 extents"}) == "");
  CHECK(amq_test::lacks(damaged(matrix + 4, amq_test::bytes_of(std::uint64_t{33})), {"rows of 33", "Q4_0"}) == "");
  CHECK(amq_test::lacks(damaged(matrix + 12, amq_test::bytes_of(~std::uint64_t{0})), {"impossible size"}) == "");
  CHECK(amq_test::lacks(damaged(matrix + 20, amq_test::bytes_of(std::uint32_t{3})), {"type 3"}) == "");
  CHECK(amq_test::lacks(damaged(matrix + 24, amq_test::bytes_of(~std::uint64_t{0})), {"too short", "matrix"}) == "");
  auto const kind = bytes.find("a.ints") + 6 + 4;
  CHECK(amq_test::lacks(damaged(kind, amq_test::bytes_of(std::uint32_t{9})), {"array of the kind 9"}) == "");
  CHECK(amq_test::lacks(damaged(kind + 4, amq_test::bytes_of(~std::uint64_t{0})), {"ends within its header"}) == "");
  for (std::size_t at = 8; at < bytes.size() - 100; ++at) CHECK(!damaged(at, "\xff").empty());  // or read, not crashed
}

TEST_CASE("A GGUF writer wants every tensor, each of its size and once") {
  amq_test::scratch_folder const folder;
  auto const path = folder.path() / "x.gguf";
  std::vector<std::byte> const bytes(40);
  using amq::precondition_error;
  CHECK(amq_test::lacks(amq_test::refusal<precondition_error>([&] {
                          amq::gguf_writer(path, {}, {{"a", amq::gguf_type::f32, {4}}}).commit();
                        }),
                        {"1 tensors"}) == "");
  CHECK(amq_test::lacks(amq_test::refusal<precondition_error>([&] {
                          amq::gguf_writer(path, {}, {{"a", amq::gguf_type::f32, {4}}}).write(bytes);
                        }),
                        {"a takes 16 bytes, not 40"}) == "");
  CHECK(
      amq_test::lacks(amq_test::refusal<precondition_error>([&] {
                        amq::gguf_writer(path, {}, {{"a", amq::gguf_type::f32, {4}}, {"a", amq::gguf_type::f32, {4}}});
                      }),
                      {"a is given twice"}) == "");
  CHECK(amq_test::lacks(amq_test::refusal<precondition_error>([&] {
                          amq::gguf_writer(path, {}, {{"a", amq::gguf_type::q2_k, {4, 32}}});
                        }),
                        {"(4, 32)", "Q2_K"}) == "");
  CHECK(folder.listing().empty());
}
