// Whole models in the formats of compressed-tensors, GPTQ, AWQ, MLX and our own: sizes, contents, refusals.
#include <algorithm>
#include <cmath>

#include "amq/export/amq.hpp"
#include "amq/export/awq.hpp"
#include "amq/export/compressed_tensors.hpp"
#include "amq/export/gptq.hpp"
#include "amq/export/mlx.hpp"
#include "amq/export/override_tables.hpp"
#include "amq/io/checkpoint.hpp"
#include "amq/io/packed_model.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden_case.hpp"
#include "support/mixed_model.hpp"

using namespace amq_test;
using amq::format;

namespace {

constexpr format kept{16, format::whole_row};

std::int64_t tensor_bytes(std::filesystem::path const& folder) {
  std::int64_t bytes = 0;
  amq::safetensors_file const file(folder / "model.safetensors");
  for (auto const& tensor : file.tensors()) bytes += std::ssize(tensor.bytes);
  return bytes;
}

nlohmann::json config_of(std::filesystem::path const& folder) { return amq::load_json(folder / "config.json"); }

/// Field `i` of `width` bits in a little-endian stream of bits.
unsigned field(std::span<std::byte const> bytes, amq::index i, int width) {
  unsigned value = 0;
  for (int bit = 0; bit < width; ++bit) {
    auto const at = static_cast<std::size_t>(i * width + bit);
    value |= ((std::to_integer<unsigned>(bytes[at / 8]) >> (at % 8)) & 1u) << bit;
  }
  return value;
}

template <class T>
T item(amq::tensor_view const& tensor, amq::index i) {
  return amq::detail::load_item<T>(tensor.bytes.data() + sizeof(T) * static_cast<std::size_t>(i));
}

/// The words of a column, one below the other, as bytes.
std::vector<std::byte> column(amq::tensor_view const& words, amq::index col) {
  std::vector<std::byte> bytes;
  for (amq::index row = 0; row < words.shape[0]; ++row) {
    auto const first = words.bytes.begin() + 4 * (row * words.shape[1] + col);
    bytes.insert(bytes.end(), first, first + 4);
  }
  return bytes;
}

template <class Write>
amq::export_report exported(mixed_model const& mixed, std::filesystem::path const& folder, amq::target const& files,
                            Write const& write) {
  auto report = write(mixed.model, mixed.quantized, mixed.formats, folder);
  CHECK(report.weight_bytes == tensor_bytes(folder));
  CHECK(report.weight_bytes == mixed.predicted(files));
  CHECK(config_of(folder).contains("hidden_size"));
  return report;
}

auto const write_amq = [](auto const&... arguments) { return amq::write_amq(arguments...); };
auto const write_compressed = [](auto const&... arguments) { return amq::write_compressed_tensors(arguments...); };
auto const write_gptq = [](auto const&... arguments) { return amq::write_gptq(arguments...); };
auto const write_awq = [](auto const&... arguments) { return amq::write_awq(arguments...); };
auto const write_mlx = [](auto const&... arguments) { return amq::write_mlx(arguments...); };

/// What the error says when `write` is given this configuration, and whether it left something in the folder.
template <class Write>
std::string refused(mixed_model const& mixed, Write const& write) {
  scratch_folder const folder;
  auto const said = refusal([&] { write(mixed.model, mixed.quantized, mixed.formats, folder.path()); });
  CHECK(folder.listing() == "");
  return said;
}

}  // namespace

TEST_CASE("our own files hold a mixed model bit for bit, in the bytes that were promised", "[export]") {
  scratch_folder const folder;
  mixed_model const mixed({{2, 32}, {3, 64}, {5, format::whole_row}, kept, {8, 16}});
  exported(mixed, folder.path(), amq::amq_target(), write_amq);
  amq::packed_model const read(folder.path() / "model.safetensors");
  REQUIRE(read.layers() == mixed.quantized.layers());
  for (amq::index i = 0; i < read.layers(); ++i) {
    auto const before = mixed.quantized.layer(i).dequantized(), after = read.layer(i).dequantized();
    CHECK(std::equal(before.data(), before.data() + before.size(), after.data()));
    CHECK(read.storage(i) == mixed.formats[static_cast<std::size_t>(i)]);
  }
  for (auto const& other : mixed.model.others()) {
    auto const& tensors = read.file().tensors();
    auto const found = std::ranges::find(tensors, other.name, &amq::tensor_view::name);
    REQUIRE(found != tensors.end());
    CHECK(std::ranges::equal(found->bytes, mixed.model.checkpoint().tensor(other.name).bytes));
  }
  CHECK(config_of(folder.path())["quantization_config"]["quant_method"] == "amq");
}

