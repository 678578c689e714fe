// Exceptions: every message is a sentence that says what was found, what was expected and where.
#pragma once

#include <stdexcept>
#include <string>

#include "amq/config.hpp"

namespace amq {

/// Base of everything the library throws on purpose.
class error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Something from outside is wrong: a file, an option, a budget. The program maps it to exit code 2.
class input_error : public error {
 public:
  using error::error;
};

/// The caller broke a function's contract.
class precondition_error : public error {
 public:
  using error::error;
};

namespace detail {

[[noreturn]] inline void fail_precondition(char const* condition, char const* file, int line, std::string const& what) {
  throw precondition_error(what + " (" + condition + " does not hold at " + file + ":" + std::to_string(line) + ")");
}

}  // namespace detail
}  // namespace amq

/// Checks a contract in every build. `what` is the sentence the caller reads; it is only built on failure.
#define AMQ_EXPECTS(condition, what) \
  ((condition) ? void(0) : ::amq::detail::fail_precondition(#condition, __FILE__, __LINE__, (what)))
