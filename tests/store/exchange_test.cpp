#include "amq/store/exchange.hpp"

#include "store/fixtures.hpp"

using namespace store_test;

namespace {

amq::exchanged_archive twenty() {
  amq::exchanged_archive archive{{{"loss", "jsd"}, {"model_sha256", "abc"}}, layers(), {}};
  for (auto& layer : archive.layers) layer.rows = layer.cols = 256;
  for (int i = 0; i < 20; ++i) archive.evaluations.push_back(synthetic(i));
  return archive;
}

bool equal(amq::exchanged_archive const& a, amq::exchanged_archive const& b) {
  return a.about == b.about && a.layers == b.layers &&
         std::equal(a.evaluations.begin(), a.evaluations.end(), b.evaluations.begin(), b.evaluations.end(), same);
}

}  // namespace

TEST_CASE("an archive is the same after every way between the two kinds of file", "[store]") {
  temporary_folder const folder;
  auto const written = twenty();
  amq::write_sqlite_archive(folder / "a.sqlite", written);
  auto const from_sqlite = amq::read_archive(folder / "a.sqlite");
  CHECK(equal(from_sqlite, written));
  CHECK(from_sqlite.layers[2].rows == 256);
  amq::write_archive_csv(folder / "a.csv", from_sqlite);
  CHECK(equal(amq::read_archive(folder / "a.csv"), written));
}

TEST_CASE("no archive is written over another", "[store]") {
  temporary_folder const folder;
  amq::write_sqlite_archive(folder / "a.sqlite", twenty());
  CHECK(says(refusal([&] { amq::write_sqlite_archive(folder / "a.sqlite", twenty()); }), "there already"));
}

TEST_CASE("an archive gives back the space it is about", "[store]") {
  auto archive = twenty();
  auto const space = amq::space_of(archive, "a.csv");
  CHECK(space.size() == 4);
  CHECK(space.layers()[3].block == 3);
  CHECK(space.layers()[3].kind == 0);
  CHECK(space.average_bits(amq::configuration{0, 0, 2, 2}) == 3.25);
  archive.layers[1].cols = 0;
  CHECK(says(refusal([&] { amq::space_of(archive, "a.csv"); }), "how large"));
}
