// Archives and processes that are killed, run out of disk, or come second.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "amq/core/random.hpp"
#include "amq/store/sqlite_archive.hpp"
#include "store/fixtures.hpp"

using namespace store_test;
using amq::sqlite_archive;

namespace {

/// A forked process that runs `work(pipe)`, whose result is its exit code, and never comes back into the tests.
class child {
 public:
  template <class Work>
  explicit child(Work work) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    process_ = ::fork();
    REQUIRE(process_ >= 0);
    if (process_ == 0) {
      int code = 99;
      try {
        code = work(ends[1]);
      } catch (...) {
      }
      ::_exit(code);
    }
    ::close(ends[1]);
    pipe_ = ends[0];
  }
  child(child const&) = delete;
  child& operator=(child const&) = delete;
  ~child() { ::close(pipe_); }

  void kill() const { ::kill(process_, SIGKILL); }
  int exit_code() const {
    int status = 0;
    ::waitpid(process_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  /// The last number it wrote before its end, or 0.
  int last_number() const {
    int number = 0;
    for (int next = 0; ::read(pipe_, &next, sizeof next) == sizeof next;) number = next;
    return number;
  }
  /// Waits for the next number.
  int next_number() const {
    int number = -1;
    return ::read(pipe_, &number, sizeof number) == sizeof number ? number : -1;
  }

 private:
  int process_ = -1;
  int pipe_ = -1;
};

bool tell(int pipe, int number) { return ::write(pipe, &number, sizeof number) == sizeof number; }

/// Goes on where the archive ends, telling after each record how many there are, for ever.
int write_for_ever(std::string const& path, int pipe) {
  auto archive =
      sqlite_archive::started(path) ? sqlite_archive::open(path) : sqlite_archive::create(path, {}, layers());
  for (auto i = static_cast<int>(archive.evaluations().size());; ++i) {
    archive.record(synthetic(i));
    if (!tell(pipe, i + 1)) return 1;
  }
}

}  // namespace

TEST_CASE("a process killed at any moment loses at most ten evaluations", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  amq::random_stream random(11);
  int kept = 0;
  for (int round = 0; round < 40; ++round) {
    child const writer([&path](int pipe) { return write_for_ever(path, pipe); });
    int told = round % 4 == 3 ? writer.next_number() : 0;  // on a busy machine others may die before they record
    std::this_thread::sleep_for(std::chrono::microseconds(random.below(40'000)));
    writer.kill();
    told = std::max(told, writer.last_number());
    CHECK(writer.exit_code() == -1);
    if (!sqlite_archive::started(path)) {
      CHECK(told == 0);
      continue;
    }
    if (round % 2 == 0) CHECK(in_order(sqlite_archive::open_read_only(path)));
    auto const archive = sqlite_archive::open(path);
    auto const now = static_cast<int>(archive.evaluations().size());
    CHECK(now >= std::max(kept, told - 10));
    CHECK(in_order(archive));
    kept = now;
  }
  CHECK(kept > 0);
}

TEST_CASE("creation that is killed leaves an archive or none, never half of one", "[store]") {
  temporary_folder const folder;
  amq::random_stream random(12);
  for (int round = 0; round < 40; ++round) {
    auto const path = folder / std::to_string(round);
    child const creator([&path](int) {
      sqlite_archive::create(path, {{"seed", "1"}}, layers());
      return 0;
    });
    std::this_thread::sleep_for(std::chrono::microseconds(random.below(8'000)));
    creator.kill();
    creator.exit_code();
    auto const archive = sqlite_archive::started(path) ? sqlite_archive::open(path)
                                                       : sqlite_archive::create(path, {{"seed", "1"}}, layers());
    CHECK(archive.settings().at("seed") == "1");
    CHECK(archive.evaluations().empty());
  }
}

TEST_CASE("a second writer is refused while the first lives, and readers are welcome", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  child const writer([&path](int pipe) { return write_for_ever(path, pipe); });
  REQUIRE(writer.next_number() == 1);
  CHECK(says(refusal([&] { sqlite_archive::open(path); }), "another process"));
  CHECK(says(refusal([&] { sqlite_archive::create(path, {}, layers()); }), "another process"));
  CHECK(in_order(sqlite_archive::open_read_only(path)));
  writer.kill();
  writer.exit_code();
  CHECK(std::filesystem::exists(path + "-lock"));
  CHECK(in_order(sqlite_archive::open(path)));
  CHECK_FALSE(std::filesystem::exists(path + "-lock"));
}

TEST_CASE("a full disk is a sentence and the archive stays whole", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  child const writer([&path](int pipe) {
    ::signal(SIGXFSZ, SIG_IGN);
    auto archive = sqlite_archive::create(path, {}, layers());
    rlimit const limit{100'000, 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    for (int i = 0; i < 100'000; ++i) {
      try {
        archive.record(synthetic(i));
      } catch (amq::input_error const& e) {
        tell(pipe, i + 1);
        return says(e.what(), path) && says(e.what(), "recording evaluations failed") ? 0 : 1;
      }
    }
    return 2;
  });
  int const told = writer.last_number();
  CHECK(writer.exit_code() == 0);
  auto archive = sqlite_archive::open(path);
  CHECK(in_order(archive));
  auto const kept = static_cast<int>(archive.evaluations().size());
  CHECK(kept >= told - 10);
  CHECK(kept > 0);
  archive.record(synthetic(kept));
}

TEST_CASE("an archive that cannot even be created leaves nothing", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  child const writer([&path](int) {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit const limit{2'000, 2'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      sqlite_archive::create(path, {}, layers());
    } catch (amq::input_error const&) {
      return 0;
    }
    return 1;
  });
  CHECK(writer.exit_code() == 0);
  CHECK(folder.listing().empty());
}
