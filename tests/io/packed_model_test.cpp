#include "amq/io/packed_model.hpp"

#include <cmath>

#include "amq/core/random.hpp"
#include "amq/io/packed_model_writer.hpp"
#include "support/files.hpp"

using namespace amq_test;

namespace {

amq::packed_matrix random_packed(amq::format f, amq::index rows, amq::index cols, amq::random_stream& random) {
  amq::matrix<std::uint8_t> codes(rows, cols);
  amq::matrix<float> scales(rows, f.groups(cols)), zeros(rows, f.groups(cols));
  for (amq::index i = 0; i < codes.size(); ++i)
    codes.data()[i] = static_cast<std::uint8_t>(random.uniform() * (1 << f.bits));
  for (amq::index i = 0; i < scales.size(); ++i) {
    scales.data()[i] = static_cast<float>(random.uniform() + 0.1);
    zeros.data()[i] = static_cast<float>(random.uniform() * 5 - 1);
  }
  return {f, codes, scales, zeros};
}

amq::matrix<std::uint16_t> random_halves(amq::index rows, amq::index cols, amq::random_stream& random) {
  amq::matrix<std::uint16_t> values(rows, cols);
  for (amq::index i = 0; i < values.size(); ++i)
    values.data()[i] = amq::f32_to_f16(static_cast<float>(random.uniform() - 0.5));
  return values;
}

amq::residual_stack random_stack(amq::index rows, amq::index cols, std::vector<float> scales,
                                 amq::random_stream& random) {
  std::vector<amq::stack_level> levels(3);
  for (auto& level : levels) {
    level.signs.resize(static_cast<std::size_t>((rows * cols + 7) / 8));
    for (auto& byte : level.signs) byte = static_cast<std::uint8_t>(random.uniform() * 256);
    level.left = random_halves(rows, 2, random);
    level.right = random_halves(2, cols, random);
  }
  return {rows, cols, std::move(levels), std::move(scales)};
}

amq::matrix<float> random_dense(amq::index rows, amq::index cols, amq::random_stream& random) {
  amq::matrix<float> values(rows, cols);
  for (amq::index i = 0; i < values.size(); ++i) values.data()[i] = static_cast<float>(random.uniform() - 0.5);
  return values;
}

/// A layer of every form, in shapes that fill no bytes or words.
struct every_form {
  static constexpr amq::index rows = 5, cols = 12;
  std::vector<amq::linear_layer> layers;
  amq::quantized_memory memory;

  every_form() {
    amq::random_stream random{3};
    add(random_packed({3, 4}, rows, cols, random));
    add(random_packed({4, 4}, rows, cols, random).with_column_groups({2, 1, 0, 2, 1, 0, 2, 1, 0, 2, 1, 0}));
    add({random_packed({2, amq::format::whole_row}, rows, cols, random), std::vector<float>(cols, 1.5f)});
    add(amq::outlier_matrix(random_packed({5, 6}, rows, cols, random), {1, 7, 11}, random_halves(rows, 3, random)));
    add(random_stack(rows, cols, std::vector<float>(cols, 0.3f), random));
    add(random_stack(rows, cols, {}, random));
    add(random_dense(rows, cols, random));
    memory.vector("norm", std::vector<float>{1.0f, -0.1f, 3.3f});
  }

  void write(std::filesystem::path const& path) {
    std::vector<std::string> const others{"norm", "embeddings"};
    amq::packed_model_writer writer(path, layers, others);
    for (amq::index i = 0; i < memory.layers(); ++i) writer.layer(i, memory.layer(i));
    writer.vector("norm", *memory.replaced("norm"));
    std::vector<float> const embeddings{5.0f};
    writer.copy({"embeddings", amq::dtype::f32, {1}, std::as_bytes(std::span(embeddings))});
    CHECK_FALSE(std::filesystem::exists(path));
    writer.commit();
  }

 private:
  void add(amq::quantized_matrix quantized) {
    auto const i = memory.layers();
    layers.push_back({"layers." + std::to_string(i) + ".proj", rows, cols, 0, 0});
    memory.layer(i, std::move(quantized));
  }
};

/// Layers that have a kernel, in shapes that do not fill a tile, among others that have none.
struct tiled_model {
  static constexpr amq::index rows = 20, cols = 64;
  std::vector<amq::linear_layer> layers;
  amq::quantized_memory memory;

