// What the program hands to other programs and takes from them: archives, sensitivities, evaluators; and the gap.
#include <nlohmann/json.hpp>

#include "support/program.hpp"
#include "support/small_model.hpp"

using amq_test::lacks;
using amq_test::read_bytes;
using amq_test::refused;
using amq_test::run;
using amq_test::small_model;
using json = nlohmann::json;

namespace {

std::string place(small_model const& model, std::string const& name) {
  return (model.scratch().path() / name).string();
}

std::vector<std::string> measuring(small_model const& model, std::string const& command,
                                   std::vector<std::string> more) {
  std::vector<std::string> arguments{command, model.path(), "--tokens", model.tokens(), "--group",
                                     "16",    "--length",   "48",       "--sequences",  "2"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::vector<std::string> search(small_model const& model, std::string const& out, std::vector<std::string> more) {
  more.insert(more.begin(), {"--seed", "5", "--out", place(model, out)});
  return measuring(model, "search", more);
}

/// Answers each line with a loss made of its id; `more` runs first, for configuration $id.
std::string child(std::string const& about, std::string const& more = "true") {
  return R"(read -r first; echo '{"protocol":"amq-evaluator","version":1)" + about +
         R"(}'; while read -r line; do id=${line#*\"id\":}; id=${id%%,*}; )" + more +
         R"(; echo "{\"id\":$id,\"loss\":0.${id}5}"; done)";
}

}  // namespace

TEST_CASE("an archive goes out as CSV and comes back the same") {
  small_model const model;
  REQUIRE(run(search(model, "s", {"--evaluations", "24"})).code == 0);
  auto const first = place(model, "first.csv"), second = place(model, "second.csv");
  CHECK(run({"archive", "export", place(model, "s"), "--out", first}).code == 0);
  auto const imported = run({"archive", "import", first, "--out", place(model, "b.sqlite"), "--json"});
  CHECK(imported.code == 0);
  CHECK(json::parse(imported.out)["evaluations"] == 24);
  CHECK(run({"archive", "export", place(model, "b.sqlite"), "--out", second}).code == 0);
  CHECK(read_bytes(first) == read_bytes(second));
  CHECK(lacks(read_bytes(first), {"# amq archive 1\n", "# model_sha256: ", "\nuniform,0,1,"}) == "");
  CHECK(lacks(refused({"archive", "import", first, "--out", place(model, "b.sqlite")}), {"there already"}) == "");
  CHECK(lacks(refused({"archive", "export", place(model, "nothing"), "--out", second}), {"no archive"}) == "");
  CHECK(lacks(refused({"archive"}), {"subcommand"}) == "");
}

TEST_CASE("sensitivities come from AMQ's own files and go where landscapes are made") {
  small_model const model;
  json losses;
  for (int block = 0; block < 2; ++block)
    for (std::string const matrix : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                                     "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"})
      losses[std::to_string(block) + "." + matrix] = 0.01 * static_cast<double>(losses.size() + 1);
  auto const file = model.scratch().write("s.json", json{{"model_name", "m"}, {"loss", losses}}.dump()).string();
  auto const archive = place(model, "a.sqlite"), csv = place(model, "s.csv"), again = place(model, "again.csv");
  CHECK(lacks(refused({"archive", "import", file, "--out", archive}), {"--model"}) == "");
  CHECK(run({"archive", "import", file, "--model", model.path(), "--group", "16", "--out", archive}).code == 0);
  CHECK(run({"archive", "export", archive, "--sensitivities", "--out", csv}).code == 0);
  CHECK(lacks(read_bytes(csv), {"layer,rows,cols,jsd_alone_at_2_bits\n", "model.layers.0.self_attn.q_proj,64,64,0.01",
                                "model.layers.1.mlp.down_proj,64,"}) == "");
  CHECK(run({"archive", "import", csv, "--group", "16", "--out", place(model, "b.sqlite")}).code == 0);
  CHECK(run({"archive", "export", place(model, "b.sqlite"), "--sensitivities", "--out", again}).code == 0);
  CHECK(read_bytes(again) == read_bytes(csv));
}

TEST_CASE("another program measures for a search, and its failures are its own") {
  small_model const model;
  auto const done =
      run(search(model, "s",
                 {"--evaluations", "30", "--evaluator", child(R"(,"about":{"loss":"jsd"})", "[ $id = 4 ] && exit 3")}));
  CHECK(done.code == 0);
  CHECK(lacks(done.err, {"could not be measured", "exit status 3"}) == "");
  CHECK(lacks(refused(search(model, "s", {"--evaluations", "40", "--resume"})), {"proxy is process"}) == "");
  auto const resumed = run(search(model, "s", {"--evaluations", "40", "--resume", "--evaluator", child("")}));
  CHECK(resumed.code == 0);
  CHECK(lacks(resumed.err, {"evaluator"}) == "");
}

TEST_CASE("an evaluator that cannot begin or measures another loss is refused, and nothing is left") {
  small_model const model;
  auto const refusal = [&](std::string const& command) {
    return refused(search(model, "s", {"--evaluations", "30", "--evaluator", command}));
  };
  CHECK(lacks(refusal("exit 7"), {"'exit 7'", "exit status 7"}) == "");
  CHECK(lacks(refusal(child(R"(,"about":{"loss":"kl"})")), {"'kl'", "--loss is jsd"}) == "");
  CHECK_FALSE(std::filesystem::exists(place(model, "s")));
}

TEST_CASE("the gap between two quantizers, in numbers, rows and a picture") {
  small_model const model;
  auto const out = place(model, "gap");
  auto const done = run(
      measuring(model, "gap", {"--levels", "3", "--configurations", "6", "--width", "0.05", "--out", out, "--json"}));
  REQUIRE(done.code == 0);
  auto const printed = json::parse(done.out);
  CHECK(printed == json::parse(read_bytes(out + "/gap.json")));
  CHECK(printed["proxy"] == "hqq");
  CHECK(printed["deployment"] == "rtn");
  CHECK(printed["figures"]["tau"].is_number());
  CHECK(printed["figures"]["mean_regret"].get<double>() >= 0);
  REQUIRE(!printed["corrections"].empty());
  CHECK(printed["corrections"][0]["measured"] == 8);
  auto const csv = read_bytes(out + "/gap.csv");
  CHECK(static_cast<std::size_t>(std::count(csv.begin(), csv.end(), '\n')) ==
        printed["configurations"].get<std::size_t>() + 1);
  auto const same = run(measuring(
      model, "gap",
      {"--deployment", "hqq", "--levels", "2", "--configurations", "4", "--width", "0.05", "--out", out, "--json"}));
  CHECK(json::parse(same.out)["figures"]["tau"] == 1);
  CHECK(json::parse(same.out)["figures"]["worst_regret"] == 0);
  CHECK(lacks(refused(measuring(model, "gap", {"--deployment", "none", "--out", out})), {"'none'", "rtn"}) == "");
  CHECK(lacks(refused(measuring(model, "gap", {"--levels", "0", "--out", out})), {"--levels"}) == "");
  CHECK(lacks(refused(measuring(model, "gap", {"--bits", "3", "--out", out})), {"one choice", "two widths"}) == "");
}
