// Shuffles, votes, matches and reductions against their definitions.
#include "cuda/shim_test/kernels.hpp"

using namespace shim_test;

namespace {

struct shuffled {
  int to_7, from_next_of_8, across, down, up;
  double wide;
};

}  // namespace

TEST_CASE("shuffles give the value of the lane that is asked", "[cuda][shim]") {
  for (unsigned const seed : {0u, 4u}) {
    shim::permuted const order(seed);
    auto const values = written<shuffled>(96, {1, 96, 0}, [](shuffled* out) {
      int const i = static_cast<int>(threadIdx.x);
      auto& to = out[i];
      to.to_7 = __shfl_sync(~0u, i, 7);
      to.from_next_of_8 = __shfl_sync(~0u, i, i + 1, 8);
      to.across = __shfl_xor_sync(~0u, i, 17);
      to.down = __shfl_down_sync(~0u, i, 5);
      to.up = __shfl_up_sync(~0u, i, 3, 16);
      to.wide = __shfl_sync(~0u, i + 0.25, 31 - i % 32);
    });
    for (int i = 0; i < 96; ++i) {
      int const base = i / 32 * 32, lane = i % 32;
      auto const& got = values[static_cast<std::size_t>(i)];
      CAPTURE(seed, i);
      REQUIRE(got.to_7 == base + 7);
      REQUIRE(got.from_next_of_8 == i / 8 * 8 + (i + 1) % 8);
      REQUIRE(got.across == base + (lane ^ 17));
      REQUIRE(got.down == (lane + 5 < 32 ? i + 5 : i));
      REQUIRE(got.up == (lane % 16 >= 3 ? i - 3 : i));
      REQUIRE(got.wide == base + 31 - lane + 0.25);
    }
  }
}

TEST_CASE("votes, matches and reductions of a warp", "[cuda][shim]") {
  auto const values = written<unsigned>(32 * 10, {1, 32, 0}, [](unsigned* out) {
    unsigned const i = threadIdx.x;
    out += i * 10;
    int const number = static_cast<int>(i) - 20;
    out[0] = __ballot_sync(~0u, i % 5 == 0);
    out[1] = static_cast<unsigned>(__any_sync(~0u, i == 3) + 2 * __any_sync(~0u, i == 33));
    out[2] = static_cast<unsigned>(__all_sync(~0u, i < 32) + 2 * __all_sync(~0u, i < 31));
    out[3] = __match_any_sync(~0u, i / 7);
    int all = -1;
    out[4] = __match_all_sync(~0u, i / 40, &all) + static_cast<unsigned>(all);
    out[5] = __reduce_add_sync(~0u, i);
    out[6] = static_cast<unsigned>(__reduce_min_sync(~0u, number));
    out[7] = static_cast<unsigned>(__reduce_max_sync(~0u, number));
    out[8] = __reduce_or_sync(~0u, i & 12u);
    out[9] = __reduce_xor_sync(~0u, i == 4 ? 6u : 0u) + __reduce_and_sync(~0u, i | 64u);
  });
  for (unsigned i = 0; i < 32; ++i) {
    unsigned fives = 0, same = 0;
    for (unsigned j = 0; j < 32; ++j) {
      fives |= (j % 5 == 0 ? 1u : 0u) << j;
      same |= (j / 7 == i / 7 ? 1u : 0u) << j;
    }
    std::vector<unsigned> const expected = {fives, 1,  1, same, 0xffffffffu + 1u, 496, static_cast<unsigned>(-20),
                                            11,    12, 70};
    REQUIRE(std::vector<unsigned>(values.begin() + i * 10, values.begin() + i * 10 + 10) == expected);
  }
}

TEST_CASE("parts of a warp go their own ways", "[cuda][shim]") {
  auto const values = written<int>(32, {1, 32, 0}, [](int* out) {
    int const i = static_cast<int>(threadIdx.x);
    int value = 0;
    if (i < 12)
      for (int round = 0; round < 3; ++round) value += __shfl_sync(0xfffu, i, 11);
    else
      value = static_cast<int>(__ballot_sync(0xfffff000u, i % 2) >> 12);
    __syncwarp();
    out[i] = value;
  });
  for (int i = 0; i < 32; ++i) REQUIRE(values[static_cast<std::size_t>(i)] == (i < 12 ? 33 : 0xaaaaa));
}

TEST_CASE("lanes that are not where they should be are an error", "[cuda][shim]") {
  CHECK_THAT(failure({1, 32, 0}, [] { __shfl_sync(0xffffu, 1, 0); }),
             Contains("0x0000ffff") && Contains("leaves out lane 16"));
  CHECK_THAT(failure({1, 20, 0}, [] { __shfl_sync(~0u, 1, 25); }), Contains("asks lane 25, which is not there"));
  CHECK_THAT(failure({1, 32, 0},
                     [] {
                       if (threadIdx.x < 3)
                         __shfl_sync(~0u, 1, 0);
                       else
                         __ballot_sync(~0u, 1);
                     }),
             Contains("divergent warp") && Contains("__shfl_sync") && Contains("__ballot_sync"));
}

TEST_CASE("atomic operations return what was there", "[cuda][shim]") {
  auto const values = written<unsigned>(8, {1, 100, 0}, [](unsigned* out) {
    unsigned const i = threadIdx.x;
    if (i == 0) {
      for (int j = 0; j < 8; ++j) out[j] = 0;
      out[2] = 1000;
    }
    __syncthreads();
    unsigned const turn = atomicAdd(out, 1u);
    atomicMax(out + 1, i);
    atomicMin(out + 2, i + 3);
    atomicOr(out + 3, 1u << i % 9);
    atomicInc(out + 4, 29);
    atomicXor(out + 5, turn);
    if (atomicCAS(out + 6, 0u, i + 1) == 0u) atomicExch(out + 7, 77u);
  });
  unsigned turns = 0;
  for (unsigned i = 0; i < 100; ++i) turns ^= i;
  CHECK(values == std::vector<unsigned>{100, 99, 3, 511, 10, turns, 100, 77});
}
