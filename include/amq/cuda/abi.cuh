// The tag of everything that holds device code: the version of these interfaces and the architectures, so that two
// objects of one program that were compiled for different ones never share a kernel. Changes names only, never what
// they mean.
#pragma once

#include "amq/config.hpp"

#define AMQ_CUDA_JOIN_(a, b, c, d, e, f, g, h, ...) abi_1_##a##_##b##_##c##_##d##_##e##_##f##_##g##_##h
#define AMQ_CUDA_JOIN(...) AMQ_CUDA_JOIN_(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0, 0)

#if defined(__CUDA_ARCH_LIST__)
#define AMQ_CUDA_ABI AMQ_CUDA_JOIN(__CUDA_ARCH_LIST__)
#else
#define AMQ_CUDA_ABI abi_1_host
#endif

/// A kernel: no other object file sees it.
#define AMQ_CUDA_KERNEL __global__ __attribute__((visibility("hidden")))
