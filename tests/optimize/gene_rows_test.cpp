// Rows against a set of configurations, through growth, duplicates and selections.
#include "amq/optimize/detail/gene_rows.hpp"

#include "amq/core/gene_set.hpp"
#include "amq/core/random.hpp"
#include "support/catch.hpp"

namespace {

using amq::configuration;
using amq::index;
using amq::random_stream;

TEST_CASE("a row is there once, whatever its length and however many there are", "[gene_rows]") {
  random_stream random(1);
  for (index const variables : {1, 3, 8, 13, 224}) {
    amq::detail::gene_rows rows(variables);
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

TEST_CASE("kept rows stay members in the given order, the others may come back", "[gene_rows]") {
  amq::detail::gene_rows rows(2);
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

TEST_CASE("without variables all rows are one", "[gene_rows]") {
  amq::detail::gene_rows rows(0);
  CHECK(rows.add({}));
  CHECK_FALSE(rows.add({}));
  CHECK(rows.size() == 1);
}

TEST_CASE("every gene counts in a hash", "[gene_rows]") {
  for (std::size_t const n : {1U, 7U, 8U, 9U, 31U}) {
    configuration genes(n, 1);
    auto const before = amq::detail::hash_of(genes);
    for (std::size_t i = 0; i < n; ++i) {
      genes[i] = 2;
      CHECK(amq::detail::hash_of(genes) != before);
      genes[i] = 1;
    }
    CHECK(amq::detail::hash_of(configuration(n + 1, 0)) != amq::detail::hash_of(configuration(n, 0)));
  }
}

}  // namespace