TEST_CASE("norms that a quantizer changed are written in their source's dtype, by every exporter", "[export]") {
  mixed_model mixed({{4, 32}});
  std::string const norm = "model.layers.1.input_layernorm.weight";
  std::vector<float> const values(64, 0.3f);
  mixed.quantized.vector(norm, values);
  scratch_folder const own, other;
  exported(mixed, own.path(), amq::amq_target(), write_amq);
  CHECK((*amq::packed_model(own.path() / "model.safetensors").replaced(norm))[5] ==
        amq::f16_to_f32(amq::f32_to_f16(0.3f)));
  exported(mixed, other.path(), amq::mlx_target(), write_mlx);
  CHECK(item<std::uint16_t>(amq::checkpoint(other.path()).tensor(norm), 5) == amq::f32_to_f16(0.3f));
}

TEST_CASE("compressed-tensors: each format a group, codes, zeros and scales as the package lays them out", "[export]") {
  scratch_folder const folder;
  auto const mixed = mixed_model::with_zeros({{3, 32}, {4, 64}, kept, {8, format::whole_row}}, amq::code_zeros);
  auto const report = exported(mixed, folder.path(), amq::compressed_tensors_target(), write_compressed);
  CHECK(report.notes.empty());
  auto const config = config_of(folder.path())["quantization_config"];
  CHECK(config["quant_method"] == "compressed-tensors");
  CHECK(config["config_groups"].size() == 3);
  CHECK(config["config_groups"]["group_0"]["weights"]["num_bits"] == 3);
  CHECK(config["config_groups"]["group_0"]["weights"]["group_size"] == 32);
  CHECK(config["config_groups"]["group_0"]["weights"]["symmetric"] == false);
  CHECK(config["config_groups"]["group_2"]["weights"]["strategy"] == "channel");
  CHECK(config["config_groups"]["group_2"]["weights"]["group_size"] == nullptr);
  amq::checkpoint const written(folder.path());
  std::size_t named = config["ignore"].size() - 1;  // lm_head
  for (auto const& [group, scheme] : config["config_groups"].items()) {
    named += scheme["targets"].size();
    for (auto const& target : scheme["targets"]) CHECK(written.contains(target.get<std::string>() + ".weight_packed"));
  }
  CHECK(named == mixed.formats.size());
  for (std::size_t i = 0; i < mixed.formats.size(); ++i) {
    auto const stored = mixed.quantized.layer(static_cast<amq::index>(i));
    auto const* const codes = stored.get_if<amq::packed_matrix>();
    auto const name = mixed.model.linears()[i].name;
    CHECK(written.contains(name + ".weight") == (codes == nullptr));
    if (codes == nullptr) continue;
    int const bits = mixed.formats[i].bits;
    auto const& packed = written.tensor(name + ".weight_packed");
    amq::index const row_bytes = 4 * packed.shape[1];
    auto const zeros = column(written.tensor(name + ".weight_zero_point"), 0);
    for (amq::index row = 0; row < codes->rows(); ++row) {
      auto const bytes = packed.bytes.subspan(static_cast<std::size_t>(row * row_bytes));
      for (amq::index col = 0; col < codes->cols(); ++col)
        REQUIRE(static_cast<int>(field(bytes, col, bits)) == codes->code(row, col));
      REQUIRE(static_cast<float>(field(zeros, row, bits)) == codes->zero(row, 0));
    }
    CHECK(item<std::int64_t>(written.tensor(name + ".weight_shape"), 1) == codes->cols());
  }
}

