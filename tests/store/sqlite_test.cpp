#include "amq/store/sqlite.hpp"

#include <array>

#include "store/fixtures.hpp"

using namespace store_test;
using amq::sqlite_access;

namespace {

std::int64_t rows(amq::sqlite_connection const& database) {
  amq::sqlite_statement count(database, "SELECT count(*) FROM t", "counting");
  count.step();
  return count.integer(0);
}

}  // namespace

TEST_CASE("a transaction that is not committed is undone, and the next one can begin", "[store]") {
  temporary_folder const folder;
  amq::sqlite_connection database(folder / "a", sqlite_access::create);
  database.execute("CREATE TABLE t (x)", "preparing");
  {
    amq::sqlite_transaction const transaction(database, "testing");
    database.execute("INSERT INTO t VALUES (1)", "testing");
    CHECK(rows(database) == 1);
  }
  CHECK(rows(database) == 0);
  amq::sqlite_transaction transaction(database, "testing");
  database.execute("INSERT INTO t VALUES (2)", "testing");
  transaction.commit();
  CHECK(rows(amq::sqlite_connection(folder / "a", sqlite_access::read_only)) == 1);
}

TEST_CASE("values of every kind are bound and read", "[store]") {
  temporary_folder const folder;
  amq::sqlite_connection const database(folder / "a", sqlite_access::create);
  amq::sqlite_statement row(database, "SELECT ?, ?, ?, ?, NULL", "echoing");
  std::array<std::byte, 3> const blob{std::byte{0}, std::byte{255}, std::byte{0}};
  row.bind(1, std::int64_t{1} << 62);
  row.bind(2, 0.1);
  row.bind(3, std::string_view("a\0b", 3));
  row.bind(4, std::span<std::byte const>(blob));
  REQUIRE(row.step());
  CHECK(row.integer(0) == std::int64_t{1} << 62);
  CHECK(row.real(1) == 0.1);
  CHECK(row.text(2) == std::string("a\0b", 3));
  CHECK(std::equal(blob.begin(), blob.end(), row.blob(3).begin(), row.blob(3).end()));
  CHECK(row.null(4));
  CHECK_FALSE(row.null(3));
  CHECK_FALSE(row.step());
  row.reset();
  CHECK(row.step());
}

TEST_CASE("an error says which file, what was being done and why it failed", "[store]") {
  temporary_folder const folder;
  auto const path = folder / "a";
  auto const absent = refusal([&] { amq::sqlite_connection(path, sqlite_access::read_write); });
  CHECK(says(absent, path + ": opening it failed"));
  amq::sqlite_connection database(path, sqlite_access::create);
  CHECK(says(refusal([&] { amq::sqlite_statement(database, "SELECT 1 FROM t", "counting"); }),
             "counting failed: no such"));
  CHECK(says(refusal([&] { database.execute("nonsense", "trying"); }), path + ": trying failed"));
  database.execute("CREATE TABLE t (x)", "preparing");
  database.execute("PRAGMA max_page_count = 3", "preparing");
  CHECK(says(refusal([&] { database.execute("INSERT INTO t VALUES (zeroblob(100000))", "filling"); }),
             "no space is left"));
  amq::sqlite_transaction const holding(database, "holding");
  amq::sqlite_connection second(path, sqlite_access::read_write);
  CHECK(says(refusal([&] { amq::sqlite_transaction(second, "beginning"); }), "another program is using it"));
  amq::sqlite_connection reader(path, sqlite_access::read_only);
  CHECK(says(refusal([&] { reader.execute("INSERT INTO t VALUES (1)", "writing"); }), "does not allow it"));
}
