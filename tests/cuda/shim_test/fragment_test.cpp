// Fragments of matrices against products in f64, subnormal numbers too, and 16-bit numbers against the library's own.
#include "amq/core/half.hpp"
#include "amq/core/random.hpp"
#include "cuda/shim_test/kernels.hpp"

using namespace shim_test;
using amq::cuda::bf16;
using amq::cuda::f16;

namespace {

template <class Number>
std::vector<Number> random_numbers(std::size_t count, float scale, std::uint64_t seed) {
  amq::random_stream random{seed};
  std::vector<Number> made(count);
  for (auto& one : made) one = amq::cuda::from_f32<Number>(scale * static_cast<float>(random.normal()));
  return made;
}

/// d (16, 8) of c (16, 8), a (16, 16) and b (16, 8), all row after row.
template <class Number>
std::vector<float> multiplied(std::vector<Number> const& a, std::vector<Number> const& b, std::vector<float> const& c) {
  auto const on_a = amq::cuda::uploaded<Number>(a, nullptr), on_b = amq::cuda::uploaded<Number>(b, nullptr);
  auto const on_c = amq::cuda::uploaded<float>(c, nullptr);
  return written<float>(128, {1, 32, 0}, [a = on_a.data(), b = on_b.data(), c = on_c.data()](float* out) {
    unsigned const g = threadIdx.x / 4, t = threadIdx.x % 4 * 2;
    auto const pair = [](Number low, Number high) {
      return ptx::pair<Number>(amq::cuda::to_f32(low), amq::cuda::to_f32(high));
    };
    auto const of_a = [&](unsigned row, unsigned col) { return pair(a[row * 16 + col], a[row * 16 + col + 1]); };
    auto const of_b = [&](unsigned row, unsigned col) { return pair(b[row * 8 + col], b[row * 8 + 8 + col]); };
    std::uint32_t const fragment_a[4] = {of_a(g, t), of_a(g + 8, t), of_a(g, t + 8), of_a(g + 8, t + 8)};
    std::uint32_t const fragment_b[2] = {of_b(t, g), of_b(t + 8, g)};
    float d[4] = {c[g * 8 + t], c[g * 8 + t + 1], c[g * 8 + 64 + t], c[g * 8 + 64 + t + 1]};
    ptx::multiply_add<Number>(d, fragment_a, fragment_b);
    for (unsigned i = 0; i < 4; ++i) out[(g + i / 2 * 8) * 8 + t + i % 2] = d[i];
  });
}

template <class Number>
void check_product(float scale) {
  auto const a = random_numbers<Number>(256, scale, 1), b = random_numbers<Number>(128, 2.0f, 2);
  std::vector<float> c(128);
  for (std::size_t i = 0; i < 128; ++i) c[i] = scale * static_cast<float>(i % 7);
  auto const d = multiplied(a, b, c);
  for (std::size_t row = 0; row < 16; ++row)
    for (std::size_t col = 0; col < 8; ++col) {
      double expected = c[row * 8 + col], size = std::abs(expected);
      for (std::size_t k = 0; k < 16; ++k) {
        double const term = double{amq::cuda::to_f32(a[row * 16 + k])} * amq::cuda::to_f32(b[k * 8 + col]);
        expected += term;
        size += std::abs(term);
      }
      CAPTURE(row, col, scale);
      REQUIRE(std::abs(d[row * 8 + col] - expected) <= 1e-6 * size);
    }
}

}  // namespace

TEST_CASE("products of fragments are products of matrices", "[cuda][shim]") {
  check_product<f16>(1.0f);
  check_product<f16>(1e-6f);  // below f16's normal numbers
  check_product<bf16>(1.0f);
  check_product<bf16>(1e-20f);
}

TEST_CASE("matrices are read from shared memory as they are and transposed", "[cuda][shim]") {
  for (bool const transposed : {false, true}) {
    auto const values = written<std::uint32_t>(128, {1, 32, 512}, [transposed](std::uint32_t* out) {
      unsigned const lane = threadIdx.x;
      for (unsigned i = 0; i < 8; ++i) shared<std::uint16_t>()[lane * 8 + i] = static_cast<std::uint16_t>(lane * 8 + i);
      __syncwarp();
      std::uint32_t r[4];
      if (transposed)
        ptx::load_matrices_transposed(r, shared<std::uint16_t>() + lane * 8);
      else
        ptx::load_matrices(r, shared<std::uint16_t>() + lane * 8);
      for (unsigned m = 0; m < 4; ++m) out[lane * 4 + m] = r[m];
    });
    for (std::uint32_t lane = 0; lane < 32; ++lane)
      for (std::uint32_t m = 0; m < 4; ++m) {
        std::uint32_t const major = lane / 4, minor = lane % 4 * 2, begin = m * 64;
        std::uint32_t const low = transposed ? begin + minor * 8 + major : begin + major * 8 + minor;
        std::uint32_t const high = transposed ? low + 8 : low + 1;
        REQUIRE(values[lane * 4 + m] == (low | high << 16));
      }
  }
}

TEST_CASE("misaligned rows of matrices are an error", "[cuda][shim]") {
  CHECK_THAT(failure({1, 32, 1024},
                     [] {
                       std::uint32_t r[4];
                       ptx::load_matrices(r, ptx::dynamic_shared() + 8 * threadIdx.x);
                     }),
             Contains("cudaErrorMisalignedAddress") && Contains("thread (1, 0, 0)"));
}

TEST_CASE("16-bit numbers convert as the library's do", "[cuda][shim]") {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    auto const half = static_cast<std::uint16_t>(bits);
    float const value = shim::f16_to_f32(half), brain = shim::bf16_to_f32(half);
    if (std::isnan(value)) {
      REQUIRE((half & 0x7c00u) == 0x7c00u);
      REQUIRE(std::isnan(shim::f16_to_f32(shim::f32_to_f16(value))));
    } else {
      REQUIRE(value == amq::f16_to_f32(half));
      REQUIRE(shim::f32_to_f16(value) == half);
      REQUIRE(shim::f16_values()[bits] == value);
    }
    if (std::isnan(brain)) continue;
    REQUIRE(brain == amq::bf16_to_f32(half));
    REQUIRE(shim::f32_to_bf16(brain) == half);
  }
}

TEST_CASE("f32 rounds to 16 bits as in the library", "[cuda][shim]") {
  amq::random_stream random{5};
  for (int i = 0; i < 200000; ++i) {
    auto const x = std::bit_cast<float>(static_cast<std::uint32_t>(random.below(std::int64_t{1} << 32)));
    if (std::isnan(x)) continue;
    float const small = static_cast<float>(random.normal()) * 1e-6f;  // where f16 has subnormal numbers
    CAPTURE(x, small);
    REQUIRE(shim::f32_to_f16(x) == amq::f32_to_f16(x));
    REQUIRE(shim::f32_to_f16(small) == amq::f32_to_f16(small));
    REQUIRE(shim::f32_to_bf16(x) == amq::f32_to_bf16(x));
  }
}
