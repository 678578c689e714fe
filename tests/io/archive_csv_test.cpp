// The archive as CSV: equal to the bit after a round trip, and every mistake with its line.
#include "amq/io/archive_csv.hpp"

#include <bit>
#include <cstdint>
#include <limits>

#include "amq/core/random.hpp"
#include "support/files.hpp"

using namespace amq_test;

namespace {

amq::exchanged_archive made_up(int evaluations) {
  amq::exchanged_archive archive;
  archive.about = {{"loss", "jsd"}, {"model_sha256", std::string(64, 'a')}, {"tokens_sha256", std::string(64, 'b')}};
  archive.layers = {{"model.layers.0.mlp.up_proj", {{2, 128}, {3, 128}, {4, 128}}, 256, 128},
                    {"model.layers.0.mlp.down_proj", {{2, -1}, {8, -1}}, 128, 256}};
  amq::random_stream random(5);
  for (int i = 0; i < evaluations; ++i) {
    amq::evaluation e;
    e.configuration = {static_cast<amq::gene>(random.below(3)), static_cast<amq::gene>(random.below(2))};
    e.loss = random.normal() * 1e-7;
    e.average_bits = 2 + random.uniform();
    e.model_bytes = 3'000'000'000 + i;
    e.phase = static_cast<amq::phase>(i % 4);
    e.batch = i / 4;
    e.seconds = random.uniform();
    e.fidelity = i % 5 == 0 ? 0.25 : 1;
    for (int s = 0; s < i % 3; ++s) e.sequence_losses.push_back(random.normal());
    archive.evaluations.push_back(std::move(e));
  }
  return archive;
}

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

bool same(amq::evaluation const& a, amq::evaluation const& b) {
  return a.configuration == b.configuration && same_bits(a.average_bits, b.average_bits) &&
         a.model_bytes == b.model_bytes && same_bits(a.loss, b.loss) && a.sequence_losses == b.sequence_losses &&
         a.phase == b.phase && a.batch == b.batch && same_bits(a.seconds, b.seconds) &&
         same_bits(a.fidelity, b.fidelity);
}

std::string const top =
    "# amq archive 1\n# loss: jsd\n# layer: a 256 128 2/128 4/128\n# layer: b 128 256 2/128 3/128\n";

}  // namespace

TEST_CASE("an archive as CSV reads back equal to the bit") {
  scratch_folder const folder;
  auto written = made_up(50);
  written.evaluations[7].loss = std::numeric_limits<double>::infinity();
  written.evaluations[8].loss = 5e-324;
  written.evaluations[9].loss = -0.0;
  amq::write_archive_csv(folder.path() / "a.csv", written);
  auto const read = amq::read_archive_csv(folder.path() / "a.csv");
  CHECK(read.about == written.about);
  CHECK(read.layers == written.layers);
  CHECK(read.layers[1].rows == 128);
  CHECK(read.layers[1].cols == 256);
  REQUIRE(read.evaluations.size() == written.evaluations.size());
  for (std::size_t i = 0; i < read.evaluations.size(); ++i) CHECK(same(read.evaluations[i], written.evaluations[i]));
  CHECK(amq::archive_csv(read) == read_bytes(folder.path() / "a.csv"));
  CHECK(amq::is_archive_csv(folder.path() / "a.csv"));
  CHECK_FALSE(amq::is_archive_csv(folder.write("other.csv", "layer,rows,cols\n")));
}

TEST_CASE("anybody's archive needs losses and layers only") {
  scratch_folder const folder;
  auto const file = folder.write("a.csv", top + "b,a,loss\r\n3, 2,0.5\n2,4,1.25e-1\n");
  auto const read = amq::read_archive_csv(file);
  REQUIRE(read.evaluations.size() == 2);
  auto const& first = read.evaluations[0];
  CHECK(first.configuration == amq::configuration{0, 1});
  CHECK(first.loss == 0.5);
  CHECK(first.phase == amq::phase::search);
  CHECK(first.batch == 0);
  CHECK(first.fidelity == 1);
  // 32768 weights each: 2 and 3 bits, and a scale and a zero of 16 bits for 128 of them.
  CHECK(first.average_bits == 2.75);
  CHECK(first.model_bytes == 32768 * 2 * 11 / 32);
  CHECK(read.other_bytes() == 0);
}

