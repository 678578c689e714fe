// Rows against a set of configurations, through growth, duplicates and selections.
#include "amq/core/distinct_rows.hpp"

#include "amq/core/gene_set.hpp"
#include "amq/core/random.hpp"
#include "support/catch.hpp"

namespace {

using amq::configuration;
using amq::index;
using amq::random_stream;

TEST_CASE("a row is there once, whatever its length and however many there are", "[distinct_rows]") {
  random_stream random(1);
  for (index const variables : {1, 3, 8, 13, 224}) {
    amq::distinct_rows<amq::gene> rows(variables);
    amq::gene_set expected;
    std::vector<configuration> in_order;
    for (int i = 0; i < 500; ++i) {
      configuration genes(static_cast<std::size_t>(variables));
      genes[static_cast<std::size_t>(random.below(variables))] = static_cast<amq::gene>(random.below(200));
      bool const is_new = insert(expected, genes);
      REQUIRE(rows.add(genes) == is_new);
      if (is_new) in_order.push_back(genes);
    }
    REQUIRE(rows.size() == std::ssize(in_order));
    REQUIRE(rows.view().rows == rows.size());
    for (index i = 0; i < rows.size(); ++i)
      REQUIRE(std::ranges::equal(rows.row(i), in_order[static_cast<std::size_t>(i)]));
  }
}

TEST_CASE("kept rows stay members in the given order, the others may come back", "[distinct_rows]") {
  amq::distinct_rows<amq::gene> rows(2);
  for (amq::gene g = 0; g < 100; ++g) CHECK(rows.add(configuration{g, 1}));
  rows.keep(std::vector<index>{70, 3});
  REQUIRE(rows.size() == 2);
  CHECK(rows.row(0)[0] == 70);
  CHECK(rows.row(1)[0] == 3);
  CHECK_FALSE(rows.add(configuration{3, 1}));
  CHECK(rows.add(configuration{4, 1}));
  CHECK(rows.row(2)[0] == 4);
  rows.keep({});
  CHECK(rows.size() == 0);
  CHECK(rows.add(configuration{70, 1}));
}

TEST_CASE("without variables all rows are one", "[distinct_rows]") {
  amq::distinct_rows<amq::gene> rows(0);
  CHECK(rows.add({}));
  CHECK_FALSE(rows.add({}));
  CHECK(rows.size() == 1);
}

TEST_CASE("rows of words are distinct in any of their bits", "[distinct_rows]") {
  amq::distinct_rows<std::uint64_t> rows(2);
  for (int bit = 0; bit < 128; ++bit) {
    std::ranges::fill(rows.next(), 0);
    rows.next()[static_cast<std::size_t>(bit / 64)] = std::uint64_t{1} << bit % 64;
    CHECK(rows.add_next());
    CHECK_FALSE(rows.add(std::vector(rows.row(bit).begin(), rows.row(bit).end())));
  }
  CHECK(rows.size() == 128);
}

TEST_CASE("every gene counts in a hash", "[distinct_rows]") {
  for (std::size_t const n : {1U, 7U, 8U, 9U, 31U}) {
    configuration genes(n, 1);
    auto const before = amq::hash_of(std::as_bytes(std::span(genes)));
    for (std::size_t i = 0; i < n; ++i) {
      genes[i] = 2;
      CHECK(amq::hash_of(std::as_bytes(std::span(genes))) != before);
      genes[i] = 1;
    }
    configuration const shorter(n, 0), longer(n + 1, 0);
    CHECK(amq::hash_of(std::as_bytes(std::span(longer))) != amq::hash_of(std::as_bytes(std::span(shorter))));
  }
}

}  // namespace