  tiled_model() {
    amq::random_stream random{4};
    add(random_packed({3, 32}, rows, cols, random));
    add({random_packed({2, 32}, rows, cols, random), std::vector<float>(cols, 1.5f)});
    add(random_packed({7, 32}, rows, cols, random));
    add(amq::outlier_matrix(random_packed({4, 64}, rows, cols, random), {1, 7}, random_halves(rows, 2, random)));
    add(random_dense(rows, cols, random));
    add(random_packed({8, 32}, rows, cols, random));
  }

  void write(std::filesystem::path const& path) {
    std::vector<std::string> const others{"norm"};
    amq::packed_model_writer writer(path, layers, others, amq::dense_storage::exact, amq::code_storage::tiles);
    writer.vector("norm", std::vector<float>{1.0f, -0.1f, 3.3f});
    for (amq::index i = 0; i < memory.layers(); ++i) writer.layer(i, memory.layer(i));
    writer.commit();
  }

 private:
  void add(amq::quantized_matrix quantized) {
    layers.push_back({"layers." + std::to_string(memory.layers()) + ".proj", rows, cols, 0, 0});
    memory.layer(memory.layers(), std::move(quantized));
  }
};

bool same_bits(amq::matrix<float> const& a, amq::matrix<float> const& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         std::memcmp(a.data(), b.data(), sizeof(float) * static_cast<std::size_t>(a.size())) == 0;
}

std::string replace_once(std::string text, std::string const& from, std::string const& to) {
  auto const at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// The file `good` with one fault or three, most of them in the first `header` bytes, which say what the rest is;
/// blanks follow these. Most faults are numbers that are wrong: the others seldom get past the header's grammar.
std::string corrupted(std::string const& good, std::size_t header, amq::random_stream& random) {
  auto bytes = good;
  auto const below = [&](std::size_t n) { return static_cast<std::size_t>(random.below(static_cast<amq::index>(n))); };
  for (int faults = random.bernoulli(0.8) ? 1 : 3; faults > 0; --faults) {
    auto const within = random.bernoulli(0.1) ? bytes.size() : std::min(header, bytes.size());
    auto const at = below(within), digit = std::min(bytes.find_first_of("0123456789", at), bytes.size() - 1);
    auto const kind = random.below(10);
    if (kind == 0) {
      bytes.resize(at + 1);
    } else if (kind == 1) {
      bytes[at] = static_cast<char>(random.below(256));
    } else if (kind < 4) {
      bytes[at] = bytes[below(within)];
    } else if (kind == 4) {
      bytes.replace(at, 12, bytes.substr(below(within), 12)).resize(good.size());
    } else if (kind == 5 && digit < header && bytes.size() == good.size()) {
      bytes.erase(header + 1, 12).insert(digit, std::to_string(100'000'000'000 + random.below(800'000'000'000)));
    } else {
      bytes[digit] = static_cast<char>('0' + random.below(10));
    }
  }
  return bytes;
}

/// Opens a packed model and uses all that it holds.
void read_everything(std::filesystem::path const& path) {
  amq::packed_model const read(path);
  for (amq::index i = 0; i < read.layers(); ++i) {
    [[maybe_unused]] auto const values = read.layer(i).dequantized();
    if (auto const tiles = read.tiles(i)) amq::unpack(*tiles);
  }
  for (auto const& name : read.replaced_names()) read.replaced(name);
}

/// How many of `rounds` corrupt variants of a file are refused; anything but that and a clean read fails the test.
int refused_variants(std::string const& good, int rounds, std::uint64_t seed) {
  scratch_folder const folder;
  std::uint64_t length = 0;
  std::memcpy(&length, good.data(), sizeof length);
  auto const header = good.substr(0, length).find_last_not_of(' ');  // the rest is room that was not needed
  amq::random_stream random{seed};
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    auto const path = folder.write(std::to_string(round), corrupted(good, header, random));
    try {
      read_everything(path);
    } catch (amq::input_error const& failure) {
      ++refused;
      CHECK(std::string(failure.what()).size() <= 600);
    }
    std::filesystem::remove(path);  // writing over a file waits for the disk
  }
  return refused;
}

}  // namespace

