// Products on the warpgroup instructions of sm_90a: decoded codes from registers, activations from shared memory that
// bulk tensor copies fill. Not the default: `gemm<wgmma_tuning>` takes it.
#pragma once

#include <cuda.h>
#include <cudaTypedefs.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "amq/cuda/gemm/gemm.cuh"
#include "amq/cuda/gemm/permuted_tokens.cuh"
#include "amq/cuda/gemm/wgmma_ptx.cuh"

namespace amq::cuda::inline AMQ_CUDA_ABI {

struct wgmma_arguments {
  CUtensorMap x;  ///< permuted activations (tokens, 128 spans), boxes of (wgmma_tokens, 64)
  device_matrix w;
  float const* sums;  ///< (groups, stride)
  int stride;
  int tokens;
  float* y;  ///< (tokens, rows)
  bool accumulate;
};

namespace kernels {

inline constexpr int wgmma_tokens = 128;    ///< a block
inline constexpr int wgmma_warpgroups = 2;  ///< a block, 64 rows each
inline constexpr int wgmma_tiles = 4 * wgmma_warpgroups;
inline constexpr int wgmma_stages = 4;       ///< of 128 inputs
inline constexpr int wgmma_box_inputs = 64;  ///< 128 bytes, the widest swizzle

/// Stages of one span of activations each: two boxes side by side in k, the groups' sums, and the
/// block's tiles as they lie in the device layout.
template <int Bits, int Group>
struct alignas(1024) wgmma_shared {
  static constexpr int groups = device_layout::span_inputs / Group;

  struct alignas(1024) stage {
    unsigned char x[2][wgmma_tokens * wgmma_box_inputs * 2];
    float sums[groups][wgmma_tokens];
    unsigned char tiles[wgmma_tiles][span_registers<Bits, Group>::span_bytes];
  } stages[wgmma_stages];
  std::uint64_t full[wgmma_stages];

