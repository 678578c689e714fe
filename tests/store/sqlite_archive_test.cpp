#include "amq/store/sqlite_archive.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include "store/fixtures.hpp"

using namespace store_test;
using amq::sqlite_archive;

static_assert(amq::diagnose_archive<sqlite_archive>());

TEST_CASE("what was recorded is read back with all its bits, in order", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  {
    auto archive = sqlite_archive::create(path, {{"seed", "7"}}, layers());
    for (int i = 0; i < 25; ++i) archive.record(synthetic(i));
    CHECK(archive.evaluations().size() == 25);
    CHECK(in_order(archive));
  }
  CHECK(folder.listing() == std::vector<std::string>{"archive.sqlite"});
  auto const archive = sqlite_archive::open(path);
  CHECK(archive.evaluations().size() == 25);
  CHECK(in_order(archive));
  CHECK(archive.layers() == layers());
  CHECK(archive.settings().at("seed") == "7");
  for (int i = 0; i < 25; ++i)
    if (synthetic(i).fidelity == 1) CHECK(archive.contains(synthetic(i).configuration));
}

TEST_CASE("numbers at the edges of f64 survive", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  using limits = std::numeric_limits<double>;
  std::vector<double> const edges{-0.0, limits::denorm_min(), limits::max(), limits::infinity(), limits::quiet_NaN()};
  for (double const loss : {limits::denorm_min(), -limits::max(), limits::infinity(), limits::quiet_NaN(), 2.0}) {
    std::filesystem::remove(path);
    {
      auto archive = sqlite_archive::create(path, {}, layers());
      auto e = synthetic(0);
      e.loss = loss;
      e.sequence_losses = edges;
      archive.record(e);
      e.sequence_losses.clear();
      archive.record(e);
    }
    auto const archive = sqlite_archive::open_read_only(path);
    auto const read = archive.evaluations();
    CHECK((std::isnan(loss) ? std::isnan(read[0].loss) : read[0].loss == loss));
    for (std::size_t i = 0; i < edges.size(); ++i)
      CHECK(std::bit_cast<std::uint64_t>(read[0].sequence_losses[i]) == std::bit_cast<std::uint64_t>(edges[i]));
    CHECK(read[1].sequence_losses.empty());
  }
}

TEST_CASE("the file has the documented tables", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  {
    auto archive = sqlite_archive::create(path, {{"seed", "7"}}, layers());
    auto e = synthetic(0);
    e.configuration = {0, 1, 2, 2};
    e.sequence_losses = {1.0, -2.0};
    e.phase = amq::phase::sensitivity;
    archive.record(e);
  }
  amq::sqlite_connection const database(path, amq::sqlite_access::immutable);
  amq::sqlite_statement schema(database, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name",
                               "reading");
  REQUIRE(schema.step());
  CHECK(schema.text(0) ==
        "CREATE TABLE evaluations (id INTEGER PRIMARY KEY, configuration TEXT, average_bits REAL, model_bytes INTEGER, "
        "loss REAL, sequence_losses BLOB, phase TEXT, batch INTEGER, seconds REAL, fidelity REAL)");
  REQUIRE(schema.step());
  CHECK(schema.text(0) == "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT)");
  amq::sqlite_statement row(database, "SELECT id, configuration, hex(sequence_losses), phase FROM evaluations",
                            "reading");
  REQUIRE(row.step());
  CHECK(row.integer(0) == 1);
  CHECK(row.text(1) == "[2,3,4,4]");
  CHECK(row.text(2) == "000000000000F03F00000000000000C0");
  CHECK(row.text(3) == "sensitivity");
}

TEST_CASE("membership is known at once and after reopening", "[store]") {
  temporary_folder const folder;
  auto archive = sqlite_archive::create(folder / "archive.sqlite", {}, layers(3));
  amq::configuration const a{0, 1, 2};
  CHECK_FALSE(archive.contains(a));
  auto e = synthetic(0, 3);
  e.configuration = a;
  archive.record(e);
  CHECK(archive.contains(a));
  CHECK_FALSE(archive.contains(amq::configuration{0, 1, 1}));
  CHECK_FALSE(archive.contains(amq::configuration{0, 1}));
}

TEST_CASE("at ten pending evaluations a commit is due, and flush commits the rest", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  auto archive = sqlite_archive::create(path, {}, layers());
  auto const on_disk = [&path] { return sqlite_archive::open_read_only(path).evaluations().size(); };
  for (int i = 0; i < 95; ++i) {
    archive.record(synthetic(i));
    CHECK(on_disk() + 10 > archive.evaluations().size());
  }
  archive.flush();
  CHECK(on_disk() == 95);
}

TEST_CASE("settings can be added and changed, the space cannot", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  {
    auto archive = sqlite_archive::create(path, {{"evaluations", "100"}}, layers());
    archive.set("evaluations", "200");
    archive.set("note", "it's \"quoted\"\nand long");
    CHECK_THROWS_AS(archive.set("space", "[]"), amq::precondition_error);
  }
  auto const archive = sqlite_archive::open(path);
  CHECK(archive.settings().at("evaluations") == "200");
  CHECK(archive.settings().at("note") == "it's \"quoted\"\nand long");
}

