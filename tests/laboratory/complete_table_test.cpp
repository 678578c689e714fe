// Complete tables: written, read back, refused.
#include "amq/laboratory/complete_table.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/files.hpp"

namespace amq::testing {
namespace {

exchanged_archive two_groups() {
  exchanged_archive archive;
  archive.about = {{"loss", "jsd"}};
  archive.layers = {{"model.layers.0-3.self_attn", {{2, 128}, {3, 128}}, 10, 128},
                    {"model.layers.0-3.mlp", {{2, 128}, {3, 128}, {4, 128}}, 30, 128}};
  return archive;
}

TEST_CASE("a complete table is read as it was written", "[complete_table]") {
  amq_test::scratch_folder const folder;
  std::vector<double> const losses{0.69, 0.5, 0.4, 0.3, 0.2, 0.1234567891};
  auto const file = folder.path() / "truth.csv";
  write_complete_table(file, two_groups(), losses);
  auto archive = read_archive_csv(file);
  REQUIRE(is_complete_table(archive));
  CHECK_FALSE(is_complete_table(two_groups()));
  CHECK(archive.about.at("loss") == "jsd");
  load_complete_losses(archive, file);
  REQUIRE(archive.evaluations.size() == 6);
  CHECK(archive.evaluations[1].configuration == configuration{0, 1});
  CHECK(archive.evaluations[3].configuration == configuration{1, 0});
  for (std::size_t i = 0; i < 6; ++i) CHECK(archive.evaluations[i].loss == Approx(losses[i]).margin(1e-10).epsilon(0));
  CHECK(archive.evaluations[5].average_bits == Approx((3.25 * 10 + 4.25 * 30) / 40));
}

TEST_CASE("a complete table that does not fit together is refused", "[complete_table]") {
  using amq_test::lacks;
  amq_test::scratch_folder const folder;
  auto const file = folder.path() / "truth.csv";
  write_complete_table(file, two_groups(), std::vector<double>(6, 0.5));
  auto archive = read_archive_csv(file);
  archive.layers.pop_back();
  CHECK(lacks(amq_test::refusal([&] { load_complete_losses(archive, file); }), {"6 losses", "2 configurations"}) == "");
  std::filesystem::remove(folder.path() / "truth.npy");
  CHECK(lacks(amq_test::refusal([&] { load_complete_losses(archive, file); }), {"truth.npy"}) == "");
  CHECK_THROWS_AS(write_complete_table(file, two_groups(), std::vector<double>(5, 0.5)), precondition_error);
  CHECK_THROWS_AS(write_complete_table(file, two_groups(), std::vector<double>(6, 0.9)), precondition_error);
  archive.layers.assign(30, two_groups().layers[0]);
  CHECK(lacks(amq_test::refusal([&] { detail::count_configurations(archive.layers); }), {"2^26"}) == "");
}

}  // namespace
}  // namespace amq::testing