TEST_CASE("compressed-tensors: the package's own checkpoint comes out again", "[export]") {
  amq::testing::golden_case const golden("formats", "compressed_tensors_asym");
  amq::checkpoint const package(AMQ_TESTS_FOLDER "/data/formats/compressed_tensors_asym");
  auto const model = amq::llama::load(AMQ_TESTS_FOLDER "/data/formats/tiny_llama_f16");
  amq::quantized_memory quantized;
  std::vector<format> formats;
  for (auto const& layer : model.linears()) {
    bool const attention = layer.kind < 4;
    formats.push_back(attention ? format{8, 64} : format{4, 32});
    if (!golden.contains(layer.name + ".codes")) formats.back() = kept;
    format const f = formats.back();
    if (f.kept()) {
      quantized.layer(quantized.layers(), model.weight(quantized.layers()));
      continue;
    }
    amq::affine_codes codes(f, layer.rows, layer.cols);
    auto const from = golden.values(layer.name + ".codes"), scales = golden.values(layer.name + ".scale"),
               zeros = golden.values(layer.name + ".zero_point");
    for (std::size_t i = 0; i < from.size(); ++i) codes.codes.data()[i] = static_cast<std::uint8_t>(from[i]);
    for (std::size_t i = 0; i < scales.size(); ++i) {
      codes.scales.data()[i] = static_cast<float>(scales[i]);
      codes.zeros.data()[i] = static_cast<float>(zeros[i] + (1 << (f.bits - 1)));
    }
    quantized.layer(quantized.layers(), codes.pack(f));
  }
  scratch_folder const folder;
  amq::write_compressed_tensors(model, quantized, formats, folder.path());
  amq::checkpoint const written(folder.path());
  for (auto const& name : package.names()) {
    CAPTURE(name);
    REQUIRE(written.contains(name));
    CHECK(written.tensor(name).type == package.tensor(name).type);
    CHECK(written.tensor(name).shape == package.tensor(name).shape);
    CHECK(std::ranges::equal(written.tensor(name).bytes, package.tensor(name).bytes));
  }
}

TEST_CASE("compressed-tensors without zeros: the middle code stands for 0", "[export]") {
  scratch_folder const folder;
  mixed_model const mixed({{4, 32}, {3, 64}});
  auto const report = exported(
      mixed, folder.path(), amq::compressed_tensors_symmetric_target(),
      [](auto const&... arguments) { return amq::write_compressed_tensors(arguments..., {.symmetric = true}); });
  CHECK(lacks(report.notes.at(0), {"14 layers", "fitted again"}) == "");
  auto const config = config_of(folder.path())["quantization_config"];
  CHECK(config["config_groups"]["group_0"]["weights"]["symmetric"] == true);
  amq::checkpoint const written(folder.path());
  CHECK_FALSE(written.contains("model.layers.0.mlp.up_proj.weight_zero_point"));
}

TEST_CASE("gptq: words down the inputs, zeros of both versions, the group of each input", "[export]") {
  for (int version : {1, 2}) {
    CAPTURE(version);
    scratch_folder const folder;
    auto const mixed = mixed_model::with_zeros({{4, 32}, {3, 64}, {2, 32}, kept, {8, 64}}, [](int bits) {
      return amq::zero_range{1, (1 << bits) - 1};
    });
    auto const report = exported(mixed, folder.path(), amq::gptq_target(), [version](auto const&... arguments) {
      return amq::write_gptq(arguments..., {.version = version, .exact = true});
    });
    CHECK(report.notes.empty());
    amq::checkpoint const written(folder.path());
    for (std::size_t i = 0; i < mixed.formats.size(); ++i) {
      auto const stored = mixed.quantized.layer(static_cast<amq::index>(i));
      auto const* const codes = stored.get_if<amq::packed_matrix>();
      if (codes == nullptr) continue;
      int const bits = mixed.formats[i].bits;
      auto const name = mixed.model.linears()[i].name;
      auto const& words = written.tensor(name + ".qweight");
      auto const& zeros = written.tensor(name + ".qzeros");
      for (amq::index row = 0; row < codes->rows(); ++row) {
        auto const bytes = column(words, row);
        for (amq::index col = 0; col < codes->cols(); ++col)
          REQUIRE(static_cast<int>(field(bytes, col, bits)) == codes->code(row, col));
        int const zero = static_cast<int>(field(zeros.bytes, row, bits)) + (version == 1 ? 1 : 0);
        REQUIRE(static_cast<float>(zero) == codes->zero(row, 0));
      }
      CHECK(item<std::int32_t>(written.tensor(name + ".g_idx"), codes->cols() - 1) == codes->groups() - 1);
    }
    auto const config = config_of(folder.path())["quantization_config"];
    CHECK(config["checkpoint_format"] == (version == 1 ? "gptq" : "gptq_v2"));
    CHECK(config["desc_act"] == false);
    CHECK(config["sym"] == false);
    CHECK(config["dynamic"].size() >= 4);
  }
}