TEST_CASE("a packed model gives back every form of layer and every replaced vector, bit for bit", "[io]") {
  scratch_folder const folder;
  auto const path = folder.path() / "model.safetensors";
  every_form model;
  model.write(path);
  amq::packed_model const read(path);
  REQUIRE(read.layers() == model.memory.layers());
  for (amq::index i = 0; i < read.layers(); ++i) {
    CAPTURE(i);
    auto const before = model.memory.layer(i), after = read.layer(i);
    CHECK(after.stored().index() == before.stored().index());
    CHECK(after.input_scales() == before.input_scales());
    CHECK(same_bits(after.dequantized(), before.dequantized()));
    CHECK(read.layer_name(i) == model.layers[static_cast<std::size_t>(i)].name);
  }
  CHECK(read.storage(3) == amq::format{5, 6, 3});
  CHECK(read.replaced("norm") == model.memory.replaced("norm"));
  CHECK(read.replaced("embeddings") == std::nullopt);
  CHECK(read.replaced_names() == std::vector<std::string>{"norm"});
}

TEST_CASE("tensors of a packed model begin where their items may, and codes come back packed as they were", "[io]") {
  scratch_folder const folder;
  every_form model;
  model.write(folder.path() / "m");
  amq::packed_model const read(folder.path() / "m");
  for (auto const& tensor : read.file().tensors())
    CHECK((tensor.bytes.data() - read.file().tensors()[0].bytes.data()) % amq::item_bytes(tensor.type) == 0);
  auto const layer = model.memory.layer(1), again = read.layer(1);
  auto const* const before = layer.get_if<amq::packed_matrix>();
  auto const* const after = again.get_if<amq::packed_matrix>();
  CHECK(std::ranges::equal(before->packed_codes(), after->packed_codes()));
  CHECK(std::ranges::equal(before->packed_zeros(), after->packed_zeros()));
  CHECK(std::ranges::equal(before->column_groups(), after->column_groups()));
}

TEST_CASE("layers that are left alone take 16 bits where that loses nothing, or where it is asked for", "[io]") {
  amq::matrix<float> values(1, 2);
  values(0, 0) = 1.0f + 0x1p-7f;
  CHECK(amq::detail::dense_dtype(values, amq::dense_storage::exact) == amq::dtype::bf16);
  values(0, 1) = 1.0f + 0x1p-10f;
  CHECK(amq::detail::dense_dtype(values, amq::dense_storage::exact) == amq::dtype::f16);
  values(0, 0) = 1.0f + 0x1p-12f;
  CHECK(amq::detail::dense_dtype(values, amq::dense_storage::exact) == amq::dtype::f32);
  CHECK(amq::detail::dense_dtype(values, amq::dense_storage::sixteen_bits) == amq::dtype::f16);
  values(0, 1) = 70000.0f;
  CHECK(amq::detail::dense_dtype(values, amq::dense_storage::sixteen_bits) == amq::dtype::bf16);
}

TEST_CASE("packed models that are cut short, foreign or inconsistent are refused in a sentence", "[io]") {
  scratch_folder const folder;
  every_form model;
  model.write(folder.path() / "good");
  auto const good = read_bytes(folder.path() / "good");
  auto const said = [&](std::string const& bytes) {
    auto const path = folder.write("bad", bytes);
    return refusal([&] {
      amq::packed_model const read(path);
      for (amq::index i = 0; i < read.layers(); ++i) read.layer(i);
    });
  };
  CHECK(lacks(said(good.substr(0, good.size() - 4)), {"bad", "cut short"}) == "");
  CHECK(lacks(said(good.substr(0, 100)), {"bad", "cut short"}) == "");
  CHECK(lacks(said(replace_once(good, R"("format":"amq")", R"("format":"pt" )")), {"format 'pt'"}) == "");
  CHECK(lacks(said(replace_once(good, R"("layout":"1")", R"("layout":"9")")), {"layout 9", "1 or 2"}) == "");
  CHECK(lacks(said(replace_once(good, "layers.0.proj.codes", "layers.x.proj.codes")), {"layers.0.proj.codes"}) == "");
  CHECK(lacks(said(replace_once(good, "\\\"cols\\\":12", "\\\"cols\\\":16")), {"proj.codes", "(5, 6)"}) == "");
  CHECK(lacks(said(replace_once(good, "3g4", "3g5")), {"'format'", "divides 12"}) == "");
  CHECK(lacks(said(replace_once(good, "3g4", "9g4")), {"'format'", "9g4"}) == "");
  CHECK(lacks(said(replace_once(good, "stack3r2", "stack2r2")), {"layers.4.proj.left", "(3, 5, 2)"}) == "");
  CHECK(lacks(said(replace_once(good, "\\\"rows\\\":5", "\\\"rows\\\":0")), {"'rows' is 0"}) == "");
  CHECK(lacks(said(replace_once(good, bytes_of(7) + bytes_of(11), bytes_of(7) + bytes_of(12))),
              {"layers.3.proj.columns", "rise within 12"}) == "");
  CHECK(
      lacks(said(replace_once(good, bytes_of(2) + bytes_of(1) + bytes_of(0), bytes_of(2) + bytes_of(3) + bytes_of(0))),
            {"layers.1.proj.column_groups", "below 3"}) == "");
  CHECK(lacks(said(safetensors_bytes("{}", "")), {"lacks the metadata 'format'"}) == "");
}

