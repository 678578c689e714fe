// Configuration files: what is written is read back, and each mistake in one is a sentence.
#include "amq/io/configuration_file.hpp"

#include <filesystem>
#include <fstream>

#include "support/catch.hpp"
#include "support/files.hpp"

namespace {

std::vector<amq::linear_layer> const layers{
    {"z.q_proj", 2, 256, 0, 0}, {"a.k_proj", 2, 256, 0, 1}, {"m.v_proj", 2, 128, 0, 2}};

/// A file of its own, gone at the end of the test; tests run beside each other.
struct scratch_file {
  amq_test::scratch_folder folder;
  std::filesystem::path path = folder.path() / "amq_configuration_file_test.json";

  explicit scratch_file(std::string const& text = "") { std::ofstream(path) << text; }
};

std::string refusal(std::string const& text, std::optional<int> group = {}) {
  scratch_file const file(text);
  try {
    amq::read_configuration(file.path, layers, group);
  } catch (amq::input_error const& e) {
    std::string const what = e.what();
    REQUIRE(what.find("amq_configuration_file_test.json") != std::string::npos);
    REQUIRE(what.size() <= 600);
    return what;
  }
  return "";
}

bool contains(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a configuration file is read back as it was written, layers in checkpoint order", "[configuration_file]") {
  scratch_file const file;
  for (int group : {64, amq::format::whole_row}) {
    std::vector<amq::format> const written{{2, group}, {8, group}, {3, group}};
    amq::write_configuration(file.path, layers, written);
    REQUIRE(amq::read_configuration(file.path, layers) == written);
    REQUIRE(amq::read_configuration(file.path, layers, group) == written);
  }
  std::ifstream stream(file.path);
  std::string const text(std::istreambuf_iterator<char>(stream), {});
  REQUIRE(text.find("z.q_proj") < text.find("a.k_proj"));
  REQUIRE_THROWS_AS(amq::to_json(layers, std::vector<amq::format>(2)), amq::precondition_error);
}

TEST_CASE("a configuration file in anybody's order and spacing is read", "[configuration_file]") {
  scratch_file const file(R"({"bits":{"m.v_proj":4,"z.q_proj":2,"a.k_proj":3},"group_size":128,"note":"mine"})");
  REQUIRE(amq::read_configuration(file.path, layers) == std::vector<amq::format>{{2, 128}, {3, 128}, {4, 128}});
}

TEST_CASE("formats of different kinds are written by their spellings", "[configuration_file]") {
  scratch_file const file;
  std::vector<amq::format> const written{{2, 64}, amq::bitstack_levels<3>::value, amq::kept<amq::bf16>::value};
  amq::write_configuration(file.path, layers, written);
  REQUIRE(amq::read_configuration(file.path, layers) == written);
  REQUIRE(contains(refusal(R"({"formats":{"m.v_proj":"4g64","z.q_proj":"9g64","a.k_proj":"3g64"}})"),
                   "'9g64' of z.q_proj is no format"));
  REQUIRE(contains(refusal(R"({"formats":{"m.v_proj":"4g64","z.q_proj":"3g96","a.k_proj":"3g64"}})"),
                   "a group of 96 does not divide"));
}

TEST_CASE("each mistake in a configuration file is named", "[configuration_file]") {
  std::string const good = R"("bits":{"m.v_proj":4,"z.q_proj":2,"a.k_proj":3}})";
  REQUIRE(refusal(R"({"group_size":128,)" + good).empty());
  REQUIRE(contains(refusal(R"({"group_size":128,)" + good, 64), "'group_size' is 128, but the group asked for is 64"));
  REQUIRE(contains(refusal(R"({"group_size":"128",)" + good), "'group_size' is \"128\""));
  REQUIRE(contains(refusal("{" + good), "lacks the key 'group_size'"));
  REQUIRE(contains(refusal(R"({"group_size":128})"), "lacks the object 'bits'"));
  REQUIRE(contains(refusal(R"({"group_size":128,"bits":[2,3,4]})"), "lacks the object 'bits'"));
  REQUIRE(contains(refusal(R"({"group_size":96,)" + good), "a group of 96 does not divide"));
  REQUIRE(contains(refusal(R"({"group_size":128,"bits":{"m.v_proj":4,"z.q_proj":2}})"),
                   "'bits' lacks the linear layer 'a.k_proj'"));
  REQUIRE(contains(refusal(R"({"group_size":128,"bits":{"m.v_proj":4,"z.q_proj":2,"a.k_proj":3,"lm_head":4}})"),
                   "'bits' names 'lm_head', which is not a linear layer"));
  for (char const* value : {"1", "9", "16", "-2", "2.5", "\"2\"", "null", "99999999999999999999"}) {
    CAPTURE(value);
    REQUIRE(contains(
        refusal(R"({"group_size":128,"bits":{"m.v_proj":4,"z.q_proj":2,"a.k_proj":)" + std::string(value) + "}}"),
        "'a.k_proj' is "));
  }
  REQUIRE(contains(refusal(R"({"group_size":128,)"), "not valid JSON"));
  REQUIRE(!refusal("").empty());
  REQUIRE(!refusal("[]").empty());
}

TEST_CASE("a configuration file that cannot be read or written is named", "[configuration_file]") {
  REQUIRE_THROWS_AS(amq::read_configuration("/nonexistent/c.json", layers), amq::input_error);
  REQUIRE_THROWS_AS(amq::write_configuration("/nonexistent/c.json", layers, std::vector<amq::format>(3, {2, 64})),
                    amq::input_error);
}