TEST_CASE("gptq without zeros: symmetric files of version 1, fused layers alike", "[export]") {
  scratch_folder const folder;
  auto const symmetric = [](auto const&... arguments) {
    return amq::write_gptq(arguments..., {.version = 1, .symmetric = true});
  };
  auto const report = exported(mixed_model({{4, 32}, {8, 64}}), folder.path(), amq::gptq_symmetric_target(), symmetric);
  CHECK(lacks(report.notes.at(0), {"14 layers", "fitted again"}) == "");
  auto const config = config_of(folder.path())["quantization_config"];
  CHECK(config["sym"] == true);
  CHECK(config["checkpoint_format"] == "gptq");
  CHECK(lacks(refused(mixed_model({{4, 32}, {5, 32}}), symmetric), {"gptq-symmetric holds 2, 3, 4, 8 bits"}) == "");
  mixed_model unfused({{4, 32}});
  unfused.formats[1] = {3, 32};
  CHECK(lacks(refused(unfused, symmetric), {"fuse", "q_proj at 4g32 with k_proj at 3g32"}) == "");
}

TEST_CASE("gptq: 5, 6 and 7 bits make the whole checkpoint planar, which version 1 knows nothing of", "[export]") {
  scratch_folder const folder;
  mixed_model const mixed({{3, 32}, {5, 32}, {7, 64}, {6, 32}});
  exported(mixed, folder.path(), amq::gptq_target(), write_gptq);
  CHECK(config_of(folder.path())["quantization_config"]["checkpoint_format"] == "gptq_p");
  amq::checkpoint const written(folder.path());
  std::string const name = "model.layers.0.mlp.down_proj";  // 3 bits
  auto const stored = amq::refit_zeros(amq::hqq{}.quantize(mixed.model.weight(6), {3, 32}, {}), mixed.model.weight(6),
                                       amq::code_zeros(3));
  REQUIRE(written.tensor(name + ".qweight").shape == std::vector<amq::index>{12, 64});
  auto const words = column(written.tensor(name + ".qweight"), 5);
  for (amq::index col = 0; col < 32; ++col)
    REQUIRE(static_cast<int>(field(words, col, 2) | field(std::span(words).subspan(8), col, 1) << 2) ==
            stored.code(5, col));
  auto const first = [](auto const&... arguments) { return amq::write_gptq(arguments..., {.version = 1}); };
  CHECK(lacks(refused(mixed, first), {"version 1", "5, 6 and 7 bits"}) == "");
}

TEST_CASE("gptq: layers that differ have patterns under their own and under fused names", "[export]") {
  std::vector<amq::linear_layer> layers;
  for (char const* name : {"q_proj", "k_proj", "v_proj", "o_proj"})
    layers.push_back({std::string("model.layers.1.self_attn.") + name, 64, 64, 1, 0});
  for (char const* name : {"gate_proj", "up_proj", "down_proj"})
    layers.push_back({std::string("model.layers.1.mlp.") + name, 64, 64, 1, 0});
  std::vector<format> const formats{{3, 64}, {3, 64}, {3, 64}, {4, 64}, {4, 64}, {2, 64}, kept};
  auto config = amq::detail::gptq_config(layers, formats, true, false);
  CHECK(config["bits"] == 3);
  CHECK(config["sym"] == true);
  std::vector<std::string> keys;
  for (auto const& [key, value] : config["dynamic"].items()) keys.push_back(key);
  CHECK(keys ==
        std::vector<std::string>{R"(+:model\.layers\.1\.self_attn\.o_proj$)", R"(+:model\.layers\.1\.mlp\.gate_proj$)",
                                 R"(+:model\.layers\.1\.mlp\.up_proj$)", R"(-:model\.layers\.1\.mlp\.down_proj$)"});
  CHECK(config["dynamic"][keys[2]]["bits"] == 2);
  auto const usual = std::vector<format>{{4, 64}, {4, 64}, {4, 64}, {3, 64}, {3, 64}, {3, 64}, {3, 64}};
  config = amq::detail::gptq_config(layers, usual, true, false);
  CHECK(config["dynamic"].begin().key() == R"(+:model\.layers\.1\.self_attn\.(q_proj|k_proj|v_proj|qkv_proj)$)");
  CHECK(config["dynamic"].size() == 1);
}

