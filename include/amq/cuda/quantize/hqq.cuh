// Half-quadratic quantization (Badri and Shaji, 2023) on the device: the iterations of the host's `hqq`.
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cub/warp/warp_reduce.cuh>
#include <string>

#include "amq/core/tile_layout.hpp"
#include "amq/cuda/abi.cuh"
#include "amq/cuda/device.hpp"
#include "amq/cuda/launch.cuh"
#include "amq/cuda/ptx.cuh"
#include "amq/cuda/quantize/block_weights.cuh"
#include "amq/cuda/quantize/for_group.cuh"
#include "amq/cuda/quantize/pack.cuh"
#include "amq/cuda/quantize/workspace.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {
namespace quantizing {

/// What all groups share.
struct hqq_rule {
  float exponent;  ///< p - 1
  float weight;    ///< 1 / beta
  float highest;
  bool round_zero;
};

/// Half to even, for 0 <= x <= 255: above 2^23 every float is whole, so the addition rounds.
__device__ inline float round_code(float x) { return (x + 0x1p23f) - 0x1p23f; }

/// One group of weights and its zero, spread over the 8 threads of its row. Products are written as `fmaf` where they
/// are summed, so that the kernel that counts iterations and the one that repeats them get the same bits.
template <int Group>
struct hqq_group {
  weight_part<Group> part;
  float steps;  ///< codes per unit of weight
  float scale;
  float zero;

  __device__ void start(hqq_rule const& rule) {
    constexpr float narrowest = 1e-4f, most_steps = 2e4f;
    auto const range = range_of(part);
    float const width = range.high - range.low;
    steps = width <= narrowest ? 1.0f : fminf(rule.highest / width, most_steps);
    scale = 1 / steps;
    zero = -range.low * steps;
    if (rule.round_zero) zero = rintf(zero);
  }

  __device__ float code(float weight, float highest) const {
    return round_code(fminf(fmaxf(fmaf(weight, steps, zero), 0.0f), highest));
  }

