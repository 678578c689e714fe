#include "amq/core/random.hpp"
#include "amq/store/sqlite_archive.hpp"
#include "store/fixtures.hpp"

using namespace store_test;
using amq::sqlite_archive;

namespace {

/// A closed archive of twelve evaluations.
std::string small_archive(std::string const& path) {
  {
    auto archive = sqlite_archive::create(path, {{"seed", "7"}}, layers());
    for (int i = 0; i < 12; ++i) archive.record(synthetic(i));
  }
  return read_bytes(path);
}

/// Every way in refuses the file and leaves it as it was.
std::string refused_everywhere(std::string const& path) {
  auto const before = read_bytes(path);
  auto const message = refusal([&] { sqlite_archive::open(path); });
  CHECK(refusal([&] { sqlite_archive::open_read_only(path); }) == message);
  refusal([&] { sqlite_archive::create(path, {}, layers()); });
  CHECK(says(message, path));
  CHECK(read_bytes(path) == before);
  return message;
}

void execute(std::string const& path, char const* sql) {
  amq::sqlite_connection(path, amq::sqlite_access::create).execute(sql, "preparing a test");
}

}  // namespace

TEST_CASE("files of other kinds are refused and stay as they are", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  write_bytes(path, "x");
  CHECK(says(refused_everywhere(path), "something else"));
  write_bytes(path, std::string(5000, 'x'));
  CHECK(says(refused_everywhere(path), "something else"));
  std::filesystem::remove(path);
  execute(path, "CREATE TABLE evaluations (id INTEGER); CREATE TABLE settings (key, value)");
  CHECK(says(refused_everywhere(path), "another program"));
  execute(path, "PRAGMA journal_mode = WAL");
  CHECK(says(refused_everywhere(path), "another program"));
  CHECK(folder.listing() == std::vector<std::string>{"archive.sqlite"});
}

TEST_CASE("an archive of a newer version is refused", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  small_archive(path);
  execute(path, "PRAGMA user_version = 3");
  CHECK(says(refused_everywhere(path), "version 3"));
}

TEST_CASE("rows that cannot be ours are damage", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  auto const whole = small_archive(path);
  for (auto const* sql : {
           "UPDATE evaluations SET configuration = '[2,3]' WHERE id = 5",
           "UPDATE evaluations SET configuration = '[2,3,4,7]' WHERE id = 5",
           "UPDATE evaluations SET configuration = x'00ff' WHERE id = 5",
           "UPDATE evaluations SET sequence_losses = x'0011' WHERE id = 5",
           "UPDATE evaluations SET phase = 'other' WHERE id = 5",
           "UPDATE evaluations SET batch = -1 WHERE id = 5",
           "UPDATE evaluations SET batch = 5000000000 WHERE id = 5",
           "UPDATE evaluations SET fidelity = 0 WHERE id = 5",
           "UPDATE evaluations SET fidelity = NULL WHERE id = 5",
           "DELETE FROM evaluations WHERE id = 5",
       }) {
    write_bytes(path, whole);
    execute(path, sql);
    INFO(sql);
    CHECK(says(refused_everywhere(path), "evaluation 5"));
  }
  for (auto const* sql : {"DELETE FROM settings WHERE key = 'space'", "UPDATE settings SET value = '[1]'"}) {
    write_bytes(path, whole);
    execute(path, sql);
    CHECK(says(refused_everywhere(path), "space"));
  }
  for (auto const* sql :
       {"DROP TABLE evaluations", "DROP TABLE settings", "ALTER TABLE evaluations DROP COLUMN loss"}) {
    write_bytes(path, whole);
    execute(path, sql);
    refused_everywhere(path);
  }
}

TEST_CASE("damage that reading alone would not meet is found", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  auto bytes = small_archive(path);
  auto const index_entry = bytes.rfind("seed");
  REQUIRE(index_entry != bytes.find("seed"));
  bytes[index_entry] = 'S';
  write_bytes(path, bytes);
  CHECK(says(refused_everywhere(path), "damaged"));
}

TEST_CASE("no truncation of an archive is taken for one", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  auto const whole = small_archive(path);
  std::size_t refused = 0;
  for (std::size_t size = 1; size < whole.size(); ++size) {
    std::filesystem::resize_file(path, 0);
    write_bytes(path, whole.substr(0, size));
    try {
      sqlite_archive::open_read_only(path);
    } catch (amq::input_error const&) {
      ++refused;
    }
    if (size % 512 == 0) refused_everywhere(path);
  }
  CHECK(refused == whole.size() - 1);
}

TEST_CASE("flipped bytes never crash", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  auto const whole = small_archive(path);
  amq::random_stream random(3);
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    auto bytes = whole;
    auto const at = static_cast<std::size_t>(random.below(static_cast<amq::index>(bytes.size())));
    bytes[at] = static_cast<char>(bytes[at] ^ (1 + random.below(255)));
    write_bytes(path, bytes);
    try {
      sqlite_archive::open_read_only(path);
    } catch (amq::input_error const&) {
      ++refused;
    }
  }
  CHECK(refused > 100);
}

TEST_CASE("an empty file beside a log full of evaluations is damage, not a beginning", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "archive.sqlite";
  write_bytes(path, "");
  write_bytes(path + "-wal", std::string(4200, 'x'));
  refusal([&] { sqlite_archive::started(path); });
  CHECK(read_bytes(path + "-wal").size() == 4200);
}