TEST_CASE("an archive knows the bytes outside its linear layers") {
  auto archive = made_up(1);
  archive.evaluations[0].configuration = {0, 0};
  // 2 bits and whole groups of 128 in one layer, whole rows of 256 in the other.
  archive.evaluations[0].model_bytes = (256 * (128 * 2 + 32) + 128 * (256 * 2 + 32)) / 8 + 1000;
  CHECK(archive.other_bytes() == 1000);
  archive.layers[0].rows = 0;
  CHECK(archive.other_bytes() == 0);
}

TEST_CASE("a wrong archive as CSV is refused with its line") {
  scratch_folder const folder;
  auto const says = [&](std::string const& text, std::string const& line, std::string const& what) {
    auto const file = folder.write("wrong.csv", text);
    auto const message = refusal([&] { amq::read_archive_csv(file); });
    CHECK(lacks(message, {"wrong.csv", "line " + line, what}) == "");
  };
  std::string const header = top + "loss,a,b\n";
  says("phase,loss\n", "1", "# amq archive 1");
  says("# amq archive 2\n", "1", "version 2");
  says("# amq archive 1\nloss,a\n", "2", "# layer: NAME ROWS COLS");
  says("# amq archive 1\n# layer: a 256\n", "2", "# layer: NAME ROWS COLS");
  says("# amq archive 1\n# layer: a x 128 2/128\n", "2", "'rows' is 'x'");
  says("# amq archive 1\n# layer: a -1 128 2/128\n", "2", "-1 x 128");
  says("# amq archive 1\n# layer: a 1 128 2\n", "2", "bits/group");
  says("# amq archive 1\n# layer: a 1 128 2/0\n", "2", "2/0");
  says("# amq archive 1\n# layer: a 1 128 3/128 2/128\n", "2", "fewest bits first");
  says(top + "loss,a\n", "5", "no column is named 'b'");
  says(top + "a,b\n", "5", "no column is named 'loss'");
  says(top + "loss,a,b,loss\n", "5", "two columns are named 'loss'");
  says(top + "loss,a,b,c\n", "5", "'c' is no layer");
  says("# amq archive 1\n# layer: a 0 0 2/128\nloss,a\n", "3", "average_bits");
  says(header + "0.5,2\n", "6", "2 values; expected 3");
  says(header + "0.5,2,2\nhalf,2,2\n", "7", "'loss' is 'half'");
  says(header + "0.5,3,2\n", "6", "a has 3 bits");
  says(header + "0.5,2.0,2\n", "6", "expected a whole number");
  says(top + "loss,a,b,phase\n1,2,2,later\n", "6", "'phase' is 'later'");
  says(top + "loss,a,b,batch\n1,2,2,-1\n", "6", "batches count up");
  says(top + "loss,a,b,batch\n1,2,2,99999999999\n", "6", "'batch'");
  says(top + "loss,a,b,fidelity\n1,2,2,0\n", "6", "'fidelity'");
  says(top + "loss,a,b,sequence_losses\n1,2,2,1 x\n", "6", "'sequence_losses' is 'x'");
  CHECK(lacks(refusal([&] { amq::read_archive_csv(folder.path() / "absent.csv"); }), {"absent.csv"}) == "");
}

TEST_CASE("a layer whose name would break a CSV file is not written") {
  auto archive = made_up(1);
  archive.layers[1].name = "a,b";
  CHECK(lacks(refusal([&] { amq::archive_csv(archive); }), {"'a,b'", "commas"}) == "");
}
