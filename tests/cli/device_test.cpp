// --device: what it refuses, and everything that runs on devices, in a program whose devices are the host.
#include <nlohmann/json.hpp>

#include <cstdlib>

#include "support/archive_rows.hpp"
#include "support/packed_embedded.hpp"
#include "support/program.hpp"

using namespace amq_test;
using json = nlohmann::json;
using strings = std::vector<std::string>;

namespace {

std::string const embedded = AMQ_SOURCE_FOLDER "/examples/models/tiny";

/// The program with two devices that are the host.
outcome run_there(strings arguments) {
  ::setenv("AMQ_TEST_MODEL", embedded.c_str(), 1);
  return running_program(std::move(arguments), 0, AMQ_PROGRAM_ON_HOST).wait();
}

outcome run_failing(int at, strings arguments) {
  ::setenv("AMQ_TEST_FAILURE", std::to_string(at).c_str(), 1);
  auto result = run_there(std::move(arguments));
  ::unsetenv("AMQ_TEST_FAILURE");
  return result;
}

strings measuring(std::string const& command, strings const& more) {
  strings all{command, embedded, "--tokens", embedded + "/calibration.npy", "--sequences", "2", "--length", "32"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

strings searching(std::filesystem::path const& out, strings const& more) {
  auto all = measuring("search", {"--seed", "5", "--preset", "random", "--evaluations", "12", "--out", out.string()});
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::string refused_there(strings arguments) {
  auto const result = run_there(std::move(arguments));
  return result.code == 2 && result.out.empty() ? result.err : "not refused: " + std::to_string(result.code);
}

}  // namespace

TEST_CASE("a --device that names no device is refused in a sentence") {
  scratch_folder const scratch;
  auto const out = scratch.path() / "out";
  auto const why = [&](std::string const& device, strings more = {}) {
    more.insert(more.end(), {"--device", device});
    return refused_there(searching(out, more));
  };
  for (char const* const text :
       {"tpu", "cuda:", "cuda:x", "cuda:-1", "cuda:0,", "cuda:0;1", "cuda0", "cuda:1x", "CUDA", "cuda:99999999999"})
    CHECK(lacks(why(text), {std::string("--device ") + text, "cuda:0,1"}) == "");
  CHECK(lacks(why("cuda:0,0"), {"device 0 twice"}) == "");
  CHECK(lacks(why("cuda:0,7"), {"cuda:7", "from 0 to 1"}) == "");
  CHECK(lacks(why("cuda", {"--precision", "int8"}), {"--precision int8", "on cuda", "f16"}) == "");
  CHECK(lacks(why("cpu", {"--precision", "f16"}), {"--precision f16", "on the cpu", "int8"}) == "");
  CHECK(lacks(why("cuda", {"--formats", "2g128,7g128"}), {"7g128", "cuda"}) == "");
  CHECK(lacks(why("cuda", {"--evaluator", "cat"}), {"--evaluator", "--device"}) == "");
  CHECK(lacks(why("cuda", {"--proxy", "awq"}), {"--proxy awq", "gptq", "--device cpu"}) == "");
  CHECK(lacks(refused_there({"generate", embedded, "--prompt", "x", "--device", "cuda:0,1"}), {"names 2", "one"}) ==
        "");
  CHECK(lacks(refused_there({"benchmark", embedded, "--device", "cuda:2"}), {"cuda:2"}) == "");
  CHECK_FALSE(std::filesystem::exists(out));
}

TEST_CASE("a program without CUDA says how to build it in") {
  if (AMQ_PROGRAM_HAS_CUDA) return;
  scratch_folder const scratch;
  auto const out = scratch.path() / "out";
  for (auto const& arguments :
       {searching(out, {"--device", "cuda"}), measuring("sensitivity", {"--device", "cuda:0,1"}),
        strings{"generate", embedded, "--prompt", "x", "--device", "cuda"},
        strings{"benchmark", "--shape", embedded, "--device", "cuda:1"}})
    CHECK(lacks(refused(arguments), {"without CUDA", "-DAMQ_CUDA=ON", "12.4"}) == "");
  CHECK_FALSE(std::filesystem::exists(out));
}

TEST_CASE("a search on one device or two records what the host measures") {
  scratch_folder const scratch;
  auto const search = [&](std::string const& out, strings const& more) {
    auto const result = run_there(searching(scratch.path() / out, more));
    INFO(result.err);
    REQUIRE(result.code == 0);
    return archive_rows(scratch.path() / out);
  };
  auto const here = search("here", {"--precision", "f32"});
  REQUIRE(here.size() == 12);
  CHECK(search("one", {"--precision", "f32", "--device", "cuda"}) == here);
  CHECK(search("two", {"--precision", "f32", "--device", "cuda:1,0"}) == here);
  CHECK(search("tied", {"--precision", "f32", "--device", "cuda", "--tie", "qkv"}).size() == 12);
}

TEST_CASE("a device that fails in a search leaves an archive that another run continues") {
  scratch_folder const scratch;
  auto const straight = scratch.path() / "straight", broken = scratch.path() / "broken";
  REQUIRE(run_there(searching(straight, {"--device", "cuda", "--precision", "f16"})).code == 0);
  auto const failed = run_failing(7, searching(broken, {"--device", "cuda", "--precision", "f16"}));
  CHECK(failed.code == 1);
  CHECK(lacks(failed.err, {"illegal memory access", "7 evaluations are kept", "archive.sqlite", "--resume"}) == "");
  CHECK(archive_rows(broken).size() == 7);
  CHECK(lacks(refused_there(searching(broken, {"--resume", "--device", "cpu"})), {"device is cuda (wanted cpu)"}) ==
        "");
  CHECK(lacks(refused_there(searching(broken, {"--resume", "--precision", "bf16"})),
              {"precision is f16 (wanted bf16)"}) == "");
  auto const resumed = run_there(searching(broken, {"--resume"}));  // device and precision are what it began with
  INFO(resumed.err);
  CHECK(resumed.code == 0);
  CHECK(archive_rows(broken) == archive_rows(straight));
}

TEST_CASE("sensitivities and the gap between quantizers are measured on a device, too") {
  scratch_folder const scratch;
  auto const both = [&](auto const& arguments, auto const& read) {
    auto with_device = arguments;
    with_device.insert(with_device.end(), {"--device", "cuda:1"});
    auto const here = run_there(arguments), there = run_there(with_device);
    INFO(there.err);
    REQUIRE(here.code == 0);
    REQUIRE(there.code == 0);
    CHECK(read(json::parse(there.out)) == read(json::parse(here.out)));
  };
  both(measuring("sensitivity", {"--precision", "f32", "--json"}), [](json const& all) { return all["layers"]; });
  both(measuring("gap", {"--precision", "f32", "--json", "--deployment", "gptq", "--levels", "2", "--configurations",
                         "3", "--out", (scratch.path() / "gap").string()}),
       [](json all) { return all.erase("seconds"), all; });
}

TEST_CASE("a text that a device writes is the host's, and a benchmark there has a device's name") {
  auto const write = [&](std::string const& device) {
    auto const result = run_there({"generate", embedded, "--prompt", "The king", "--tokens", "20", "--precision", "f32",
                                   "--temperature", "0.8", "--seed", "3", "--device", device});
    INFO(result.err);
    CHECK(result.code == 0);
    return result;
  };
  auto const there = write("cuda");
  CHECK(there.out == write("cpu").out);
  CHECK(lacks(there.err, {"host, f32"}) == "");

  auto const timed = run_there({"benchmark", embedded, "--device", "cuda:0", "--bits", "3,16", "--prompt-tokens", "4",
                                "--decode-tokens", "2", "--repeats", "1", "--json"});
  INFO(timed.err);
  REQUIRE(timed.code == 0);
  auto const table = json::parse(timed.out);
  CHECK(table["machine"] == "host");
  CHECK(table["precision"] == "bf16");
  REQUIRE(table["configurations"].size() == 2);
  CHECK(table["configurations"][0]["decode_tokens_per_second"].get<double>() > 0);
}
