// The main job through the program: search, kill, resume, deploy.
#include <chrono>
#include <memory>
#include <sstream>
#include <thread>

#include "support/archive_rows.hpp"
#include "support/program.hpp"
#include "support/small_model.hpp"

using amq_test::lacks;
using amq_test::refused;
using amq_test::run;
using amq_test::small_model;
using json = nlohmann::json;

namespace {

std::vector<std::string> search_arguments(small_model const& model, std::string const& out,
                                          std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{
      "search",        model.path(), "--tokens",     model.tokens(),
      "--group",       "16",         "--sequences",  "3",
      "--length",      "48",         "--seed",       "5",
      "--preset",      "amq",        "--population", "40",
      "--generations", "6",          "--out",        (model.scratch().path() / out).string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::vector<std::string> rows(small_model const& model, std::string const& out) {
  return amq_test::archive_rows(model.scratch().path() / out);
}

std::string changed(std::vector<std::string> arguments, std::string const& option, std::string const& value) {
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i)
    if (arguments[i] == option) arguments[i + 1] = value;
  arguments.push_back("--resume");
  return refused(arguments);
}

/// What the program says beside its progress.
std::vector<std::string> sentences(std::string const& err) {
  std::vector<std::string> found;
  std::istringstream lines(err);
  for (std::string line; std::getline(lines, line);)
    if (auto const at = line.find("amq: "); at != std::string::npos) found.push_back(line.substr(at));
  return found;
}

}  // namespace

TEST_CASE("a search writes archive, front and table, uniform configurations first, one thread or two") {
  small_model const model;
  auto const result = run(search_arguments(model, "one", {"--evaluations", "80", "--threads", "1", "--json"}));
  REQUIRE(result.code == 0);
  auto const printed = json::parse(result.out);
  CHECK(printed == json::parse(amq_test::read_bytes(model.scratch().path() / "one" / "front.json")));
  CHECK(printed["evaluations"] == 80);
  REQUIRE(printed["points"].size() >= 3);
  for (auto const& point : printed["points"]) {
    CHECK(point["configuration"].size() == 14);
    CHECK(point["loss"].is_number());
    CHECK(point["average_bits"].is_number());
  }
  auto const csv = amq_test::read_bytes(model.scratch().path() / "one" / "front.csv");
  CHECK(static_cast<std::size_t>(std::count(csv.begin(), csv.end(), '\n')) == printed["points"].size() + 1);

  auto const all = rows(model, "one");
  REQUIRE(all.size() == 80);
  for (std::size_t i = 0; i < 80; ++i) {
    char const* const phase = i < 3 ? "|uniform|0|" : i < 17 ? "|sensitivity|1|" : i < 34 ? "|initial|2|" : "|search|";
    INFO(all[i]);
    CHECK(all[i].find(phase) != std::string::npos);
  }
  CHECK(run(search_arguments(model, "two", {"--evaluations", "80", "--threads", "2"})).code == 0);
  CHECK(rows(model, "two") == all);
  auto const hint = refused(search_arguments(model, "one", {"--evaluations", "80"}));
  CHECK(lacks(hint, {"archive.sqlite", "--resume"}) == "");
}

TEST_CASE("a search in bf16 measures other losses than in f32, and a resumed one keeps its precision") {
  small_model const model;  // its groups of 16 have no kernel: the embedded model is searched
  std::string const embedded = AMQ_SOURCE_FOLDER "/examples/models/tiny";
  auto const search = [&](std::string const& out, std::string const& count, std::vector<std::string> more) {
    std::vector<std::string> arguments{"search",        embedded, "--tokens", embedded + "/calibration.npy",
                                       "--sequences",   "2",      "--length", "32",
                                       "--seed",        "5",      "--preset", "random",
                                       "--evaluations", count,    "--out",    (model.scratch().path() / out).string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  };
  CHECK(search("f32", "12", {"--precision", "f32"}).code == 0);
  CHECK(search("straight", "12", {"--precision", "bf16"}).code == 0);
  CHECK(search("resumed", "6", {"--precision", "bf16"}).code == 0);
  CHECK(search("resumed", "12", {"--resume"}).code == 0);
  CHECK(rows(model, "straight") != rows(model, "f32"));
  CHECK(rows(model, "resumed") == rows(model, "straight"));
  auto const other = search("resumed", "14", {"--resume", "--precision", "f32"});
  CHECK(other.code == 2);
  CHECK(lacks(other.err, {"precision", "bf16", "f32"}) == "");
}

TEST_CASE("the default preset searches, goes on where it was, and keeps its plan under a larger budget") {
  small_model const model;
  auto const search = [&](std::string const& out, std::string const& count, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{
        "search",        model.path(), "--tokens",    model.tokens(),
        "--group",       "16",         "--sequences", "3",
        "--length",      "48",         "--seed",      "5",
        "--evaluations", count,        "--out",       (model.scratch().path() / out).string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  };
  CHECK(search("straight", "110", {"--preset", "best"}).code == 0);
  CHECK(search("resumed", "110", {"--threads", "1"}).code == 0);
  CHECK(rows(model, "resumed") == rows(model, "straight"));
  CHECK(search("grown", "60").code == 0);  // so few that layers are measured in groups
  auto const before = rows(model, "grown");
  auto const grown = search("grown", "100", {"--resume"});
  INFO(grown.err);
  CHECK(grown.code == 0);
  auto const after = rows(model, "grown");
  REQUIRE(after.size() == 100);
  CHECK(std::equal(before.begin(), before.end(), after.begin()));
  CHECK(lacks(search("grown", "100", {"--resume", "--predictor", "log_gp"}).err, {"predictor is share", "log_gp"}) ==
        "");
}

TEST_CASE("a search killed at ten moments and resumed gives the archive of a straight one") {
  small_model const model;
  auto const straight = run(search_arguments(model, "straight", {"--evaluations", "400"}));
  REQUIRE(straight.code == 0);

  auto const arguments = search_arguments(model, "killed", {"--evaluations", "400", "--resume"});
  int kills = 0;
  for (int attempt = 0; attempt < 10; ++attempt) {
    amq_test::running_program program(arguments);
    auto const enough = static_cast<std::size_t>(35 * attempt);  // somewhere in the part that this run adds
    for (int i = 0; i < 2000 && rows(model, "killed").size() < enough; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(attempt * 7 % 10));
    program.send(SIGKILL);
    kills += program.wait().signal == SIGKILL;
  }
  CHECK(kills >= 8);
  auto const resumed = run(arguments);
  CHECK(sentences(resumed.err) == sentences(straight.err));  // that groups of 16 have no kernel, and no more
  CHECK(resumed.code == 0);
  CHECK(rows(model, "killed") == rows(model, "straight"));
}

TEST_CASE("Ctrl-C keeps everything, says how to resume and exits with 3") {
  small_model const model;
  amq_test::running_program program(search_arguments(model, "out", {"--evaluations", "2000"}));
  auto const archive = model.scratch().path() / "out" / "archive.sqlite";
  for (int i = 0; i < 6000 && rows(model, "out").empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  program.send(SIGINT);
  auto const stopped = program.wait();
  CHECK(stopped.code == 3);
  CHECK(lacks(stopped.err, {"interrupted", "--resume", "archive.sqlite"}) == "");
  auto const kept = rows(model, "out");
  CHECK(kept.size() >= 1);
  CHECK(kept.size() < 2000);
  auto const count = std::to_string(kept.size() + 5);
  CHECK(run(search_arguments(model, "out", {"--evaluations", count, "--resume"})).code == 0);
  auto const more = rows(model, "out");
  CHECK(more.size() == kept.size() + 5);
  CHECK(std::equal(kept.begin(), kept.end(), more.begin()));
}

TEST_CASE("a search resumed with a larger budget keeps its first initial and batch sizes") {
  small_model const model;
  CHECK(run(search_arguments(model, "grown", {"--evaluations", "60"})).code == 0);
  CHECK(run(search_arguments(model, "grown", {"--evaluations", "100", "--resume"})).code == 0);
  CHECK(run(search_arguments(model, "straight", {"--evaluations", "100", "--initial", "15", "--candidates", "10"}))
            .code == 0);
  CHECK(rows(model, "grown").size() == 100);
  CHECK(rows(model, "grown") == rows(model, "straight"));
}

TEST_CASE("resuming with another seed, loss, tokens or model is refused with what differs") {
  small_model const model;
  auto const arguments = search_arguments(model, "out", {"--evaluations", "20", "--loss", "jsd", "--proxy", "hqq"});
  CHECK(run(arguments).code == 0);
  auto const before = rows(model, "out");
  CHECK(lacks(changed(arguments, "--seed", "6"), {"seed", "5", "6"}) == "");
  CHECK(lacks(changed(arguments, "--loss", "kl"), {"loss", "jsd", "kl"}) == "");
  CHECK(lacks(changed(arguments, "--proxy", "rtn"), {"proxy", "hqq", "rtn"}) == "");
  CHECK(lacks(changed(arguments, "--length", "40"), {"length", "48", "40"}) == "");
  auto const other = model.scratch().write("other.u16", std::string(8192, '\0')).string();
  CHECK(lacks(changed(arguments, "--tokens", other), {"tokens"}) == "");
  model.patch_weights(64, amq_test::bytes_of(0.5f));
  CHECK(lacks(changed(arguments, "--seed", "5"), {"model"}) == "");
  CHECK(rows(model, "out") == before);
}

TEST_CASE("a space with nothing new left ends the search early, with success") {
  small_model const model;
  auto const result = run(search_arguments(model, "out", {"--evaluations", "50", "--bits", "4"}));
  CHECK(result.code == 0);
  CHECK(lacks(result.err, {"no new candidate"}) == "");
  CHECK(rows(model, "out").size() == 1);
}

TEST_CASE("bad archives and unusable places are refused, and nothing is left half-written") {
  small_model const model;
  auto const out = model.scratch().path() / "out";
  std::filesystem::create_directory(out);
  model.scratch().write("out/archive.sqlite",
                        "this is no database, but it is long enough to be looked at closely, "
                        "as SQLite reads the first hundred bytes of a file before anything else");
  CHECK(lacks(refused(search_arguments(model, "out", {"--resume"})), {"archive.sqlite"}) == "");
  CHECK(lacks(refused({"deploy", out.string(), "--at-most-bits", "3", "--out", "o"}), {"archive.sqlite"}) == "");
  CHECK(lacks(refused({"deploy", (out / "none").string(), "--at-most-bits", "3", "--out", "o"}), {"archive.sqlite"}) ==
        "");
  CHECK(lacks(refused(search_arguments(model, "tokens.u16/below")), {"tokens.u16/below"}) == "");
}

TEST_CASE("deploy writes the best that fits, never over the budget, and reports what it measured") {
  small_model const model;
  REQUIRE(run(search_arguments(model, "out", {"--evaluations", "80"})).code == 0);
  auto const search = (model.scratch().path() / "out").string();
  auto const target = model.scratch().path() / "quantized";
  auto const deploy = [&](std::vector<std::string> budget) {
    std::vector<std::string> arguments{"deploy", search, "--out", target.string(), "--force", "--json"};
    arguments.insert(arguments.end(), budget.begin(), budget.end());
    return run(arguments);
  };
  auto const uniform3 = json::parse(run({"evaluate", model.path(), "--tokens", model.tokens(), "--bits", "3", "--group",
                                         "16", "--sequences", "3", "--length", "48", "--json"})
                                        .out);
  auto const result = deploy({"--at-most-bits", "5.0", "--heldout", model.tokens()});
  REQUIRE(result.code == 0);
  auto const figures = json::parse(result.out);
  CHECK(figures["average_bits"].get<double>() <= 5.0);
  CHECK(figures["search_loss"].get<double>() <= uniform3["jsd"].get<double>());
  CHECK(figures["heldout"]["perplexity"] == figures["perplexity"]);  // the same tokens, given twice
  CHECK(std::filesystem::exists(target / "config.json"));
  auto const description = json::parse(amq_test::read_bytes(target / "quantization.json"));
  CHECK(description["bits"].size() == 14);
  CHECK(description["model_bytes"] == figures["model_bytes"]);

  // what was written, evaluated on its own against the source, is what deploy reported
  auto const bits =
      model.scratch().write("c.json", json{{"group_size", 16}, {"bits", description["bits"]}}.dump()).string();
  auto const again = json::parse(run({"evaluate", model.path(), "--tokens", model.tokens(), "--configuration", bits,
                                      "--sequences", "3", "--length", "48", "--json"})
                                     .out);
  CHECK(again["jsd"].get<double>() == Approx(figures["jsd"].get<double>()).epsilon(1e-6));
  CHECK(again["jsd"].get<double>() == Approx(figures["search_loss"].get<double>()).epsilon(1e-12));

  auto const bytes = figures["model_bytes"].get<std::int64_t>();
  auto const by_bytes = deploy({"--at-most-bytes", std::to_string(bytes)});
  REQUIRE(by_bytes.code == 0);
  CHECK(json::parse(by_bytes.out)["model_bytes"].get<std::int64_t>() <= bytes);

  CHECK(lacks(refused({"deploy", search, "--at-most-bits", "2", "--out", target.string()}),
              {"2 average bits", "below everything", "reaches from"}) == "");
  CHECK(refused({"deploy", search, "--out", target.string()}) != "");
  CHECK(lacks(refused({"deploy", search, "--at-most-bits", "5", "--quantizer", "gptq3", "--out", target.string()}),
              {"gptq3"}) == "");
  auto const foreign = model.scratch().path() / "foreign";
  std::filesystem::create_directory(foreign);
  model.scratch().write("foreign/precious.txt", "keep me");
  CHECK(lacks(refused({"deploy", search, "--at-most-bits", "5", "--out", foreign.string()}), {"foreign"}) == "");
  CHECK(amq_test::read_bytes(foreign / "precious.txt") == "keep me");
}

TEST_CASE("a disk that fills up while deploying leaves nothing behind") {
  small_model const model;
  REQUIRE(run(search_arguments(model, "out", {"--evaluations", "20"})).code == 0);
  auto const target = model.scratch().path() / "quantized";
  auto const before = model.scratch().listing();
  auto const result = amq_test::running_program({"deploy", (model.scratch().path() / "out").string(), "--at-most-bits",
                                                 "9", "--out", target.string()},
                                                100000)
                          .wait();
  CHECK(result.code == 2);
  CHECK(lacks(result.err, {"model.safetensors", "cannot be written"}) == "");
  CHECK(model.scratch().listing() == before);
}

TEST_CASE("a model and tokens that moved are found again, by resuming or by telling deploy") {
  small_model const model;
  REQUIRE(run(search_arguments(model, "out", {"--evaluations", "20"})).code == 0);
  auto const moved = model.scratch().path() / "moved";
  std::filesystem::rename(model.folder(), moved);
  std::vector<std::string> deploy{"deploy", (model.scratch().path() / "out").string(),  "--at-most-bits", "9",
                                  "--out",  (model.scratch().path() / "made").string(), "--force"};
  CHECK(lacks(refused(deploy), {"model"}) == "");
  auto told = deploy;
  told.insert(told.end(), {"--model", moved.string()});
  CHECK(run(told).code == 0);
  auto arguments = search_arguments(model, "out", {"--evaluations", "20", "--resume"});
  arguments[1] = moved.string();
  CHECK(run(arguments).code == 0);
  CHECK(run(deploy).code == 0);
}

TEST_CASE("deploying with another quantizer than the proxy is still never worse than uniform") {
  small_model const model;
  REQUIRE(run(search_arguments(model, "out", {"--evaluations", "40"})).code == 0);
  for (char const* quantizer : {"rtn", "rtn_symmetric", "rtn_awq"}) {
    auto const made = run({"deploy", (model.scratch().path() / "out").string(), "--at-most-bits", "6", "--quantizer",
                           quantizer, "--out", (model.scratch().path() / quantizer).string(), "--json"});
    REQUIRE(made.code == 0);
    for (char const* bits : {"2", "3", "4"}) {
      auto const uniform = run({"evaluate", model.path(), "--tokens", model.tokens(), "--group", "16", "--sequences",
                                "3", "--length", "48", "--bits", bits, "--proxy", quantizer, "--json"});
      CHECK(json::parse(made.out)["jsd"].get<double>() <= json::parse(uniform.out)["jsd"].get<double>() * (1 + 1e-6));
    }
  }
}

TEST_CASE("deploy deletes nothing that it did not write") {
  small_model const model;
  REQUIRE(run(search_arguments(model, "out", {"--evaluations", "20"})).code == 0);
  auto const target = model.scratch().path() / "made";
  std::vector<std::string> deploy{
      "deploy", (model.scratch().path() / "out").string(), "--at-most-bits", "9", "--out", target.string()};
  CHECK(run(deploy).code == 0);
  CHECK(lacks(refused(deploy), {"amq wrote before", "--force"}) == "");
  deploy.push_back("--force");
  CHECK(run(deploy).code == 0);
  model.scratch().write("made/notes.txt", "keep me");
  CHECK(lacks(refused(deploy), {"notes.txt"}) == "");
  CHECK(amq_test::read_bytes(target / "notes.txt") == "keep me");
}

TEST_CASE("an interrupted evaluation exits with 3") {
  std::string const tiny = AMQ_SOURCE_FOLDER "/examples/models/tiny";
  amq_test::outcome stopped;
  for (int attempt = 1; attempt <= 5 && stopped.code != 3; ++attempt) {  // later where the program starts slowly
    amq_test::running_program program({"evaluate", tiny, "--tokens", tiny + "/calibration.npy", "--bits", "3",
                                       "--sequences", "256", "--threads", "1"});
    std::this_thread::sleep_for(std::chrono::milliseconds(200 * attempt));
    program.send(SIGINT);
    stopped = program.wait();
  }
  CHECK(stopped.code == 3);
  CHECK(lacks(stopped.err, {"interrupted"}) == "");
}