TEST_CASE("a packed model's writer wants all layers, in order and in their shapes", "[io]") {
  scratch_folder const folder;
  every_form model;
  amq::packed_model_writer writer(folder.path() / "m", model.layers, {});
  CHECK_THROWS_AS(writer.layer(1, model.memory.layer(1)), amq::precondition_error);
  CHECK_THROWS_AS(writer.layer(0, amq::matrix<float>(4, 12)), amq::precondition_error);
  CHECK_THROWS_AS(writer.commit(), amq::precondition_error);
}

TEST_CASE("tiles lie in the file as kernels read them, at multiples of 64 bytes, and come back bit for bit", "[io]") {
  scratch_folder const folder;
  tiled_model model;
  model.write(folder.path() / "m");
  amq::packed_model const read(folder.path() / "m");
  CHECK(read.file().metadata().at("layout") == "2");
  for (amq::index i = 0; i < read.layers(); ++i) {
    CAPTURE(i);
    CHECK(same_bits(read.layer(i).dequantized(), model.memory.layer(i).dequantized()));
    auto const before = model.memory.layer(i);
    auto const* const codes = before.get_if<amq::packed_matrix>();
    bool const plain = codes != nullptr && codes->storage().group == 32 && codes->storage().bits != 7;
    REQUIRE(read.tiles(i).has_value() == (plain && before.input_scales().empty()));
    if (!read.tiles(i)) continue;
    auto const tiles = *read.tiles(i);
    CHECK(reinterpret_cast<std::uintptr_t>(tiles.data) % 64 == 0);
    CHECK(std::ranges::equal(amq::unpack(tiles).packed_codes(), codes->packed_codes()));
  }
  CHECK(read.dense(4) != nullptr);
  CHECK(read.dense(0) == nullptr);
  CHECK(read.shape(0) == std::pair<amq::index, amq::index>{20, 64});
}

TEST_CASE("tiles that do not fit their layer are refused in a sentence", "[io]") {
  scratch_folder const folder;
  tiled_model model;
  model.write(folder.path() / "good");
  auto const good = read_bytes(folder.path() / "good");
  auto const said = [&](std::string const& bytes) {
    auto const path = folder.write("bad", bytes);
    return refusal([&] { amq::packed_model const read(path); });
  };
  CHECK(lacks(said(replace_once(good, "3g32", "5g32")), {"layers.0.proj.tiles", "(2, 768)"}) == "");
  CHECK(lacks(said(replace_once(good, "3g32", "7g32")), {"layers.0.proj", "no kernel for"}) == "");
  CHECK(lacks(said(replace_once(good, "layers.0.proj.tiles", "layers.0.proj.tilex")), {"layers.0.proj.codes"}) == "");
}

TEST_CASE("a packed model's file that is corrupt anywhere is read or refused in a sentence", "[io]") {
  scratch_folder const folder;
  tiled_model{}.write(folder.path() / "tiles");
  every_form{}.write(folder.path() / "rows");
  for (auto const* const name : {"tiles", "rows"}) {
    CAPTURE(name);
    auto const good = read_bytes(folder.path() / name);
    CHECK_NOTHROW(read_everything(folder.path() / name));
    int const refused = refused_variants(good, 1500, 11);
    CHECK((refused > 900 && refused < 1500));  // some faults hit nothing but values
  }
}
