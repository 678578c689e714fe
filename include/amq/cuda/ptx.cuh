// Instructions that C++ has no words for: asynchronous copies, matrix fragments, products of fragments.
//
// Tests that run kernels on the host put a header of this name, with the same functions in plain C++, before this one.
#pragma once

#include <cstdint>

#include "amq/cuda/number.cuh"

namespace amq::cuda::ptx {

/// Starts copying 16 bytes to shared memory, or zeros where `valid` is false (nothing is read then). Both addresses are
/// aligned to 16 bytes.
__device__ inline void copy_async_16(void* shared, void const* global, bool valid = true) {
  auto const to = static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(valid ? 16 : 0) : "memory");
}

/// Closes a group of copies.
__device__ inline void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/// Waits until at most `Pending` of this thread's groups are under way. Others' copies need a barrier after it.
template <int Pending>
__device__ inline void wait_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
}

/// 16 bytes that will not be read again.
__device__ inline uint4 load_once(uint4 const* global) {
  uint4 v;
  asm volatile("ld.global.nc.L1::no_allocate.L2::128B.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "l"(global));
  return v;
}
__device__ inline uint2 load_once(uint2 const* global) {
  uint2 v;
  asm volatile("ld.global.nc.L1::no_allocate.L2::128B.v2.u32 {%0, %1}, [%2];" : "=r"(v.x), "=r"(v.y) : "l"(global));
  return v;
}

/// Four 8 x 8 matrices of 16-bit numbers: lane i gives the address of row i % 8 of matrix i / 8 (16 bytes, aligned) and
/// gets in r[m] the numbers 2 (i % 4) and 2 (i % 4) + 1 of row i / 4 of matrix m.
__device__ inline void load_matrices(std::uint32_t (&r)[4], void const* shared_row) {
  auto const from = static_cast<std::uint32_t>(__cvta_generic_to_shared(shared_row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(from)
               : "memory");
}

/// The same, each matrix transposed: lane i gets numbers of column i / 4.
__device__ inline void load_matrices_transposed(std::uint32_t (&r)[4], void const* shared_row) {
  auto const from = static_cast<std::uint32_t>(__cvta_generic_to_shared(shared_row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(from)
               : "memory");
}

/// d (16, 8) += a (16, 16) b (16, 8), products of 16-bit numbers summed in f32. With g = lane / 4 and t = lane % 4:
/// a[0] is (g, 2t..2t+1), a[1] (g+8, 2t..), a[2] (g, 2t+8..), a[3] (g+8, 2t+8..); b[0] is rows 2t..2t+1 of column g,
/// b[1] rows 2t+8..; d[0..1] are (g, 2t..2t+1), d[2..3] (g+8, 2t..2t+1). Subnormal inputs count.
template <class Number>
__device__ void multiply_add(float (&d)[4], std::uint32_t const (&a)[4], std::uint32_t const (&b)[2]);
template <>
__device__ inline void multiply_add<f16>(float (&d)[4], std::uint32_t const (&a)[4], std::uint32_t const (&b)[2]) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
template <>
__device__ inline void multiply_add<bf16>(float (&d)[4], std::uint32_t const (&a)[4], std::uint32_t const (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/// (x & mask) | bits in one instruction.
template <std::uint32_t Mask, std::uint32_t Bits>
__device__ inline std::uint32_t masked(std::uint32_t x) {
  std::uint32_t r;
  asm("lop3.b32 %0, %1, %2, %3, 0xEA;" : "=r"(r) : "r"(x), "n"(Mask), "n"(Bits));
  return r;
}

/// Two f32 as two 16-bit numbers, `low` in the low half; rounds to nearest, ties to even.
template <class Number>
__device__ std::uint32_t pair(float low, float high);
template <>
__device__ inline std::uint32_t pair<f16>(float low, float high) {
  std::uint32_t r;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
  return r;
}
template <>
__device__ inline std::uint32_t pair<bf16>(float low, float high) {
  std::uint32_t r;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
  return r;
}

/// The block's dynamic shared memory, aligned to 128 bytes.
__device__ inline unsigned char* dynamic_shared() {
  extern __shared__ __align__(128) unsigned char amq_dynamic_shared[];
  return amq_dynamic_shared;
}

}  // namespace amq::cuda::ptx
