#include "amq/io/atomic_file.hpp"

#include <sys/resource.h>

#include <csignal>

#include "support/files.hpp"

using namespace amq_test;

namespace {

/// No file may grow beyond `bytes` while this lives, as on a full disk.
class file_size_limit {
 public:
  explicit file_size_limit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit now = before_;
    now.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~file_size_limit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

}  // namespace

TEST_CASE("a file appears with commit and not before", "[io]") {
  scratch_folder const folder;
  amq::atomic_file file(folder.path() / "result");
  file.write("half");
  CHECK_FALSE(std::filesystem::exists(folder.path() / "result"));
  file.write("done");
  file.commit();
  CHECK(read_bytes(folder.path() / "result") == "halfdone");
  CHECK(folder.listing() == "result");
}

TEST_CASE("what is not committed leaves the old file and nothing beside it", "[io]") {
  scratch_folder const folder;
  folder.write("result", "old");
  {
    amq::atomic_file file(folder.path() / "result");
    file.write("new");
    CHECK(folder.listing().substr(0, 18) == "result result.tmp-");
  }
  CHECK(folder.listing() == "result");
  CHECK(read_bytes(folder.path() / "result") == "old");
  amq::write_file(folder.path() / "result", "new");
  CHECK(read_bytes(folder.path() / "result") == "new");
}

TEST_CASE("two writers of one file do not meet", "[io]") {
  scratch_folder const folder;
  amq::atomic_file first(folder.path() / "result");
  amq::atomic_file second(folder.path() / "result");
  first.write("the longer first");
  second.write("second");
  first.commit();
  second.commit();
  CHECK(read_bytes(folder.path() / "result") == "second");
}

TEST_CASE("a place that cannot be written is refused with the system's reason", "[io]") {
  scratch_folder const folder;
  auto const inside_file = folder.write("file", "x") / "result";
  auto const message = refusal([&] { amq::atomic_file file(inside_file); });
  CHECK(lacks(message, {"file/result", "cannot be created", "Not a directory"}) == "");
  auto const missing = refusal([&] { amq::atomic_file file(folder.path() / "none" / "result"); });
  CHECK(lacks(missing, {"none/result", "No such file", "existing folder"}) == "");
}

TEST_CASE("a full disk is refused and leaves nothing", "[io]") {
  scratch_folder const folder;
  std::string const large(1 << 20, 'x');
  std::string message;
  {
    file_size_limit const full(4096);
    message = refusal([&] { amq::write_file(folder.path() / "result", large); });
  }
  CHECK(lacks(message, {"result", "cannot be written", "File too large"}) == "");
  CHECK(folder.listing() == "");
}
