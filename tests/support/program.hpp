// Runs the command-line program as a user does: arguments in, exit code and both outputs out.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "support/files.hpp"

namespace amq_test {

struct outcome {
  int code = -1;    ///< exit code; -1 when a signal ended the program
  int signal = 0;   ///< the signal that ended it, or 0
  std::string out;  ///< standard output
  std::string err;  ///< standard error
};

/// A running program whose outputs go to files in a scratch folder.
class running_program {
 public:
  /// `file_limit`: bytes that a file of the program may grow to, as on a full disk; 0 for no limit.
  explicit running_program(std::vector<std::string> arguments, rlim_t file_limit = 0,
                           char const* program = AMQ_PROGRAM) {
    arguments.insert(arguments.begin(), program);
    std::vector<char*> pointers;
    for (auto& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    child_ = ::fork();
    if (child_ == 0) {
      redirect("out", STDOUT_FILENO);
      redirect("err", STDERR_FILENO);
      if (rlimit const limit{file_limit, file_limit}; file_limit > 0) ::setrlimit(RLIMIT_FSIZE, &limit);
      ::execv(program, pointers.data());
      ::_exit(127);
    }
  }

  void send(int signal) const { ::kill(child_, signal); }

  outcome wait() {
    int status = 0;
    ::waitpid(child_, &status, 0);
    outcome result;
    if (WIFEXITED(status)) result.code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
    result.out = read_bytes(folder_.path() / "out");
    result.err = read_bytes(folder_.path() / "err");
    return result;
  }

 private:
  void redirect(char const* name, int descriptor) const {
    ::dup2(::open((folder_.path() / name).c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600), descriptor);
  }

  scratch_folder folder_;
  pid_t child_ = 0;
};

inline outcome run(std::vector<std::string> arguments) { return running_program(std::move(arguments)).wait(); }

/// What the program says when it refuses: exit code 2, nothing on standard output, at most three lines and 600
/// characters on standard error. Returns standard error, or what was wrong instead.
inline std::string refused(std::vector<std::string> arguments) {
  auto const result = run(std::move(arguments));
  if (result.code != 2)
    return "exit code " + std::to_string(result.code) + ", signal " + std::to_string(result.signal) + ": " + result.err;
  if (!result.out.empty()) return "standard output is not empty: " + result.out;
  if (result.err.size() > 600) return "more than 600 characters: " + result.err;
  if (std::count(result.err.begin(), result.err.end(), '\n') > 3) return "more than three lines: " + result.err;
  return result.err;
}

}  // namespace amq_test
