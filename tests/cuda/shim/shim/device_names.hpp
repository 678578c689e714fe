// The names that kernels find their place with; the engine sets them whenever it resumes a thread.
#pragma once

#include "shim/vector_types.hpp"

inline thread_local constinit uint3 threadIdx = {};
inline thread_local constinit uint3 blockIdx = {};
inline thread_local constinit dim3 blockDim = {};
inline thread_local constinit dim3 gridDim = {};
inline constexpr int warpSize = 32;
