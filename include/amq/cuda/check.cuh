// From error codes of the CUDA runtime and its libraries to exceptions.
#pragma once

#include <cuda_runtime.h>

#include <source_location>
#include <string>

#include "amq/cuda/cuda_error.hpp"

namespace amq::cuda {
namespace detail {

/// Codes after which a context answers every call with the same error.
constexpr bool is_sticky(cudaError_t code) {
  switch (code) {
    case cudaErrorIllegalAddress:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorHardwareStackError:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
      return true;
    default:
      return false;
  }
}

inline std::string place(std::source_location const& where) {
  return std::string(where.file_name()) + ":" + std::to_string(where.line());
}

}  // namespace detail

/// Throws cuda_error, with the call, the code and the place, unless `code` is success. `call` is what was called.
inline void check(cudaError_t code, char const* call,
                  std::source_location const& where = std::source_location::current()) {
  if (code == cudaSuccess) return;
  bool const sticky = detail::is_sticky(code);
  if (!sticky) cudaGetLastError();  // the next call must not report this one's failure again
  throw cuda_error(std::string(call) + " failed: " + cudaGetErrorString(code) + " (" + cudaGetErrorName(code) +
                       ", code " + std::to_string(static_cast<int>(code)) + ") at " + detail::place(where),
                   static_cast<int>(code), sticky);
}

/// The same for a library whose success is 0 (cuBLAS, cuSOLVER).
template <class Status>
void check_library(Status code, char const* call, std::source_location const& where = std::source_location::current()) {
  if (static_cast<int>(code) == 0) return;
  throw cuda_error(std::string(call) + " failed with status " + std::to_string(static_cast<int>(code)) + " at " +
                       detail::place(where),
                   static_cast<int>(code), false);
}

}  // namespace amq::cuda