  static constexpr std::uint32_t copied_bytes = sizeof(stage::x) + sizeof(stage::sums) + sizeof(stage::tiles);
};

/// Starts to copy a span for the block whose first tile and token these are; one thread.
template <int Bits, int Group>
__device__ void fill(typename wgmma_shared<Bits, Group>::stage& to, std::uint64_t* full, wgmma_arguments const& p,
                     int first_tile, int token, int span) {
  constexpr int groups = wgmma_shared<Bits, Group>::groups;
  hopper::arrive_expecting(full, wgmma_shared<Bits, Group>::copied_bytes);
  for (int box = 0; box < 2; ++box)
    hopper::copy_box(to.x[box], &p.x, span * device_layout::span_inputs + box * wgmma_box_inputs, token, full);
  for (int q = 0; q < groups; ++q)
    hopper::copy_bytes(to.sums[q], p.sums + std::int64_t{span * groups + q} * p.stride + token, sizeof(to.sums[q]),
                       full);
  for (int i = 0; i < wgmma_tiles; ++i) {
    int const tile = min(first_tile + i, p.w.tiles() - 1);
    hopper::copy_bytes(to.tiles[i], p.w.data + (std::int64_t{tile} * p.w.spans() + span) * sizeof(to.tiles[i]),
                       sizeof(to.tiles[i]), full);
  }
}

template <class Number, int Bits, int Group>
__device__ void multiply_wgmma_stage(warp_results<1, wgmma_tokens>& y,
                                     typename wgmma_shared<Bits, Group>::stage const& stage) {
  using decoded = fragment<Bits, Number>;
  constexpr int group_chunks = Group / device_layout::chunk_inputs, columns = wgmma_tokens / 8;
  int const thread = static_cast<int>(threadIdx.x), g = thread % 32 / 4, t = thread % 4;
  auto const span = stage.tiles[thread / 32];
  auto const parameters = reinterpret_cast<uint2 const*>(span + span_registers<Bits, Group>::code_bytes);
#pragma unroll
  for (int q = 0; q < device_layout::span_inputs / Group; ++q) {
    span_codes<Bits> codes;  // what the group does not use is not read
    load_codes<read_shared>(codes, span, thread % 32);
    float sum[columns][4];
#pragma unroll
    for (int c = 0; c < group_chunks; ++c) {
      int const chunk = q * group_chunks + c;
      std::uint32_t a[2][decoded::parts][4];
#pragma unroll
      for (int half = 0; half < 2; ++half)
#pragma unroll
        for (int part = 0; part < decoded::parts; ++part) {
          decoded::decode(a[half][part], codes, chunk, half, part);
          hopper::pin(a[half][part]);
        }
      hopper::fence_products();
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        int const step = 2 * chunk + half;  // of 16 inputs, 32 bytes
        auto const b = hopper::operand(stage.x[step / 4] + step % 4 * 32);
#pragma unroll
        for (int part = 0; part < decoded::parts; ++part)
          hopper::multiply_add<Number>(sum, a[half][part], b, c + half + part > 0);
      }
      hopper::commit_products();
    }
    hopper::wait_products<0>();
#pragma unroll
    for (int n = 0; n < columns; ++n) {
      hopper::pin(sum[n]);
      float one[1][4] = {{sum[n][0], sum[n][1], sum[n][2], sum[n][3]}};
      add_group<decoded>(y.of[0][n], one, parameters[g * (device_layout::span_inputs / Group) + q],
                         *reinterpret_cast<float2 const*>(&stage.sums[q][8 * n + 2 * t]));
    }
  }
}

template <int Bits, int Group, class Number>
__device__ void multiply_by_wgmma(wgmma_arguments const& p) {
  auto const dynamic = ptx::dynamic_shared();
  auto& shared =
      *reinterpret_cast<wgmma_shared<Bits, Group>*>(dynamic + (1024 - hopper::shared_address(dynamic) % 1024) % 1024);
  int const thread = static_cast<int>(threadIdx.x), spans = p.w.spans();
  int const block_tile = static_cast<int>(blockIdx.x) * wgmma_tiles, tile = block_tile + thread / 32;
  int const token = static_cast<int>(blockIdx.y) * wgmma_tokens;
  if (thread == 0) {
    for (auto& barrier : shared.full) hopper::init_barrier(&barrier);
    hopper::publish_barriers();
    for (int s = 0; s < min(wgmma_stages, spans); ++s)
      fill<Bits, Group>(shared.stages[s], &shared.full[s], p, block_tile, token, s);
  }
  __syncthreads();

  warp_results<1, wgmma_tokens> y;
  for (int span = 0; span < spans; ++span) {
    int const at = span % wgmma_stages;
    hopper::wait_barrier(&shared.full[at], static_cast<std::uint32_t>(span / wgmma_stages % 2));
    multiply_wgmma_stage<Number, Bits, Group>(y, shared.stages[at]);
    __syncthreads();
    if (thread == 0 && span + wgmma_stages < spans)
      fill<Bits, Group>(shared.stages[at], &shared.full[at], p, block_tile, token, span + wgmma_stages);
  }
  y.for_each(p.w, tile, token, p.tokens,
             [&](float value, std::int64_t at) { p.y[at] = p.accumulate ? p.y[at] + value : value; });
}

/// What the driver calls the layout of permuted activations (tokens, cols) in memory.
template <class Number>
CUtensorMap describe(Number* x, int tokens, int cols) {
  void* entry = nullptr;
  cudaDriverEntryPointQueryResult found{};
#if CUDART_VERSION >= 12050
  check(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &entry, 12000, cudaEnableDefault, &found),
        "cudaGetDriverEntryPointByVersion");
#else
  check(cudaGetDriverEntryPoint("cuTensorMapEncodeTiled", &entry, cudaEnableDefault, &found),
        "cudaGetDriverEntryPoint");
#endif
  if (found != cudaDriverEntryPointSuccess)
    throw cuda_error("the driver has no cuTensorMapEncodeTiled; products by wgmma need a driver of CUDA 12", 0, false);
  CUtensorMap map{};
  cuuint64_t const sizes[2] = {static_cast<cuuint64_t>(cols), static_cast<cuuint64_t>(tokens)};
  cuuint64_t const row_bytes[1] = {static_cast<cuuint64_t>(cols) * 2};
  cuuint32_t const box[2] = {wgmma_box_inputs, wgmma_tokens}, steps[2] = {1, 1};
  auto const type = std::is_same_v<Number, f16> ? CU_TENSOR_MAP_DATA_TYPE_FLOAT16 : CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
  check_library(reinterpret_cast<PFN_cuTensorMapEncodeTiled_v12000>(entry)(
                    &map, type, 2, x, sizes, row_bytes, box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE,
                    CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE),
                "cuTensorMapEncodeTiled");
  return map;
}

}  // namespace kernels

