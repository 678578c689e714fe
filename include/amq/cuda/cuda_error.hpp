// What the CUDA backend throws; needs no CUDA toolkit, so that any compiler's code can catch it.
#pragma once

#include <string>

#include "amq/core/error.hpp"

namespace amq {

/// A call of the CUDA runtime or of one of its libraries failed: which, with what code, and where. A sticky failure (a
/// kernel's illegal access, say) spoils the process's context: work on that device cannot go on in this process.
class cuda_error : public error {
 public:
  cuda_error(std::string const& sentence, int code, bool sticky) : error(sentence), code_(code), sticky_(sticky) {}

  /// The library's own number, 0 where there was none.
  int code() const { return code_; }
  bool sticky() const { return sticky_; }

 private:
  int code_;
  bool sticky_;
};

}  // namespace amq
