// amq compare from outside: files, continuing, the real model, and what is refused.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/program.hpp"

namespace {

using amq_test::lacks;
using amq_test::read_bytes;

constexpr int layers = 14;

std::string sensitivities() {
  std::string csv = "layer,rows,cols,jsd_alone_at_2_bits\n";
  for (int l = 0; l < layers; ++l)
    csv += "model.layers." + std::to_string(l / 7) + ".part" + std::to_string(l % 7) + ",256,128,0.0" +
           std::to_string(10 + l) + "\n";
  return csv;
}

class compare_folder {
 public:
  compare_folder() : file_(folder_.write("s.csv", sensitivities())) {}

  std::filesystem::path out() const { return folder_.path() / "out"; }
  std::filesystem::path const& sensitivity() const { return file_; }
  std::string read(std::string const& name) const { return read_bytes(out() / name); }

  amq_test::outcome compare(std::vector<std::string> const& more) const {
    std::vector<std::string> arguments{"compare", "--out", out().string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return amq_test::run(arguments);
  }
  amq_test::outcome on(std::string const& landscape, std::vector<std::string> more) const {
    more.insert(more.end(), {"--landscape", landscape, "--sensitivity", file_.string()});
    return compare(more);
  }

 private:
  amq_test::scratch_folder folder_;
  std::filesystem::path file_;
};

TEST_CASE("a comparison leaves its rows, figures and pictures, and goes on where it was", "[compare]") {
  compare_folder const folder;
  std::vector<std::string> const small{"--strategies", "amq,random", "--evaluations", "60", "--seeds"};
  auto with_seeds = [&](std::string const& seeds) {
    auto arguments = small;
    arguments.push_back(seeds);
    return folder.on("deep", arguments);
  };
  auto const first = with_seeds("2");
  INFO(first.err);
  REQUIRE(first.code == 0);
  CHECK(lacks(first.out, {"strategy", "amq", "random"}) == "");
  auto const rows = folder.read("compare.csv");
  CHECK(rows.starts_with("strategy,seed,evaluations,seconds,hypervolume,log_hypervolume\namq,1,3,"));
  CHECK(lacks(rows, {"\namq,2,60,", "\nrandom,2,60,"}) == "");
  auto const summary = nlohmann::json::parse(folder.read("summary.json"));
  CHECK(summary["strategies"]["random"]["runs"] == 2);
  CHECK(summary["to_amqs_end"]["hypervolume"]["strategies"].contains("random"));
  if (std::filesystem::exists(folder.out() / "hypervolume.svg"))
    for (auto const* picture : {"log_hypervolume.svg", "losses.svg", "ranking.svg", "attainment.svg"})
      CHECK(folder.read(picture).find("</svg>") != std::string::npos);

  auto const second = with_seeds("3");
  CHECK(second.code == 0);
  CHECK(second.err.find("seed 1") == std::string::npos);
  auto const grown = folder.read("compare.csv");
  for (auto const* row : {"\namq,3,60,", "\nrandom,3,60,"}) CHECK(grown.find(row) != std::string::npos);
  auto const kept = rows.substr(rows.find("\namq,2,60,"), 30);
  CHECK(grown.find(kept) != std::string::npos);

  auto const other = folder.on("flat", {"--evaluations", "60"});
  CHECK(other.code == 2);
  CHECK(lacks(other.err, {"settings.json", "landscape", "--out"}) == "");
}

TEST_CASE("varied parts make a factorial", "[compare]") {
  compare_folder const folder;
  auto const result = folder.on("chain", {"--strategies", "amq", "--vary", "predictor=rbf,rbf_thin_plate",
                                          "--evaluations", "60", "--seeds", "2", "--json"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  auto const summary = nlohmann::json::parse(result.out);
  CHECK(summary["strategies"].contains("amq predictor=rbf_thin_plate"));
  CHECK(summary["factorial"]["hypervolume"]["factors"]["predictor"]["levels"].size() == 2);
}

TEST_CASE("a real model's measurements are kept for the next strategy", "[compare]") {
  compare_folder const folder;
  auto const model = std::string(AMQ_SOURCE_FOLDER) + "/examples/models/tiny";
  std::vector<std::string> const arguments{
      "--landscape",   "model", "--model",  model, "--tokens", model + "/calibration.npy",
      "--sequences",   "1",     "--length", "16",  "--seeds",  "1",
      "--evaluations", "70"};
  auto const with = [&](std::string const& strategy) {
    auto all = arguments;
    all.insert(all.end(), {"--strategies", strategy});
    return folder.compare(all);
  };
  auto const first = with("amq");
  INFO(first.err);
  REQUIRE(first.code == 0);
  CHECK(std::filesystem::exists(folder.out() / "measured.sqlite"));
  CHECK(with("amq,amq_as_released").code == 0);
  CHECK(folder.read("compare.csv").find("\namq,1,70,") != std::string::npos);

  amq_test::scratch_folder const replay;
  auto const table = amq_test::run({"compare", "--landscape", "table", "--archive",
                                    (folder.out() / "measured.sqlite").string(), "--strategies", "amq", "--evaluations",
                                    "70", "--seeds", "1", "--out", (replay.path() / "out").string()});
  INFO(table.err);
  CHECK(table.code == 0);
  auto const final_of = [](std::filesystem::path const& file) {
    return nlohmann::json::parse(read_bytes(file / "summary.json"))["strategies"]["amq"]["hypervolume"]["mean"];
  };
  CHECK(final_of(replay.path() / "out") == final_of(folder.out()));

  auto const across = amq_test::run({"compare", "--across", folder.out().string()});
  CHECK(across.code == 2);
  CHECK(lacks(across.err, {"at least two"}) == "");
  auto const twice = amq_test::run({"compare", "--across", folder.out().string(), folder.out().string()});
  CHECK(twice.code == 2);
  CHECK(lacks(twice.err, {"given twice"}) == "");
}

TEST_CASE("bad comparisons are refused before anything is run", "[compare]") {
  compare_folder const folder;
  auto const refused = [&](std::vector<std::string> const& arguments) {
    auto const result = folder.compare(arguments);
    CHECK(result.code == 2);
    return result.err;
  };
  CHECK(lacks(refused({}), {"needs --landscape"}) == "");
  CHECK(lacks(refused({"--landscape", "flat"}), {"needs --evaluations"}) == "");
  CHECK(lacks(refused({"--landscape", "hills"}), {"hills"}) == "");
  CHECK(lacks(refused({"--landscape", "flat", "--evaluations", "10"}), {"--sensitivity"}) == "");
  CHECK(lacks(refused({"--landscape", "table", "--evaluations", "10"}), {"--archive"}) == "");
  CHECK(lacks(refused({"--landscape", "model", "--evaluations", "10"}), {"--model"}) == "");
  auto const on_deep = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(),
                     {"--landscape", "deep", "--sensitivity", folder.sensitivity().string(), "--evaluations", "30"});
    return refused(arguments);
  };
  CHECK(lacks(on_deep({"--strategies", "gready"}), {"gready"}) == "");
  CHECK(lacks(on_deep({"--strategies", "amq,amq"}), {"'amq'", "twice"}) == "");
  CHECK(lacks(on_deep({"--vary", "predictor"}), {"PART=NAME"}) == "");
  CHECK(lacks(on_deep({"--vary", "weather=a,b"}), {"weather"}) == "");
  CHECK(lacks(on_deep({"--candidates", "0"}), {"--candidates"}) == "");
  CHECK(lacks(on_deep({"--seeds", "0"}), {"--seeds"}) == "");
  CHECK_FALSE(std::filesystem::exists(folder.out() / "compare.csv"));
}

}  // namespace
