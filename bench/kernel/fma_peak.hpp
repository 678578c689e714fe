// The most multiply-adds that this core can do: independent chains in registers, no memory.
#pragma once

#define AMQ_SIMD_BODY "kernel/fma_peak.inl"
#include "amq/core/simd/for_each_isa.hpp"

namespace amq::simd {

/// Runs the loop and returns how many operations it was (an addition and a multiplication are two).
inline double run_fma_chains(float* values, index steps, isa which = best_isa()) {
  return AMQ_SIMD_CALL(which, run_fma_chains(values, steps));
}

}  // namespace amq::simd
