// Packing against the packages' own: the golden values of formats.
#include "amq/export/detail/words.hpp"

#include "amq/export/awq.hpp"
#include "amq/export/gptq.hpp"
#include "support/catch.hpp"
#include "support/golden_case.hpp"
#include "support/quantized.hpp"

using amq::testing::golden_case;

namespace {

amq::matrix<std::uint8_t> bytes_of(amq::matrix<double> const& values, int shift = 0) {
  amq::matrix<std::uint8_t> bytes(values.rows(), values.cols());
  for (amq::index i = 0; i < values.size(); ++i)
    bytes.data()[i] = static_cast<std::uint8_t>(static_cast<int>(values.data()[i]) + shift);
  return bytes;
}

/// How many words differ from the golden ones, or -1 where the shapes do.
amq::index differing(amq::detail::word_matrix const& words, amq::matrix<double> const& expected) {
  if (words.rows() != expected.rows() || words.cols() != expected.cols()) return -1;
  amq::index count = 0;
  for (amq::index i = 0; i < words.size(); ++i)
    count += static_cast<std::int32_t>(words.data()[i]) != static_cast<std::int32_t>(expected.data()[i]);
  return count;
}

}  // namespace

TEST_CASE("dense words are those of compressed-tensors, along rows and along outputs", "[export]") {
  golden_case const golden("formats", "compressed_tensors_pack");
  for (int bits : {2, 3, 4, 5, 8})
    for (int cols : {40, 64}) {
      CAPTURE(bits, cols);
      std::string const run = "b" + std::to_string(bits) + "_c" + std::to_string(cols) + ".";
      auto const codes = bytes_of(golden.table(run + "values"), 1 << (bits - 1));
      auto const words = amq::detail::pack_rows(codes, bits, amq::detail::pack_dense);
      CHECK(differing(words, golden.table(run + "packed")) == 0);
      CHECK(differing(amq::detail::transposed(words), golden.table(run + "packed_dim0_of_transpose")) == 0);
      amq::matrix<float> ones(codes.rows(), 1);
      std::fill_n(ones.data(), ones.size(), 1.0f);
      amq::packed_matrix const stored({bits, amq::format::whole_row}, codes, ones, ones);
      CHECK(differing(amq::detail::dense_rows(stored), golden.table(run + "packed")) == 0);
    }
}

TEST_CASE("words of GPTQ's files are AutoGPTQ's (version 1) and GPTQModel's (version 2)", "[export]") {
  golden_case const golden("formats", "gptq_pack");
  for (amq::format const f : {amq::format{2, 32}, {3, 32}, {4, 32}, {8, 64}}) {
    CAPTURE(f.bits);
    std::string const run = "b" + std::to_string(f.bits) + "_g" + std::to_string(f.group) + ".";
    auto const stored = amq::testing::expected_codes(golden, f).pack(f);
    CHECK(differing(amq::detail::transposed(amq::detail::dense_rows(stored)), golden.table(run + "qweight")) == 0);
    for (int version : {1, 2}) {
      auto const zeros = amq::detail::zeros_by_group(stored, version == 1 ? 1 : 0);
      CHECK(differing(amq::detail::pack_rows(zeros, f.bits, amq::detail::pack_dense),
                      golden.table(run + "qzeros_v" + std::to_string(version))) == 0);
    }
    auto const scales = amq::detail::scales_by_group(stored);
    auto const expected = golden.table(run + "scale");
    for (amq::index row = 0; row < expected.rows(); ++row)
      for (amq::index group = 0; group < expected.cols(); ++group)
        REQUIRE(amq::f16_to_f32(scales(group, row)) == static_cast<float>(expected(row, group)));
  }
}

TEST_CASE("words of AWQ's files are AutoAWQ's", "[export]") {
  golden_case const golden("formats", "awq_gemm_pack");
  auto const codes = bytes_of(golden.table("codes")), zeros = bytes_of(golden.table("zero"));
  auto const turned = [](amq::matrix<std::uint8_t> const& m) {
    amq::matrix<std::uint8_t> other(m.cols(), m.rows());
    for (amq::index i = 0; i < m.rows(); ++i)
      for (amq::index j = 0; j < m.cols(); ++j) other(j, i) = m(i, j);
    return other;
  };
  CHECK(differing(amq::detail::pack_gemm(turned(codes)), golden.table("qweight")) == 0);
  CHECK(differing(amq::detail::pack_gemm(turned(zeros)), golden.table("qzeros")) == 0);
}

TEST_CASE("planar words hold the low bits of 32 codes first, then the bits above", "[export]") {
  for (int bits : {3, 5, 6, 7}) {
    CAPTURE(bits);
    std::vector<std::uint8_t> codes(64);
    for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::uint8_t>((i * 37 + 11) % (1u << bits));
    std::vector<std::uint32_t> words(static_cast<std::size_t>(2 * bits));
    amq::detail::pack_planar(codes, bits, words);
    for (std::size_t i = 0; i < codes.size(); ++i) {
      auto const* const block = words.data() + i / 32 * static_cast<std::size_t>(bits);
      std::size_t const k = i % 32;
      unsigned code = 0;
      if (bits == 3) code = ((block[k / 16] >> (k % 16 * 2)) & 3u) | ((block[2] >> k) & 1u) << 2;
      if (bits >= 5) code = (block[k / 8] >> (k % 8 * 4)) & 15u;
      if (bits == 5) code |= ((block[4] >> k) & 1u) << 4;
      if (bits >= 6) code |= ((block[4 + k / 16] >> (k % 16 * 2)) & 3u) << 4;
      if (bits == 7) code |= ((block[6] >> k) & 1u) << 6;
      REQUIRE(code == codes[i]);
    }
  }
  std::vector<std::uint8_t> const codes(32, 9);
  std::vector<std::uint32_t> planar(4), dense(4);
  amq::detail::pack_planar(codes, 4, planar);
  amq::detail::pack_dense(codes, 4, dense);
  CHECK(planar == dense);
}
