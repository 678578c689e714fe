#include "amq/store/commit_cadence.hpp"

#include "support/catch.hpp"

namespace {

/// Records one evaluation every `pace` seconds; the numbers of records between commits, after the first one.
std::vector<int> runs_between_commits(double pace, int records) {
  amq::commit_cadence cadence;
  std::vector<int> runs;
  int run = 0;
  for (int i = 0; i < records; ++i) {
    ++run;
    if (!cadence.record(pace * i, pace)) continue;
    cadence.committed();
    if (i > 0) runs.push_back(run);
    run = 0;
  }
  return runs;
}

}  // namespace

TEST_CASE("the first record commits at once: nothing is known about the pace yet", "[store]") {
  amq::commit_cadence cadence;
  CHECK(cadence.record(1000, 0.001));
}

TEST_CASE("fast evaluations commit in tens", "[store]") {
  CHECK(runs_between_commits(0.01, 31) == std::vector<int>{10, 10, 10});
}

TEST_CASE("slower evaluations commit before two seconds could pass, with the next one taking twice as long",
          "[store]") {
  CHECK(runs_between_commits(0.25, 15) == std::vector<int>{7, 7});
  CHECK(runs_between_commits(0.6, 7) == std::vector<int>{3, 3});
  CHECK(runs_between_commits(1.0, 4) == std::vector<int>{1, 1, 1});
  CHECK(runs_between_commits(30, 4) == std::vector<int>{1, 1, 1});
}

TEST_CASE("nothing stays uncommitted for two seconds at a steady pace", "[store]") {
  for (double const pace : {0.001, 0.05, 0.1, 0.21, 0.39, 0.5, 0.7, 0.99, 1.3, 5.0}) {
    amq::commit_cadence cadence;
    double oldest = -1;
    for (int i = 0; i < 200; ++i) {
      double const now = pace * i;
      if (oldest >= 0) CHECK(now - oldest < 2);
      if (oldest < 0) oldest = now;
      if (cadence.record(now, pace)) {
        cadence.committed();
        oldest = -1;
      }
    }
  }
}

TEST_CASE("evaluations that arrive in bursts after a long wait are not left pending", "[store]") {
  amq::commit_cadence cadence;
  for (int batch = 0; batch < 3; ++batch) {
    bool due = false;
    for (int i = 0; i < 55; ++i) {
      due = cadence.record(60.0 * batch, 0.01);
      if (due) cadence.committed();
    }
    CHECK(due == (batch > 0));
  }
}

TEST_CASE("one long pause is forgotten", "[store]") {
  amq::commit_cadence cadence;
  double now = 0;
  for (int i = 0; i < 1000; ++i) {
    now += i == 1 ? 100 : 0.001;
    if (cadence.record(now, 0.001)) cadence.committed();
  }
  int commits = 0;
  for (int i = 0; i < 100; ++i) {
    now += 0.001;
    if (!cadence.record(now, 0.001)) continue;
    cadence.committed();
    ++commits;
  }
  CHECK(commits == 10);
}