  /// The next zero; returns this thread's share of the sum of |error| before it.
  __device__ float iterate(hqq_rule const& rule) {
    float total = 0, distance = 0;
#pragma unroll
    for (int i = 0; i < 4 * weight_part<Group>::quads; ++i) {
      float const weight = part.values[i], chosen = code(weight, rule.highest);
      float const error = fmaf(zero - chosen, scale, weight), magnitude = fabsf(error);
      // Errors that shrink below 0 become 0: so do those of 0, whose power is infinite or not a number.
      float const kept = fmaxf(fmaf(-rule.weight, __powf(magnitude, rule.exponent), magnitude), 0.0f);
      distance += magnitude;
      total += fmaf(copysignf(kept, error), steps, fmaf(-weight, steps, chosen));
    }
    zero = row_sum(total) * (1.0f / Group);
    return distance;
  }
};

/// So many blocks of threads whatever the device, so that sums are in the same order everywhere.
inline constexpr int hqq_parts = 2048;
inline constexpr int hqq_warps = block_threads / 32;

/// distances[i * gridDim.x + block] is the sum of |error| before iteration i over this block's share of the matrix.
/// Shared memory: hqq_warps doubles an iteration.
template <int Group, class Weight>
AMQ_CUDA_KERNEL void hqq_distances_kernel(Weight const* weights, weight_shape shape, long long blocks, hqq_rule rule,
                                          int iterations, double* distances) {
  auto* const sums = reinterpret_cast<double*>(ptx::dynamic_shared());
  for (int i = static_cast<int>(threadIdx.x); i < hqq_warps * iterations; i += block_threads) sums[i] = 0;
  __syncthreads();
  int const lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  for (long long block = blockIdx.x; block < blocks; block += gridDim.x) {
    hqq_group<Group> group;
    group.part.load(weights, shape, {block, shape});
    group.start(rule);
    for (int i = 0; i < iterations; ++i) {
      float distance = row_sum(group.iterate(rule));
#pragma unroll
      for (int step = row_threads; step < 32; step *= 2) distance += __shfl_xor_sync(whole_warp, distance, step);
      if (lane == 0) sums[hqq_warps * i + warp] += double{distance};
    }
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < iterations; i += block_threads) {
    double sum = 0;
    for (int w = 0; w < hqq_warps; ++w) sum += sums[hqq_warps * i + w];
    distances[static_cast<long long>(i) * gridDim.x + blockIdx.x] = sum;
  }
}

template <int Warps>
struct hqq_stop_shared {
  typename cub::WarpReduce<double>::TempStorage reduce[Warps];
  double distances[1];  // as many as there are iterations
};

/// Sums each iteration's `parts` distances, a warp an iteration, and finds how many iterations count: up to the first
/// whose error over the whole matrix is not below the best so far. One block.
template <int Warps>
AMQ_CUDA_KERNEL void hqq_stop_kernel(double const* distances, int parts, int iterations, int* kept) {
  auto& shared = *reinterpret_cast<hqq_stop_shared<Warps>*>(ptx::dynamic_shared());
  double* const sums = shared.distances;
  int const lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  for (int i = warp; i < iterations; i += Warps) {
    double sum = 0;
    for (int part = lane; part < parts; part += 32) sum += distances[static_cast<long long>(i) * parts + part];
    sum = cub::WarpReduce<double>(shared.reduce[warp]).Sum(sum);
    if (lane == 0) sums[i] = sum;
    __syncwarp();
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  int i = 0;
  for (double best = INFINITY; i < iterations && sums[i] < best; ++i) best = sums[i];
  *kept = i < iterations ? i + 1 : iterations;
}

/// Repeats the iterations that count and stores what they end with. `kept` null: the starting zeros are kept.
template <int Group, class Weight>
AMQ_CUDA_KERNEL void hqq_codes_kernel(Weight const* weights, weight_shape shape, int bits, hqq_rule rule,
                                      int const* kept, std::uint8_t* tiles, quantize_refusals* refused) {
  auto& shared = *reinterpret_cast<packing_shared*>(ptx::dynamic_shared());
  weight_place const at(blockIdx.x, shape);
  hqq_group<Group> group;
  group.part.load(weights, shape, at);
  group.part.refuse_what_is_not_finite(shape, at, refused);
  group.start(rule);
  int const iterations = kept == nullptr ? 0 : *kept;
  for (int i = 0; i < iterations; ++i) group.iterate(rule);
  bool const inside = at.row < shape.rows;
#pragma unroll
  for (int q = 0; q < weight_part<Group>::quads; ++q) {
    float const* const of = group.part.values + 4 * q;
    auto const code = [&](int i) { return group.code(of[i], rule.highest); };
    shared.quads[at.part + row_threads * q][at.tile_row] = inside ? quad_of(code(0), code(1), code(2), code(3)) : 0;
  }
  __syncthreads();
  int const code_bytes = 2 * bits * Group;
  std::uint8_t* const block =
      tiles + static_cast<long long>(blockIdx.x) * (code_bytes + static_cast<int>(tile_layout::parameter_bytes));
  store_codes(shared, bits, Group, block);
  if (at.part == 0) store_parameters({group.scale, group.zero}, shape, at, block + code_bytes, refused);
}

inline void check_hqq(hqq_request const& how) {
  AMQ_EXPECTS(how.lp_norm > 0 && how.lp_norm <= 1,
              "hqq needs lp_norm above 0 and at most 1, not " + std::to_string(how.lp_norm));
  AMQ_EXPECTS(how.beta > 0, "hqq needs beta above 0, not " + std::to_string(how.beta));
  AMQ_EXPECTS(how.iterations >= 1 && how.iterations <= 2048,
              "hqq needs 1 to 2048 iterations on the device, not " + std::to_string(how.iterations));
}

/// Counts the iterations that are kept, for the whole matrix.
template <int Group, class Weight>
void count_hqq_iterations(Weight const* weights, weight_shape shape, long long blocks, hqq_rule const& rule,
                          int iterations, quantize_workspace& work, cudaStream_t on) {
  auto const all = static_cast<std::size_t>(iterations);
  auto const parts = static_cast<int>(blocks < hqq_parts ? blocks : hqq_parts);
  work.distances.reserve(all * static_cast<std::size_t>(parts), on);
  work.iterations.reserve(1, on);
  launch({static_cast<unsigned>(parts), block_threads, hqq_warps * all * sizeof(double), on},
         hqq_distances_kernel<Group, Weight>, weights, shape, blocks, rule, iterations, work.distances.data());
  constexpr int warps = 32;
  launch({1, 32 * warps, sizeof(hqq_stop_shared<warps>) + all * sizeof(double), on}, hqq_stop_kernel<warps>,
         work.distances.data(), parts, iterations, work.iterations.data());
}

}  // namespace quantizing

/// Quantizes `weights` (rows, cols), f32, f16 or bf16 on the device, into `tiles`, layout.bytes(rows, cols) bytes in
/// the host's packed layout on the device, as the host's `hqq` does: zeros differ by what f32 rounds (1e-4 of a code),
/// codes where they round differently then. Two passes over the weights: the first finds the iteration that the whole
/// matrix stops at, the second repeats up to it; memory besides: 16 KiB an iteration. Deterministic: sums are in an
/// order that only the shape sets. Asynchronous; `check_quantized` then waits and tells what f16 could not hold.
/// Weights are aligned to four of them, tiles to 4 bytes. Throws precondition_error for other pointers, for shapes
/// without a layout and for settings out of range.
template <class Weight>
void quantize_hqq(Weight const* weights, int rows, int cols, tile_layout layout, hqq_request const& how,
                  std::uint8_t* tiles, quantize_workspace& work, cudaStream_t on) {
  quantizing::check_hqq(how);
  quantizing::begin_quantizing(weights, 4 * sizeof(Weight), rows, cols, layout, tiles, work, on);
  quantizing::weight_shape const shape{rows, cols, static_cast<int>(layout.groups(cols))};
  quantizing::hqq_rule const rule{static_cast<float>(how.lp_norm - 1), static_cast<float>(1 / how.beta),
                                  static_cast<float>((1 << layout.bits) - 1), how.round_zero};
  long long const blocks = tile_layout::tiles(rows) * layout.groups(cols);
  quantizing::for_group(layout.group, [&]<int Group>(quantizing::group_size<Group>) {
    if (how.optimize) quantizing::count_hqq_iterations<Group>(weights, shape, blocks, rule, how.iterations, work, on);
    launch({static_cast<unsigned>(blocks), quantizing::block_threads, sizeof(quantizing::packing_shared), on},
           quantizing::hqq_codes_kernel<Group, Weight>, weights, shape, layout.bits, rule,
           how.optimize ? work.iterations.data() : nullptr, tiles, work.refused.data());
  });
}

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