TEST_CASE("gptq: groups that are not consecutive go into g_idx and make desc_act true", "[export]") {
  mixed_model mixed({{4, 32}});
  amq::quantized_memory permuted;
  for (amq::index i = 0; i < mixed.quantized.layers(); ++i) {
    auto const stored = mixed.quantized.layer(i);
    auto const& codes = *stored.get_if<amq::packed_matrix>();
    std::vector<std::int32_t> groups(static_cast<std::size_t>(codes.cols()));
    for (std::size_t col = 0; col < groups.size(); ++col)
      groups[col] = static_cast<std::int32_t>(col % static_cast<std::size_t>(codes.groups()));
    permuted.layer(i, amq::packed_matrix(codes).with_column_groups(groups));
  }
  mixed.quantized = std::move(permuted);
  CHECK(lacks(refused(mixed, write_awq), {"model.layers.0.self_attn.q_proj", "not consecutive", "static groups"}) ==
        "");
  scratch_folder const folder;
  exported(mixed, folder.path(), amq::gptq_target(), write_gptq);
  CHECK(config_of(folder.path())["quantization_config"]["desc_act"] == true);
  amq::checkpoint const written(folder.path());
  CHECK(item<std::int32_t>(written.tensor("model.layers.0.mlp.down_proj.g_idx"), 6) == 2);
}

TEST_CASE("awq: 4 bits packed, other layers left in 16 bits and said so", "[export]") {
  scratch_folder const folder;
  mixed_model const mixed({{4, 32}, kept});
  auto const report = exported(mixed, folder.path(), amq::awq_target(), write_awq);
  REQUIRE(report.notes.size() == 2);
  CHECK(lacks(report.notes[1], {"of 14 linear layers stay in 16 bits"}) == "");
  auto const config = config_of(folder.path())["quantization_config"];
  CHECK(config["group_size"] == 32);
  CHECK(config["version"] == "gemm");
  CHECK(config["dynamic"].size() == 4);  // fused layers under one pattern
  amq::checkpoint const written(folder.path());
  for (auto const& name : config["modules_to_not_convert"])
    CHECK(written.contains(name.get<std::string>() + ".weight"));
  CHECK(written.tensor("model.layers.0.self_attn.o_proj.qweight").shape.size() == 2);
}

TEST_CASE("mlx: dense words, biases instead of zeros, a table of what differs", "[export]") {
  scratch_folder const folder;
  mixed_model const mixed({{3, 32}, {4, 64}, kept, {6, 32}});
  exported(mixed, folder.path(), amq::mlx_target(), write_mlx);
  amq::checkpoint const written(folder.path());
  auto const config = config_of(folder.path())["quantization"];
  CHECK(config == config_of(folder.path())["quantization_config"]);
  for (std::size_t i = 0; i < mixed.formats.size(); ++i) {
    auto const stored = mixed.quantized.layer(static_cast<amq::index>(i));
    auto const* const codes = stored.get_if<amq::packed_matrix>();
    auto const name = mixed.model.linears()[i].name;
    format said{config["bits"], config["group_size"]};
    if (config.contains(name) && config[name].is_object()) said = {config[name]["bits"], config[name]["group_size"]};
    CHECK((config.contains(name) && config[name] == false) == (codes == nullptr));
    if (codes == nullptr) continue;
    CHECK(said == mixed.formats[i]);
    auto const& words = written.tensor(name + ".weight");
    CHECK(words.type == amq::dtype::u32);
    amq::index const row = codes->rows() - 1, last = codes->groups() - 1;
    auto const bytes = words.bytes.subspan(static_cast<std::size_t>(4 * row * words.shape[1]));
    for (amq::index col = 0; col < codes->cols(); ++col)
      REQUIRE(static_cast<int>(field(bytes, col, said.bits)) == codes->code(row, col));
    auto const bias = item<std::uint16_t>(written.tensor(name + ".biases"), row * codes->groups() + last);
    CHECK(amq::f16_to_f32(bias) == Approx(-codes->zero(row, last) * codes->scale(row, last)).epsilon(1e-3));
  }
}