TEST_CASE("an archive that is there is not created again, one that is absent is not opened", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  CHECK_FALSE(sqlite_archive::started(path));
  CHECK(says(refusal([&] { sqlite_archive::open(path); }), "no archive"));
  CHECK(says(refusal([&] { sqlite_archive::open_read_only(path); }), "no archive"));
  CHECK(folder.listing().empty());
  sqlite_archive::create(path, {}, layers()).record(synthetic(0));
  CHECK(sqlite_archive::started(path));
  auto const message = refusal([&] { sqlite_archive::create(path, {}, layers()); });
  CHECK(says(message, "--resume"));
  CHECK(says(message, path));
  CHECK(sqlite_archive::open(path).evaluations().size() == 1);
}

TEST_CASE("a file that was only just made counts as not started", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  write_bytes(path, "");
  CHECK_FALSE(sqlite_archive::started(path));
  CHECK(says(refusal([&] { sqlite_archive::open(path); }), "no archive"));
  sqlite_archive::create(path, {}, layers()).record(synthetic(0));
  CHECK(sqlite_archive::open(path).evaluations().size() == 1);
}

TEST_CASE("an archive without evaluations is continued", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  { auto const archive = sqlite_archive::create(path, {{"seed", "1"}}, layers()); }
  auto archive = sqlite_archive::open(path);
  CHECK(archive.evaluations().empty());
  CHECK(archive.settings().at("seed") == "1");
  archive.record(synthetic(0));
  CHECK(in_order(archive));
}

TEST_CASE("other settings are refused, another machine is worth a sentence", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  auto const archive = sqlite_archive::create(path, {{"seed", "7"}, {"machine", "a"}}, layers());
  CHECK(archive.expect_settings({{"seed", "7"}, {"machine", "a"}, {"space", amq::space_setting(layers())}}).empty());
  CHECK(says(archive.expect_settings({{"machine", "b"}}), "machine is a (wanted b)"));
  auto const message = refusal([&] { archive.expect_settings({{"seed", "8"}, {"machine", "b"}}); });
  CHECK(says(message, "seed is 7 (wanted 8)"));
  CHECK(says(message, path));
  CHECK(says(refusal([&] { archive.expect_settings({{"space", amq::space_setting(layers(5))}}); }), "space is"));
}

TEST_CASE("a configuration that does not fit the layers breaks the contract and is not kept", "[store]") {
  temporary_folder const folder;
  auto archive = sqlite_archive::create(folder / "archive.sqlite", {}, layers());
  CHECK_THROWS_AS(archive.record(synthetic(0, 3)), amq::precondition_error);
  auto e = synthetic(0);
  e.configuration[1] = 3;
  CHECK_THROWS_AS(archive.record(e), amq::precondition_error);
  CHECK(archive.evaluations().empty());
}

TEST_CASE("a read-only archive records nothing and leaves nothing behind", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  sqlite_archive::create(path, {}, layers()).record(synthetic(0));
  auto const before = read_bytes(path);
  {
    auto archive = sqlite_archive::open_read_only(path);
    CHECK_THROWS_AS(archive.record(synthetic(1)), amq::precondition_error);
    CHECK_THROWS_AS(archive.set("a", "b"), amq::precondition_error);
  }
  CHECK(folder.listing() == std::vector<std::string>{"archive.sqlite"});
  CHECK(read_bytes(path) == before);
}

TEST_CASE("names that mean something to SQLite are ordinary file names", "[store]") {
  temporary_folder const folder;
  for (std::string const name : {"a?mode=memory", "b#c", "100%41", "with space", ":memory:"}) {
    auto const path = folder / name;
    sqlite_archive::create(path, {}, layers()).record(synthetic(0));
    CHECK(std::filesystem::file_size(path) > 0);
    CHECK(sqlite_archive::open_read_only(path).evaluations().size() == 1);
  }
  CHECK(folder.listing().size() == 5);
}

TEST_CASE("a place that cannot be written is a sentence", "[store]") {
  temporary_folder const folder;
  CHECK(says(refusal([&] { sqlite_archive::create(folder / "absent/archive.sqlite", {}, layers()); }), "must exist"));
  CHECK(says(refusal([] { sqlite_archive::create("/proc/archive.sqlite", {}, layers()); }), "/proc/archive.sqlite"));
  CHECK(says(refusal([&] { sqlite_archive::open(folder / "."); }), "expected an archive"));
}

TEST_CASE("an archive of version 1 reads as measured whole, and is continued as version 2", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  {
    auto archive = sqlite_archive::create(path, {{"seed", "7"}}, layers());
    for (int i = 0; i < 5; ++i) archive.record(synthetic(i));
  }
  amq::sqlite_connection(path, amq::sqlite_access::read_write)
      .execute("ALTER TABLE evaluations DROP COLUMN fidelity; PRAGMA user_version = 1", "preparing a test");
  auto const old = read_bytes(path);
  auto whole = synthetic(3);
  whole.fidelity = 1;
  CHECK(same(sqlite_archive::open_read_only(path).evaluations()[3], whole));
  CHECK(read_bytes(path) == old);
  {
    auto archive = sqlite_archive::open(path);
    CHECK(same(archive.evaluations()[3], whole));
    archive.record(synthetic(8));
    archive.flush();
    // The update is in the log only: the file still says version 1.
    CHECK(same(sqlite_archive::open_read_only(path).evaluations()[5], synthetic(8)));
  }
  auto const continued = sqlite_archive::open(path);
  REQUIRE(continued.evaluations().size() == 6);
  CHECK(same(continued.evaluations()[3], whole));
  CHECK(continued.evaluations()[5].fidelity == 0.25);
}