/// Block (x, y) multiplies 128 rows and 128 tokens. Compiled for anything but sm_90a it stops, so that a program
/// without that code does not go on with wrong results.
template <int Bits, int Group, class Number>
AMQ_CUDA_KERNEL void __launch_bounds__(128 * kernels::wgmma_warpgroups, 1)
    wgmma_kernel(__grid_constant__ wgmma_arguments const p) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  kernels::multiply_by_wgmma<Bits, Group, Number>(p);
#else
  __trap();
#endif
}

/// As gemm_fixed, on a device of capability 9.0 in a program that is compiled for sm_90a; not for 8-bit codes in bf16.
/// Asynchronous; two kernels.
template <int Bits, int Group, class Number>
  requires(fragment<Bits, Number>::parts == 1)
void gemm_by_wgmma(device_matrix const& w, Number const* x, int tokens, float* y, bool accumulate,
                   product_workspace& workspace, cudaStream_t on) {
  using namespace kernels;
  int const cols = w.spans() * device_layout::span_inputs, groups = cols / Group;
  int const token_blocks = (tokens + wgmma_tokens - 1) / wgmma_tokens, stride = token_blocks * wgmma_tokens;
  auto const sums_count = std::size_t(groups) * std::size_t(stride);
  float* const sums = workspace.floats(sums_count + std::size_t(tokens) * std::size_t(cols) / 2, on);
  auto const permuted = reinterpret_cast<Number*>(sums + sums_count);
  permute_tokens<Group>(token_slice<Number>{x, tokens, w.cols}, permuted_tokens<Number>{permuted, sums, stride}, on);
  wgmma_arguments const arguments{.x = describe(permuted, tokens, cols),
                                  .w = w,
                                  .sums = sums,
                                  .stride = stride,
                                  .tokens = tokens,
                                  .y = y,
                                  .accumulate = accumulate};
  launch({dim3(pieces(w.tiles(), wgmma_tiles), unsigned(token_blocks)), dim3(128u * wgmma_warpgroups),
          sizeof(wgmma_shared<Bits, Group>) + 1024, on},
         wgmma_kernel<Bits, Group, Number>, arguments);
}

/// As default_tuning, but products of more than 64 tokens on devices of capability 9.0 take wgmma, so that way() leaves
/// none to cuBLAS there. A graph that has such a product is recorded after one of its size has run.
struct wgmma_tuning : default_tuning {
  static constexpr bool takes_wgmma(int capability, int tokens) { return capability == 90 && tokens > 64; }

  static constexpr product_way way(int capability, int tokens) {
    return takes_wgmma(capability, tokens) ? product_way::gemm : default_tuning::way(capability, tokens);
  }

  /// What gemm asks first: multiplies and returns true, or leaves it to gemm's own kernels, as 8-bit codes in bf16,
  /// which take two products each and more registers than there are.
  template <int Bits, int Group, class Number>
  static bool multiply(device_matrix const& w, Number const* x, int tokens, float* y, bool accumulate,
                       product_workspace& workspace, cudaStream_t on) {
    if constexpr (fragment<Bits, Number>::parts == 1) {
      if (!takes_wgmma(workspace.capability(), tokens)) return false;
      gemm_by_wgmma<Bits, Group>(w, x, tokens, y, accumulate, workspace, on);
      return true;
    } else {
      return false;
    }
  }
};

}  // namespace amq::cuda::inline AMQ_CUDA_ABI