TEST_CASE("what a format cannot hold is refused before anything is written, layers named", "[export]") {
  mixed_model const three({{3, 32}, {4, 32}, {3, 16}});
  CHECK(lacks(refused(three, write_awq),
              {"awq", "model.layers.0.self_attn.o_proj at 3g16", "awq holds 4 bits", "more"}) == "");
  CHECK(lacks(refused(three, write_mlx), {"at 3g16", "groups of 32, 64 and 128"}) == "");
  CHECK(lacks(refused(mixed_model({{4, 32}, {4, 64}}), write_awq), {"one group", "4g32", "4g64"}) == "");
  CHECK(lacks(refused(mixed_model({{7, 32}}), write_mlx), {"at 7g32", "holds 2, 3, 4, 5, 6, 8 bits"}) == "");
  mixed_model unfused({{4, 32}});
  unfused.formats[1] = {3, 32};
  CHECK(lacks(refused(unfused, write_compressed), {"fuse", "q_proj at 4g32 with k_proj at 3g32"}) == "");
  mixed_model const real({{4, 32}});
  auto const exactly = [](auto const&... arguments) { return amq::write_gptq(arguments..., {.exact = true}); };
  CHECK(lacks(refused(real, exactly), {"model.layers.0.self_attn.q_proj", "from 0 to 15", "--exact"}) == "");
  mixed_model scaled({{4, 32}});
  amq::quantized_memory other;
  auto const layer = scaled.quantized.layer(0);
  other.layer(0, {*layer.get_if<amq::packed_matrix>(), std::vector<float>(64, 2.0f)});
  for (amq::index i = 1; i < scaled.quantized.layers(); ++i) other.layer(i, scaled.quantized.layer(i));
  scaled.quantized = std::move(other);
  CHECK(lacks(refused(scaled, write_gptq), {"model.layers.0.self_attn.q_proj", "scales for its inputs"}) == "");
  format const stack{3, format::whole_row, 0, amq::format_kind::stack};
  CHECK(lacks(amq::gptq_target().refusal(real.model.linears()[0], stack), {"stacks"}) == "");
  CHECK(amq::amq_target().refusal(real.model.linears()[0], stack).empty());
  CHECK(lacks(amq::mlx_target().refusal(real.model.linears()[0], {4, 32, 8}), {"columns in 16 bits"}) == "");
  CHECK(lacks(amq::gptq_target().refusal({"x", 48, 64, 0, 0}, {3, 32}), {"multiples of 32", "48 and 64"}) == "");
  CHECK(amq::gptq_target().refusal({"x", 48, 64, 0, 0}, {4, 32}).empty());
}

TEST_CASE("bits a weight are those that the formats announce", "[export]") {
  amq::linear_layer const layer{"x", 4096, 4096, 0, 0};
  auto const a_weight = [&](amq::target const& files, format f) {
    return static_cast<double>(files.stored_bits(layer, f)) / (4096.0 * 4096.0);
  };
  CHECK(a_weight(amq::amq_target(), {3, 128}) == 3 + 32 / 128.0);
  CHECK(a_weight(amq::mlx_target(), {3, 128}) == 3 + 32 / 128.0);
  CHECK(a_weight(amq::compressed_tensors_symmetric_target(), {4, 128}) == Approx(4 + 16 / 128.0).margin(1e-5));
  CHECK(a_weight(amq::compressed_tensors_target(), {4, 128}) == Approx(4 + 20 / 128.0).margin(1e-5));
  CHECK(a_weight(amq::gptq_target(), {4, 128}) == 4 + 20 / 128.0 + 32 / 4096.0);
  CHECK(a_weight(amq::awq_target(), {4, 128}) == 4 + 20 / 128.0);
  for (auto const& files : {amq::amq_target(), amq::mlx_target(), amq::gptq_target()})
    CHECK(a_weight(files, kept) == 16);
}

TEST_CASE("override tables name every layer, and refuse what their readers do not know", "[export]") {
  mixed_model const mixed({{3, 32}, kept, {4, 64}});
  auto const table = amq::autoround_table(mixed.model.linears(), mixed.formats, true);
  REQUIRE(table.size() == mixed.formats.size());
  for (std::size_t i = 0; i < mixed.formats.size(); ++i) {
    auto const& entry = table.at(mixed.model.linears()[i].name);
    CHECK(entry.at("bits") == mixed.formats[i].bits);
    CHECK(entry.at("data_type") == (mixed.formats[i].kept() ? "float" : "int"));
    CHECK(entry.contains("group_size") == !mixed.formats[i].kept());
    if (!mixed.formats[i].kept()) CHECK(entry.at("sym") == true);
  }
  auto const vllm = amq::vllm_table(mixed.model.linears(), mixed.formats, true);
  CHECK(vllm.size() == 1);
  CHECK(vllm.at("quantization_config").at("quant_method") == "gptq");
  CHECK(vllm.at("quantization_config").at("dynamic").is_object());
  std::vector<format> formats = mixed.formats;
  formats[2] = {3, format::whole_row, 0, amq::format_kind::stack};
  CHECK(lacks(refusal([&] { amq::vllm_table(mixed.model.linears(), formats, true); }), {"v_proj", "stack3"}) == "");
}
