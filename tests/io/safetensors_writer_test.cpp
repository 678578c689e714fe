#include "amq/io/safetensors_writer.hpp"

#include <cmath>
#include <limits>

#include "amq/io/safetensors.hpp"
#include "amq/io/safetensors_stream.hpp"
#include "support/files.hpp"

using namespace amq_test;

namespace {

amq::tensor_view view_of(std::string const& name, std::vector<float> const& values) {
  return {name, amq::dtype::f32, {static_cast<amq::index>(values.size())}, std::as_bytes(std::span(values))};
}

}  // namespace

TEST_CASE("what is written is read back: names, types, shapes, order, bytes, metadata", "[io]") {
  scratch_folder const folder;
  auto const path = folder.path() / "model.safetensors";
  std::vector<float> const values{1.0f, -0.5f, 3.0f, 65504.0f};
  amq::safetensors_writer writer(path, {{"z", amq::dtype::f16, {2, 2}},
                                        {"a", amq::dtype::bf16, {4}},
                                        {"m \"x\"", amq::dtype::f32, {4}},
                                        {"e", amq::dtype::u8, {0}}});
  for (int i = 0; i < 3; ++i) writer.write(std::span<float const>(values));
  writer.write(std::span<std::byte const>());
  CHECK_FALSE(std::filesystem::exists(path));
  writer.commit();

  amq::safetensors_file const file(path);
  REQUIRE(file.tensors().size() == 4);
  CHECK(file.metadata().at("format") == "pt");
  CHECK(file.tensors()[0].name == "z");
  CHECK(file.tensors()[0].shape == std::vector<amq::index>{2, 2});
  std::vector<float> read(4);
  amq::to_f32(file.tensors()[0], read);
  CHECK(read == values);
  amq::to_f32(file.tensors()[1], read);
  CHECK(read == std::vector<float>{1.0f, -0.5f, 3.0f, 65536.0f});
  amq::to_f32(file.tensors()[2], read);
  CHECK(read == values);
  CHECK(reinterpret_cast<std::uintptr_t>(file.tensors()[0].bytes.data()) % 8 == 0);
}

TEST_CASE("tensors of one file written to another are the same", "[io]") {
  scratch_folder const folder;
  std::vector<float> const one{1, 2, 3};
  std::vector<float> const two{4};
  std::vector<amq::tensor_view> const tensors{view_of("one", one), view_of("two", two)};
  amq::write_safetensors(folder.path() / "a.safetensors", tensors);
  amq::safetensors_file const first(folder.path() / "a.safetensors");
  amq::write_safetensors(folder.path() / "b.safetensors", first.tensors(), first.metadata());
  CHECK(read_bytes(folder.path() / "a.safetensors") == read_bytes(folder.path() / "b.safetensors"));
}

TEST_CASE("a value that the dtype cannot hold is refused by the tensor's name", "[io]") {
  scratch_folder const folder;
  std::vector<float> const large{70000.0f};
  amq::safetensors_writer writer(folder.path() / "m.safetensors", {{"big", amq::dtype::f16, {1}}});
  CHECK(lacks(refusal([&] { writer.write(std::span<float const>(large)); }), {"big", "70000", "F16"}) == "");
  std::vector<float> const largest{std::numeric_limits<float>::max()};
  CHECK(lacks(refusal([&] { amq::from_f32(largest, amq::dtype::bf16, "big"); }), {"big", "BF16"}) == "");
  std::vector<float> const infinite{std::numeric_limits<float>::infinity()};
  CHECK(amq::from_f32(infinite, amq::dtype::f16, "x") == std::vector<std::byte>{std::byte{0}, std::byte{0x7c}});
}

TEST_CASE("a writer notices tensors of the wrong size, too many, too few, or twice", "[io]") {
  scratch_folder const folder;
  auto const path = folder.path() / "m.safetensors";
  std::vector<float> const values{1, 2};
  auto const write = [&](std::vector<amq::tensor_header> tensors, int times) {
    return refusal<amq::precondition_error>([&] {
      amq::safetensors_writer writer(path, std::move(tensors));
      for (int i = 0; i < times; ++i) writer.write(std::span<float const>(values));
      writer.commit();
    });
  };
  CHECK(lacks(write({{"a", amq::dtype::f32, {3}}}, 1), {"a takes 12 bytes, not 8"}) == "");
  CHECK(lacks(write({{"a", amq::dtype::f32, {2}}}, 2), {"written already"}) == "");
  CHECK(lacks(write({{"a", amq::dtype::f32, {2}}}, 0), {"1 tensors", "not written"}) == "");
  CHECK(lacks(write({{"a", amq::dtype::f32, {2}}, {"a", amq::dtype::f32, {2}}}, 2), {"a is given twice"}) == "");
  CHECK(folder.listing() == "");
}

TEST_CASE("a stream of tensors gets its header in the end, and tensors of odd sizes last", "[io]") {
  scratch_folder const folder;
  auto const path = folder.path() / "model.safetensors";
  amq::safetensors_stream stream(path, amq::safetensors_stream::header_room(3, 16, 0));
  std::vector<std::uint8_t> const odd{1, 2, 3};
  std::vector<float> const three{4, 5, 6}, whole(16, 7.5f);
  stream.write<std::uint8_t>("odd", amq::dtype::u8, {3}, odd);
  stream.write<float>("three", amq::dtype::f32, {3}, three);
  stream.write<float>("whole", amq::dtype::f32, {16}, whole);
  CHECK(stream.data_bytes() == 3 + 12 + 64);
  CHECK_THROWS_AS(stream.write<float>("three", amq::dtype::f32, {3}, three), amq::precondition_error);
  stream.commit();
  amq::safetensors_file const file(path);
  REQUIRE(file.tensors().size() == 3);
  CHECK(file.tensors()[0].name == "whole");
  auto const bytes = read_bytes(path);
  CHECK((bytes.size() - (3 + 12 + 64)) % 64 == 0);
  CHECK(file.tensors()[1].name == "three");
  CHECK(file.tensors()[2].name == "odd");
  CHECK(std::to_integer<int>(file.tensors()[2].bytes[2]) == 3);
  std::vector<float> read(3);
  amq::to_f32(file.tensors()[1], read);
  CHECK(read == three);

  amq::safetensors_stream cramped(folder.path() / "cramped", 8);
  cramped.write<float>("whole", amq::dtype::f32, {16}, whole);
  CHECK_THROWS_AS(cramped.commit(), amq::precondition_error);
}
