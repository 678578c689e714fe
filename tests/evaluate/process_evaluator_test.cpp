// Children written in sh and awk that do everything right, and everything wrong.
#include "amq/evaluate/process_evaluator.hpp"

#include <dirent.h>

#include "amq/evaluate/any_evaluator.hpp"
#include "support/files.hpp"

using namespace amq_test;

namespace {

std::vector<amq::archived_layer> const layers{{"a", {{2, 128}, {4, 128}}, 128, 128}, {"b", {{3, 128}, {8, 128}}}};
constexpr char const* hello = R"(read -r first; echo '{"protocol":"amq-evaluator","version":1}'; )";

/// For each request, `body` runs with $id; answers 0.<id>5.
std::string child(std::string const& body) {
  return std::string(hello) + R"(while read -r line; do id=${line#*\"id\":}; id=${id%%,*}; )" + body + "; done";
}
std::string const right = R"(echo "{\"id\":$id,\"loss\":0.${id}5}")";
/// `body` for one configuration, the right answer for others.
std::string except(std::string const& id, std::string const& body) {
  return child("if [ $id = " + id + " ]; then " + body + "; else " + right + "; fi");
}

std::vector<amq::configuration> batch_of(std::size_t count) {
  std::vector<amq::configuration> batch(count, amq::configuration{0, 1});
  return batch;
}

std::vector<amq::measurement> measure(amq::process_evaluator& evaluator, std::size_t count = 4) {
  std::vector<amq::measurement> measured(count);
  evaluator.evaluate(batch_of(count), measured);
  return measured;
}

/// "ok" for each good loss, else nothing but the first words that matter.
std::string verdicts(std::vector<amq::measurement> const& measured) {
  std::string all;
  for (auto const& m : measured) all += m.error.empty() && m.loss < 1 ? "+" : "-";
  return all;
}

int open_descriptors() {
  int count = 0;
  DIR* folder = ::opendir("/proc/self/fd");
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

/// No child is left, running or dead.
bool childless() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

}  // namespace

TEST_CASE("a child process measures batch after batch") {
  {
    amq::process_evaluator evaluator(child(right), layers);
    for (int batch = 0; batch < 3; ++batch) {
      auto const measured = measure(evaluator, 3);
      CHECK(verdicts(measured) == "+++");
      CHECK(measured[2].loss == 0.25);
      CHECK(measured[2].seconds > 0);
    }
    CHECK(measure(evaluator, 0).empty());
  }
  CHECK(childless());
}

TEST_CASE("a child process is told layers and choices once, then bits") {
  scratch_folder const folder;
  auto const log = (folder.path() / "log").string();
  {
    std::string const answers = R"({ read -r l; echo '{"protocol":"amq-evaluator","version":1,)"
                                R"("about":{"loss":"jsd","n":4}}'; while read -r l; do echo )"
                                R"('{"id":0,"loss":0.5,"seconds":2.5,"sequence_losses":[0.25,0.75]}'; done; })";
    amq::process_evaluator evaluator("tee " + log + " | " + answers, layers);
    CHECK(evaluator.about() == std::map<std::string, std::string>{{"loss", "jsd"}, {"n", "4"}});
    auto const measured = measure(evaluator, 1);
    CHECK(measured[0].loss == 0.5);
    CHECK(measured[0].seconds == 2.5);
    CHECK(measured[0].sequence_losses == std::vector<double>{0.25, 0.75});
  }
  CHECK(read_bytes(log) ==
        R"({"layers":[{"choices":[{"bits":2,"group":128},{"bits":4,"group":128}],"cols":128,"name":"a","rows":128},)"
        R"({"choices":[{"bits":3,"group":128},{"bits":8,"group":128}],"cols":0,"name":"b","rows":0}],)"
        R"("protocol":"amq-evaluator","version":1})"
        "\n"
        R"({"bits":[2,8],"id":0,"of":1})"
        "\n");
}

TEST_CASE("what a child does to one configuration leaves the others alone") {
  struct wrong {
    std::string what, body, says;
  };
  auto const w = GENERATE(values<wrong>({
      {"crash", "exit 3", "exit status 3"},
      {"signal", "kill -9 $$", "signal 9"},
      {"NaN", R"(echo "{\"id\":$id,\"loss\":NaN}")", "not a number"},
      {"infinity", R"(echo "{\"id\":$id,\"loss\":-Infinity}")", "not a number"},
      {"null", R"(echo "{\"id\":$id,\"loss\":null}")", "not a number"},
      {"text", R"(echo "{\"id\":$id,\"loss\":\"low\"}")", "expected a finite number"},
      {"own error", R"(echo "{\"id\":$id,\"error\":\"out of memory\"}")", "says: out of memory"},
      {"garbage", "echo Loading the model", "answered 'Loading the model'"},
      {"array", "echo '[1]'", "answered '[1]'"},
      {"other id", R"(echo "{\"id\":77,\"loss\":1}")", "for the id 77"},
      {"no id", R"(echo "{\"loss\":1}")", "for the id null"},
      {"silence", "exec >&-; sleep 60", "closed its output"},
  }));
  INFO(w.what);
  amq::process_evaluator evaluator(except("1", w.body), layers);
  auto const measured = measure(evaluator);
  // A child that had to be replaced counts its configurations anew: the rest of four has an id 1, too.
  CHECK(measured[0].error.empty());
  CHECK(measured[0].loss == 0.05);
  CHECK(lacks(measured[1].error, {w.says}) == "");
  CHECK(std::isinf(measured[1].loss));
  CHECK(measured[2].error.empty());
  CHECK(verdicts(measure(evaluator, 1)) == "+");
}

TEST_CASE("a hanging child is ended after its timeout, with all its processes") {
  scratch_folder const folder;
  auto const start = std::chrono::steady_clock::now();
  {
    auto const sleeper = "(sleep 60; echo late > " + (folder.path() / "late").string() + ") & wait";
    amq::process_evaluator evaluator(except("1", sleeper), layers, {.timeout = 0.3});
    auto const measured = measure(evaluator, 3);
    CHECK(verdicts(measured) == "+-+");
    CHECK(lacks(measured[1].error, {"within 0.3 s"}) == "");
  }
  CHECK(childless());
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
}

TEST_CASE("a child that always fails is given up for the batch, and gets another chance in the next") {
  scratch_folder const folder;
  auto const works = (folder.path() / "works").string();
  amq::process_evaluator evaluator(child("[ -e " + works + " ] || exit 1; " + right), layers, {.most_failures = 2});
  auto const measured = measure(evaluator, 5);
  CHECK(verdicts(measured) == "-----");
  CHECK(lacks(measured[1].error, {"exit status 1"}) == "");
  CHECK(lacks(measured[4].error, {"not tried", "exit status 1"}) == "");
  folder.write("works", "");
  CHECK(verdicts(measure(evaluator, 3)) == "+++");
}

TEST_CASE("a child that ended between two batches is replaced without a loss") {
  scratch_folder const folder;
  amq::process_evaluator evaluator(child(right + "; [ $id = 1 ] && exit 0"), layers);
  CHECK(verdicts(measure(evaluator, 2)) == "++");
  CHECK(verdicts(measure(evaluator, 2)) == "++");
  ::usleep(100'000);
  CHECK(verdicts(measure(evaluator, 2)) == "++");
}

TEST_CASE("answers that nobody asked for do not reach the next batch") {
  amq::process_evaluator evaluator(child(right + "; [ $id = 1 ] && echo '{\"id\":0,\"loss\":0.75}'"), layers);
  measure(evaluator, 2);
  ::usleep(100'000);
  CHECK(measure(evaluator, 1)[0].loss == 0.05);
  amq::process_evaluator chatty(child(R"(printf '{"id":0,"loss":0.5}\n{"id":0,"loss":0.5}\n')"), layers);
  CHECK(lacks(measure(chatty, 1)[0].error, {"more often"}) == "");
}

TEST_CASE("large batches do not block, whether a child answers at once or at the end") {
  std::string const at_end =
      std::string(hello) +
      R"(head -n 20000 | awk 'END { for (i = 0; i < NR; i++) print "{\"id\":" i ",\"loss\":0.5}" }')";
  std::string const never_reads = std::string(hello) +
                                  "i=0; while [ $i -lt 3000 ]; do echo \"{\\\"id\\\":$i,"
                                  "\\\"loss\\\":0.5}\"; i=$((i+1)); done; cat > /dev/null";
  amq::process_evaluator patient(at_end, layers);
  CHECK(verdicts(measure(patient, 20000)) == std::string(20000, '+'));
  amq::process_evaluator eager(never_reads, layers);
  CHECK(verdicts(measure(eager, 3000)) == std::string(3000, '+'));
}

TEST_CASE("a child that reads no more does not end the host") {
  amq::process_evaluator evaluator(std::string(hello) + "exec <&-; sleep 0.2; exit 5", layers, {.most_failures = 1});
  auto const measured = measure(evaluator, 20000);
  CHECK(lacks(measured[0].error, {"exit status 5"}) == "");
  CHECK(verdicts(measured) == std::string(20000, '-'));
}

TEST_CASE("endless output is no answer") {
  amq::process_evaluator evaluator(std::string(hello) + "read -r line; tr '\\0' x < /dev/zero", layers);
  CHECK(lacks(measure(evaluator, 1)[0].error, {"in one line"}) == "");
}

TEST_CASE("a child that cannot begin is refused with the reason") {
  auto const refused = [](std::string const& command, amq::process_evaluator_options options = {}) {
    return refusal([&] { amq::process_evaluator(command, layers, options); });
  };
  CHECK(lacks(refused("no-such-program-anywhere 2>/dev/null"), {"no-such-program", "exit status 127"}) == "");
  CHECK(lacks(refused("read -r line; echo hello; cat"), {"answered 'hello'", "standard error"}) == "");
  CHECK(lacks(refused(R"(read -r l; echo '{"protocol":"amq-evaluator","version":2}'; cat)"), {"version 2"}) == "");
  CHECK(lacks(refused("sleep 60", {.start_timeout = 0.2}), {"within 0.2 s", "first line"}) == "");
  CHECK(lacks(refused("true", {.timeout = 0}), {"more than 0"}) == "");
  CHECK(childless());
}

TEST_CASE("a child that cannot begin again ends the search, not what was measured") {
  scratch_folder const folder;
  auto const once = (folder.path() / "once").string();
  amq::process_evaluator evaluator("[ -e " + once + " ] && exit 9; touch " + once + "; " + except("1", "exit 3"),
                                   layers);
  std::vector<amq::measurement> measured(4);
  CHECK(lacks(refusal([&] { evaluator.evaluate(batch_of(4), measured); }), {"exit status 9"}) == "");
  CHECK(measured[0].loss == 0.05);
  CHECK(lacks(measured[1].error, {"exit status 3"}) == "");
}

TEST_CASE("a sink that has enough ends the batch, and the next one is measured") {
  amq::any_evaluator evaluator(std::make_unique<amq::process_evaluator>(child(right), layers));
  int seen = 0;
  evaluator.evaluate_each(batch_of(4), [&](std::size_t i, amq::measurement&& m) {
    CHECK(m.error.empty());
    ++seen;
    return i < 1;
  });
  CHECK(seen == 2);
  std::vector<amq::measurement> measured(2);
  evaluator.evaluate(batch_of(2), measured);
  CHECK(verdicts(measured) == "++");
}

TEST_CASE("genes that are no configuration are the caller's mistake, and do not confuse the child") {
  amq::process_evaluator evaluator(child(right), layers);
  std::vector<amq::measurement> measured(2);
  std::vector<amq::configuration> const wrong{{0, 0}, {0, 2}};
  CHECK_THROWS_AS(evaluator.evaluate(wrong, measured), amq::precondition_error);
  CHECK_THROWS_AS(evaluator.evaluate(std::vector<amq::configuration>{{0}}, measured), amq::precondition_error);
  CHECK(verdicts(measure(evaluator, 2)) == "++");
}

TEST_CASE("children leave no descriptor open, and their interrupts are their own") {
  int const before = open_descriptors();
  for (int i = 0; i < 5; ++i) {
    amq::process_evaluator evaluator(except("0", "exit 1"), layers);
    measure(evaluator, 2);
  }
  CHECK(open_descriptors() == before);
  // A host that ignores SIGPIPE does not make its children ignore it, and blocked signals stay the host's.
  ::signal(SIGPIPE, SIG_IGN);
  amq::process_evaluator evaluator(child("kill -13 $$"), layers);
  ::signal(SIGPIPE, SIG_DFL);
  CHECK(lacks(measure(evaluator, 1)[0].error, {"signal 13"}) == "");
}
