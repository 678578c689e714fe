// What users read when a device cannot do what they want: devices of a made-up machine.
#include <string>
#include <vector>

#include "amq/cuda/cuda_error.hpp"
#include "amq/cuda/decoder/device_scope.cuh"
#include "amq/cuda/dequantize/dequantize.cuh"
#include "amq/cuda/open_device.cuh"
#include "cuda/shim_test/kernels.hpp"
#include "cuda/support/small_device.hpp"

using namespace shim_test;

namespace {

std::string refusal(int number = 0) {
  try {
    cuda_test::small_device(number);
  } catch (amq::input_error const& refused) {
    return refused.what();
  }
  return "opened";
}

/// A driver of another version, for as long as this lives.
struct with_driver {
  explicit with_driver(int version) { shim::the_world().driver = version; }
  ~with_driver() { shim::the_world().driver = shim::the_world().runtime; }
};

/// One block, one head, as little as a decoder can be; the vectors it points into are its own.
struct least_decoder {
  std::vector<float> ones = std::vector<float>(64, 1.0f);
  std::vector<float> numbers = std::vector<float>(64 * 64, 0.01f);

  amq::cuda::decoder_shape shape() const {
    auto const table =
        amq::cuda::plain_rows{reinterpret_cast<std::byte const*>(numbers.data()), amq::dtype::f32, 64, 64};
    amq::cuda::decoder_shape of{.hidden = 64,
                                .head_size = 64,
                                .vocabulary = 64,
                                .max_length = 64,
                                .norm_epsilon = 1e-5f,
                                .rope_frequencies = std::span<float const>(ones).first(32),
                                .final_norm = ones,
                                .embeddings = table,
                                .head = table};
    of.blocks.push_back(
        {.heads = 1, .key_value_heads = 1, .intermediate = 64, .attention_norm = ones, .feed_forward_norm = ones});
    return of;
  }
};

std::vector<amq::cuda::bank_cell> cells_of(amq::format stored) {
  std::vector<amq::cuda::bank_cell> cells;
  for (amq::index layer = 0; layer < 7; ++layer) cells.push_back({layer, stored});
  return cells;
}

}  // namespace

TEST_CASE("a machine without a device, with an old driver or an old device is told what it lacks", "[cuda][shim]") {
  CHECK(refusal() == "opened");
  CHECK_THAT(refusal(1), Contains("there is no CUDA device 1; the 1 here are numbered from 0"));
  {
    shim::with_devices const none{};
    CHECK_THAT(refusal(), Contains("no CUDA device was found") && Contains("--device cpu"));
    CHECK(amq::cuda::device_count() == 0);
  }
  {
    with_driver const old(12000);
    CHECK_THAT(refusal(), Contains("the CUDA driver here (12.0) is older than the CUDA 13.0"));
  }
  {
    shim::with_devices const turing{{.name = "Old one", .capability = 75}};
    CHECK_THAT(refusal(), Contains("(Old one) has compute capability 7.5") && Contains("CMAKE_CUDA_ARCHITECTURES"));
  }
}

TEST_CASE("memory that is not there is named, with what to lower, and the decoder can be made elsewhere",
          "[cuda][shim]") {
  least_decoder const least;
  auto const before = shim::live_allocations();
  {
    shim::with_devices const small{{.memory_bytes = 1 << 20}};
    CHECK_THROWS_WITH(cuda_test::small_device()->make_decoder(least.shape(), {}),
                      Contains("the device has no room for") && Contains("use fewer or shorter calibration sequences"));
  }
  CHECK(shim::live_allocations() == before);
  {
    shim::with_devices const unpinned{{.pinned_bytes = 1 << 10}};
    auto const made = cuda_test::small_device()->make_decoder(least.shape(), {.most_bank_bytes = 0});
    CHECK_THROWS_AS(made->announce(cells_of({4, 32})), amq::input_error);
    CHECK_THROWS_WITH(made->announce(cells_of({4, 32})), Contains("MiB of the host's memory"));
  }
  CHECK(shim::live_allocations() == before);
}

TEST_CASE("formats without a kernel are refused when the bank is announced", "[cuda][shim]") {
  least_decoder const least;
  auto const made = cuda_test::small_device()->make_decoder(least.shape(), {});
  CHECK_THROWS_WITH(made->announce(cells_of({7, 32})),
                    Contains("there is no kernel for") && Contains("2, 3, 4, 5, 6 and 8 bits"));
  CHECK_THROWS_WITH(made->announce(cells_of({4, 128})), Contains("groups of 128 do not divide 64 inputs"));
}

TEST_CASE("an error that sticks is thrown as such, and what it spoiled frees its memory", "[cuda][shim]") {
  least_decoder const least;
  auto const before = shim::live_allocations();
  {
    auto const made = cuda_test::small_device()->make_decoder(least.shape(), {.numbers = amq::dtype::f32});
    made->announce(cells_of(amq::kept<amq::bf16>::value));
    amq::cuda::plain_rows const rows{reinterpret_cast<std::byte const*>(least.numbers.data()), amq::dtype::f32, 64, 64};
    std::vector<amq::index> cells;
    for (amq::index cell = 0; cell < 7; ++cell) {
      made->store(cell, rows);
      cells.push_back(cell);
    }
    amq::matrix<std::int32_t> tokens(1, 8);
    made->remember(tokens.view(), cells);
    std::vector<double> losses(1);
    made->measure(cells, amq::cuda::device_loss::jsd, losses);
    CHECK(std::abs(losses[0]) < 1e-6);
    shim::detail::break_device(cudaErrorIllegalAddress, "a test's doing");
    try {
      made->measure(cells, amq::cuda::device_loss::jsd, losses);
      FAIL("a broken device measured");
    } catch (amq::cuda_error const& failure) {
      CHECK(failure.sticky());
      CHECK(failure.code() == cudaErrorIllegalAddress);
      CHECK_THAT(failure.what(), Contains("cudaErrorIllegalAddress"));
    }
  }
  shim::mend();
  CHECK(shim::live_allocations() == before);
}

TEST_CASE("pointers of the host and of another device are refused by name", "[cuda][shim]") {
  shim::with_devices const two{{}, {}};
  std::vector<std::uint8_t> packed(1 << 16);
  alignas(16) float host[64] = {};
  amq::cuda::device_buffer<float> here(1 << 14, nullptr);
  amq::cuda::device_buffer<std::uint8_t> data(1 << 16, nullptr);
  amq::cuda::device_matrix const w{data.data(), 32, 128, 4, 128};
  CHECK_THROWS_WITH(amq::cuda::dequantize(w, host, nullptr), Contains("out lies in the host's memory"));
  CHECK_THROWS_WITH(amq::cuda::dequantize(w, here.data() + 1, nullptr), Contains("aligned to 16 bytes"));
  CHECK_THROWS_WITH(
      amq::cuda::dequantize(amq::cuda::device_matrix{packed.data(), 32, 128, 4, 128}, here.data(), nullptr),
      Contains("aligned to 16 bytes") || Contains("lies in the host's memory"));
  amq::cuda::device_scope const other(1);
  CHECK_THROWS_WITH(amq::cuda::dequantize(w, here.data(), nullptr),
                    Contains("lies on device 0 and device 1 is the current one"));
}
