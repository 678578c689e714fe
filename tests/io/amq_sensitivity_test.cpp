#include "amq/io/amq_sensitivity.hpp"

#include "support/files.hpp"

using namespace amq_test;

namespace {

std::vector<amq::linear_layer> const layers{{"model.layers.0.self_attn.q_proj", 128, 128, 0, 0},
                                            {"model.layers.0.mlp.up_proj", 256, 128, 0, 1},
                                            {"model.layers.10.self_attn.q_proj", 128, 128, 10, 0}};
std::vector<amq::format> const formats{{2, 128}, {3, 128}, {4, 128}};
amq::losses_by_layer const expected{{"0.self_attn.q_proj", 0.0625}, {"0.mlp.up_proj", 0.5}, {"10.self_attn.q_proj", 1}};

}  // namespace

TEST_CASE("sensitivities as AMQ's code writes them: JSON, or two lines of CSV") {
  scratch_folder const folder;
  auto const json = folder.write("a.json", R"( {"model_name": "m", "loss": {"10.self_attn.q_proj": 1,
    "0.self_attn.q_proj": 0.0625, "0.mlp.up_proj": 5e-1}, "time_elapsed": 3.5})");
  CHECK(amq::read_amq_sensitivities(json) == expected);
  auto const csv = folder.write("a.csv", "0.self_attn.q_proj,10.self_attn.q_proj,0.mlp.up_proj\r\n0.0625, 1.0,0.5\r\n");
  CHECK(amq::read_amq_sensitivities(csv) == expected);
}

TEST_CASE("files that are no sensitivities are refused") {
  scratch_folder const folder;
  auto const says = [&](std::string const& text) {
    auto const file = folder.write("wrong", text);
    return refusal([&] { amq::read_amq_sensitivities(file); });
  };
  CHECK(lacks(says("{}"), {"lacks the object 'loss'"}) == "");
  CHECK(lacks(says(R"({"loss": {"a": "b"}})"), {"'a'", "a number"}) == "");
  CHECK(lacks(says("a,b\n"), {"second line"}) == "");
  CHECK(lacks(says("a,b\n1\n"), {"line 2", "1 losses for 2 names"}) == "");
  CHECK(lacks(says("a,b\n1,x\n"), {"line 2", "'b' is 'x'"}) == "");
  CHECK(lacks(says("a,a\n1,2\n"), {"twice"}) == "");
  CHECK(lacks(says("a,b\n1,nan\n"), {"finite"}) == "");
  CHECK(lacks(says("a\n1\n2\n"), {"line 3", "two lines"}) == "");
}

TEST_CASE("sensitivities become an archive, and an archive gives them back") {
  auto const archive = amq::sensitivity_archive(layers, formats, expected, "s.json");
  REQUIRE(archive.evaluations.size() == 3);
  auto const& second = archive.evaluations[1];
  CHECK(second.configuration == amq::configuration{2, 0, 2});
  CHECK(second.loss == 0.5);
  CHECK(second.phase == amq::phase::sensitivity);
  CHECK(second.average_bits == 3.25);  // half of all weights at 2.25 bits, half at 4.25
  CHECK(amq::sensitivity_csv(archive, "a.csv") ==
        "layer,rows,cols,jsd_alone_at_2_bits\nmodel.layers.0.self_attn.q_proj,128,128,0.0625\n"
        "model.layers.0.mlp.up_proj,256,128,0.5\nmodel.layers.10.self_attn.q_proj,128,128,1\n");
}

TEST_CASE("sensitivities must be those of the model, and an archive must have them") {
  auto fewer = expected;
  fewer.erase("0.mlp.up_proj");
  auto const read = [&](amq::losses_by_layer const& losses) {
    return refusal([&] { amq::sensitivity_archive(layers, formats, losses, "s.json"); });
  };
  CHECK(lacks(read(fewer), {"s.json", "model.layers.0.mlp.up_proj"}) == "");
  auto more = expected;
  more["11.mlp.up_proj"] = 1;
  CHECK(lacks(read(more), {"4 layers", "has 3"}) == "");
  auto archive = amq::sensitivity_archive(layers, formats, expected, "s.json");
  archive.evaluations[2].fidelity = 0.5;
  CHECK(lacks(refusal([&] { amq::sensitivity_csv(archive, "a.csv"); }), {"model.layers.10.self_attn.q_proj"}) == "");
}
