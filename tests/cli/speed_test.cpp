// Benchmarks, profiles and searches by predicted speed, from the command line. No test says how fast anything is.
#include <nlohmann/json.hpp>

#include "amq/io/configuration_file.hpp"
#include "amq/model/layout.hpp"
#include "support/program.hpp"

using namespace amq_test;
using json = nlohmann::json;

namespace {

/// The embedded model, tokens for it, and a place for what is made of it.
struct speed_case {
  scratch_folder scratch;
  std::filesystem::path folder = AMQ_SOURCE_FOLDER "/examples/models/tiny";
  std::string path = folder.string();
  std::string tokens = (folder / "calibration.npy").string();

  std::string place(std::string const& name) const { return (scratch.path() / name).string(); }
  std::vector<amq::linear_layer> layers() const { return linears_of(amq::load_config(folder)); }
};

/// A profile of the embedded model in which time is proportional to bits: a search by it is one by bits.
std::string proportional_profile(speed_case const& model, std::string const& name, double three_bits = 3) {
  json products = json::array();
  for (auto const& layer : model.layers())
    for (int const bits : {2, 3, 4})
      products.push_back(
          {{"rows", layer.rows},
           {"cols", layer.cols},
           {"format", std::to_string(bits) + "g128"},
           {"seconds", 1e-9 * static_cast<double>(layer.rows * layer.cols) * (bits == 3 ? three_bits : bits)}});
  json const profile{{"machine", "m"},     {"version", "0"},      {"precision", "f32"}, {"threads", 1},
                     {"context", 64},      {"blocks", 2},         {"clock", "wall"},    {"pass_seconds", 1e-4},
                     {"block_seconds", 0}, {"products", products}};
  model.scratch.write(name, profile.dump());
  return model.place(name);
}

std::vector<std::string> search_of(speed_case const& model, std::string const& out,
                                   std::vector<std::string> const& more) {
  std::vector<std::string> all{
      "search", model.path,      "--tokens", model.tokens, "--sequences",    "2",     "--length", "32", "--seed",
      "1",      "--evaluations", "60",       "--out",      model.place(out), "--json"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

TEST_CASE("a benchmark has a row for each width and for the configuration given", "[speed]") {
  speed_case const model;
  auto const layers = model.layers();
  std::vector<amq::format> formats(layers.size(), {2, 128});
  formats[0] = {4, 128};
  auto const file = model.scratch.path() / "mixed.json";
  amq::write_configuration(file, layers, formats);
  auto const out = model.scratch.path() / "out";
  auto const result = run({"benchmark",       model.path,   "--bits",          "3,16", "--configuration", file.string(),
                           "--prompt-tokens", "8",          "--decode-tokens", "4",    "--repeats",       "1",
                           "--tokens",        model.tokens, "--sequences",     "2",    "--length",        "32",
                           "--out",           out.string(), "--json"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  auto const rows = json::parse(result.out)["configurations"];
  REQUIRE(rows.size() == 3);
  CHECK(rows[0]["name"] == "3 bits");
  CHECK(rows[0]["average_bits"] == 3.25);
  CHECK(rows[1]["speed_up"] == 1.0);
  auto const plain = rows[1]["measured"];
  CHECK(std::abs(plain["jsd"].get<double>()) < 1e-4);
  CHECK(plain["perplexity"].get<double>() == Approx(plain["reference_perplexity"].get<double>()).epsilon(1e-3));
  CHECK(rows[2]["name"] == "mixed");
  CHECK(rows[2]["measured"]["jsd"].get<double>() > rows[0]["measured"]["jsd"].get<double>());
  CHECK(rows[2]["bytes_per_token"].get<double>() < rows[0]["bytes_per_token"].get<double>());
  for (auto const& row : rows) CHECK(row["decode_tokens_per_second"].get<double>() > 0);
  CHECK(lacks(read_bytes(out / "speed.csv"), {"configuration,average_bits", "3 bits,3.25,", "mixed,"}) == "");
  CHECK(std::filesystem::exists(out / "speed.json"));
}

TEST_CASE("a shape runs as many blocks as memory allows and says what it extrapolates", "[speed]") {
  speed_case const model;
  auto const command = [&](std::string const& gib) {
    return run({"benchmark", "--shape", model.path, "--bits", "16", "--prompt-tokens", "4", "--decode-tokens", "2",
                "--repeats", "1", "--memory-gib", gib});
  };
  auto const whole = command("0.1");
  INFO(whole.err);
  REQUIRE(whole.code == 0);
  CHECK(whole.out.find("extrapolated") == std::string::npos);
  CHECK(command("0.001").out.find("extrapolated from 1 of 8 blocks") != std::string::npos);
  CHECK(command("0.0001").err.find("one block") != std::string::npos);
}

TEST_CASE("benchmark and profile refuse what they cannot do in a sentence", "[speed]") {
  speed_case const model;
  CHECK(lacks(refused({"benchmark"}), {"MODEL"}) == "");
  CHECK(lacks(refused({"benchmark", "--shape", "gpt-5"}), {"'gpt-5'", "llama-2-7b", "mistral-7b"}) == "");
  CHECK(lacks(refused({"benchmark", "--shape", "llama-2-7b", "--tokens", model.tokens}), {"random weights"}) == "");
  CHECK(lacks(refused({
                  "benchmark",
                  model.path,
                  "--bits",
                  "7",
              }),
              {"no kernel for 7-bit"}) == "");
  CHECK(lacks(refused({"benchmark", model.path, "--search", "x"}), {"--at-most-bits"}) == "");
  CHECK(lacks(refused({"profile", model.path, "--bits", "2"}), {"--out"}) == "");
  CHECK(lacks(refused({"profile", model.path, "--formats", "3x", "--out", "p.json"}), {"'3x'"}) == "");
}

TEST_CASE("a profile is written and drives a search for speed", "[speed]") {
  speed_case const model;
  auto const file = model.place("profile.json");
  auto const profiled =
      run({"profile", model.path, "--bits", "2,3,4", "--repeats", "1", "--context", "4", "--out", file});
  INFO(profiled.err);
  REQUIRE(profiled.code == 0);
  CHECK(lacks(profiled.out, {"2g128", "4g128", "tokens a second predicted", "8 of 8 blocks"}) == "");
  auto const both = run(search_of(model, "both", {"--objective", "bits,latency", "--profile", file}));
  INFO(both.err);
  REQUIRE(both.code == 0);
  auto const front = json::parse(both.out);
  CHECK(front["objective"] == "bits,latency");
  for (auto const& point : front["points"]) CHECK(point["predicted_tokens_per_second"].get<double>() > 0);
  CHECK(lacks(read_bytes(model.scratch.path() / "both" / "front.csv"), {"loss,predicted_tokens_per_second,model"}) ==
        "");
}

TEST_CASE("where time is proportional to bits a search by latency is as good as the search by bits", "[speed]") {
  speed_case const model;
  auto const file = proportional_profile(model, "p.json");
  auto const by_bits = json::parse(run(search_of(model, "bits", {})).out);
  auto const by_time = json::parse(run(search_of(model, "time", {"--objective", "latency", "--profile", file})).out);
  auto const& points = by_time["points"];
  REQUIRE(points.size() > 5);
  CHECK(points[0]["configuration"] == by_bits["points"][0]["configuration"]);
  CHECK(points.back()["average_bits"] == by_bits["points"].back()["average_bits"]);
  for (std::size_t i = 1; i < points.size(); ++i) {
    CHECK(points[i]["predicted_tokens_per_second"] < points[i - 1]["predicted_tokens_per_second"]);
    CHECK(points[i]["loss"] < points[i - 1]["loss"]);
  }
  CHECK(by_time["hypervolume"].get<double>() == Approx(by_bits["hypervolume"].get<double>()).epsilon(0.02));
}

TEST_CASE("a search by latency is resumed with its own profile only, and deploys by speed", "[speed]") {
  speed_case const model;
  auto const file = proportional_profile(model, "p.json"), other = proportional_profile(model, "q.json", 3.5);
  auto const by = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"--objective", "latency"});
    return search_of(model, "time", more);
  };
  auto const found = run(by({"--profile", file}));
  REQUIRE(found.code == 0);
  CHECK(lacks(refused(by({"--profile", other, "--resume"})), {"profile is "}) == "");
  CHECK(lacks(refused(search_of(model, "time", {"--resume"})), {"objective is latency (wanted bits)"}) == "");
  CHECK(json::parse(run(by({"--profile", file, "--resume"})).out)["points"] == json::parse(found.out)["points"]);

  auto const points = json::parse(found.out)["points"];
  double const middle = points[points.size() / 2]["predicted_tokens_per_second"];
  auto const folder = model.place("time");
  auto const deploy = [&](std::string const& speed, std::string const& out) {
    return run({"deploy", folder, "--at-least-tokens-per-second", speed, "--out", model.place(out), "--json"});
  };
  auto const made = deploy(std::to_string(middle * (1 - 1e-6)), "made");
  INFO(made.err);
  REQUIRE(made.code == 0);
  CHECK(json::parse(made.out)["average_bits"] == points[points.size() / 2]["average_bits"]);
  auto const never = deploy("1e12", "never");
  CHECK(never.code == 2);
  CHECK(lacks(never.err, {"1000000000000.0 tokens a second", "the fastest has"}) == "");
}

TEST_CASE("objectives that do not fit together are refused, with what would do", "[speed]") {
  speed_case const model;
  auto const file = proportional_profile(model, "p.json");
  auto const refuse = [&](std::vector<std::string> const& more) { return refused(search_of(model, "never", more)); };
  CHECK(lacks(refuse({"--objective", "latency"}), {"--profile", "amq profile"}) == "");
  CHECK(lacks(refuse({"--objective", "speed"}), {"speed", "bits, latency"}) == "");
  CHECK(lacks(refuse({"--profile", file}), {"--objective latency"}) == "");
  CHECK(lacks(refuse({"--objective", "latency", "--profile", file, "--bits", "2,5"}),
              {"5g128", "2g128, 3g128, 4g128"}) == "");
  std::vector<std::string> const both{"--objective", "bits,latency", "--profile", file};
  auto const with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), both.begin(), both.end());
    return refuse(more);
  };
  CHECK(lacks(with({"--preset", "greedy"}), {"preset greedy heeds two objectives", "best, share"}) == "");
  CHECK(lacks(with({"--infill", "spread"}), {"infill spread heeds two objectives", "crowding"}) == "");
  CHECK(lacks(with({"--optimizer", "local_knapsack"}), {"local_knapsack heeds two", "nsga2"}) == "");
}
