// Policies by name from outside: the list, combinations, and what is refused.
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/program.hpp"

namespace {

using amq_test::lacks;
using nlohmann::json;

std::set<std::string> names(json const& lines) {
  std::set<std::string> all;
  for (auto const& line : lines) all.insert(line["name"].get<std::string>());
  return all;
}

std::string joined(std::set<std::string> const& all) {
  std::string text;
  for (auto const& name : all) text += (text.empty() ? "" : ",") + name;
  return text;
}

json listed() { return json::parse(amq_test::run({"policies", "--json"}).out); }

/// Ten layers on a synthetic landscape.
amq_test::outcome compare(std::vector<std::string> const& more) {
  amq_test::scratch_folder const folder;
  std::string csv = "layer,rows,cols,jsd_alone_at_2_bits\n";
  for (int l = 0; l < 10; ++l)
    csv += "model.layers.0.part" + std::to_string(l) + ",256,128,0.0" + std::to_string(10 + l) + "\n";
  std::vector<std::string> arguments{"compare",
                                     "--landscape",
                                     "flat",
                                     "--sensitivity",
                                     folder.write("s.csv", csv).string(),
                                     "--out",
                                     (folder.path() / "out").string(),
                                     "--seeds",
                                     "1",
                                     "--probes",
                                     "2",
                                     "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return amq_test::run(arguments);
}

}  // namespace

TEST_CASE("amq policies lists every policy with what it is", "[policies]") {
  auto const all = listed();
  CHECK(names(all["presets"]) == std::set<std::string>{"amq", "amq_as_released", "best", "evolution", "gp_ehvi",
                                                       "greedy", "knapsack", "moead_only", "nsga2_only", "random",
                                                       "share"});
  CHECK(names(all["predictors"]) == std::set<std::string>{"additive", "additive_gp", "gp", "gp_hamming", "gp_matern32",
                                                          "gp_rbf", "log_gp", "log_rbf", "mlp", "rbf", "rbf_gaussian",
                                                          "rbf_linear", "rbf_thin_plate", "share"});
  CHECK(names(all["optimizers"]) ==
        std::set<std::string>{"knapsack", "local_knapsack", "local_search", "moead", "nsga2"});
  CHECK(names(all["infills"]) == std::set<std::string>{"crowding", "ehvi", "ehvi_log", "hypervolume", "hypervolume_log",
                                                       "hypervolume_raw", "spread", "thompson"});
  for (auto const& [kind, lines] : all.items())
    for (auto const& line : lines) CHECK(line["description"].get<std::string>().size() > 10);
  auto const text = amq_test::run({"policies"});
  CHECK(text.code == 0);
  CHECK(lacks(text.out, {"presets:", "predictor share, optimizer local_knapsack, infill hypervolume", "eta=1e-6",
                         "needs a predictor that knows how unsure it is"}) == "");
}

TEST_CASE("presets name parts that are offered", "[policies]") {
  auto const all = listed();
  for (auto const& preset : all["presets"]) {
    if (!preset.contains("predictor")) continue;
    CHECK(names(all["predictors"]).contains(preset["predictor"].get<std::string>()));
    CHECK(names(all["optimizers"]).contains(preset["optimizer"].get<std::string>()));
    CHECK(names(all["infills"]).contains(preset["infill"].get<std::string>()));
  }
}

TEST_CASE("every preset runs", "[policies]") {
  auto const result = compare({"--strategies", joined(names(listed()["presets"])), "--evaluations", "60"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  auto const strategies = json::parse(result.out)["strategies"];
  CHECK(strategies.size() == 11);
  for (auto const& [name, figures] : strategies.items()) CHECK(figures["hypervolume"]["mean"].get<double>() > 0.5);
}

TEST_CASE("every predictor, optimizer and infill runs in place of a preset's own", "[policies]") {
  auto const all = listed();
  auto const runs = [&](std::string const& strategy, std::string const& part, std::set<std::string> const& choices) {
    auto const result =
        compare({"--strategies", strategy, "--vary", part + "=" + joined(choices), "--evaluations", "60"});
    INFO(result.err);
    REQUIRE(result.code == 0);
    CHECK(json::parse(result.out)["strategies"].size() == choices.size());
  };
  runs("amq", "predictor", names(all["predictors"]));
  runs("share", "optimizer", names(all["optimizers"]));
  runs("share", "infill", names(all["infills"]));
}

TEST_CASE("names that nothing has, and parts that do not fit, are refused before anything is measured", "[policies]") {
  auto const refused = [](std::vector<std::string> more) {
    more.insert(more.end(), {"--evaluations", "60"});
    auto const result = compare(more);
    CHECK(result.code == 2);
    return result.err;
  };
  CHECK(lacks(refused({"--strategies", "bests"}), {"'bests'", "a preset", "did you mean best?"}) == "");
  CHECK(lacks(refused({"--strategies", "amq", "--vary", "predictor=gp_rgb"}), {"did you mean gp_rbf?", "share"}) == "");
  CHECK(lacks(refused({"--strategies", "amq", "--vary", "infill=thompson"}),
              {"infill thompson", "rbf does not", "share", "gp"}) == "");
  CHECK(lacks(refused({"--strategies", "amq", "--vary", "optimizer=knapsack"}),
              {"optimizer knapsack", "layer's choices cost", "additive"}) == "");
  CHECK(lacks(refused({"--strategies", "greedy", "--vary", "predictor=rbf"}), {"greedy has no predictor"}) == "");
  CHECK(lacks(refused({"--strategies", "amq", "--vary", "kernel=cubic"}), {"'kernel'", "predictor, optimizer"}) == "");
}

TEST_CASE("amq search refuses the same", "[policies]") {
  auto const tiny = std::string(AMQ_SOURCE_FOLDER) + "/examples/models/tiny";
  amq_test::scratch_folder const folder;
  auto const refused = [&](std::string const& option, std::string const& name) {
    auto const out = folder.path() / "out";
    auto const result = amq_test::run({"search", tiny, "--tokens", tiny + "/calibration.npy", "--seed", "1", "--out",
                                       out.string(), "--preset", "amq", option, name});
    CHECK(result.code == 2);
    CHECK_FALSE(std::filesystem::exists(out));
    return result.err;
  };
  CHECK(lacks(refused("--predictor", "rfb"), {"'rfb'", "did you mean rbf?"}) == "");
  CHECK(lacks(refused("--optimizer", "moaed"), {"'moaed'", "did you mean moead?"}) == "");
  CHECK(lacks(refused("--infill", "ehvi"), {"infill ehvi", "how unsure", "rbf does not"}) == "");
}
