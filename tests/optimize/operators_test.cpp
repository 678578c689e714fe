// Each operator does exactly what it says: the fixed parts by value, the random parts by what they can and must give.
#include "amq/optimize/operators.hpp"

#include "support/catch.hpp"

namespace {

using amq::configuration;
using amq::gene_mask;
using amq::index;
using amq::random_stream;

TEST_CASE("recombine takes the masked genes from the first parent", "[operators]") {
  configuration const a{0, 0, 0, 0}, b{1, 2, 3, 4};
  configuration child(4);
  amq::recombine(a, b, gene_mask{1, 0, 0, 1}, child);
  CHECK(child == configuration{0, 2, 3, 0});
}

TEST_CASE("a segment comes from the second parent", "[operators]") {
  gene_mask mask(5);
  amq::set_segment_mask(mask, 1, 3);
  CHECK(mask == gene_mask{1, 0, 0, 1, 1});
  amq::set_segment_mask(mask, 0, 5);
  CHECK(mask == gene_mask{0, 0, 0, 0, 0});
}

TEST_CASE("a binomial mask has its bias and never takes nothing from the first parent", "[operators]") {
  random_stream random(1);
  for (double const bias : {0.5, 0.1}) {
    index ones = 0;
    for (int i = 0; i < 400; ++i) {
      gene_mask mask(100);
      amq::draw_binomial_mask(mask, bias, random);
      ones += std::count(mask.begin(), mask.end(), 1);
      CHECK(std::all_of(mask.begin(), mask.end(), [](auto m) { return m <= 1; }));
    }
    CHECK(std::abs(static_cast<double>(ones) - bias * 40000) < 5 * std::sqrt(40000 * bias * (1 - bias)));
  }
  for (int i = 0; i < 50; ++i) {
    gene_mask mask(2);
    amq::draw_binomial_mask(mask, 1e-9, random);
    CHECK(mask[0] + mask[1] == 1);
  }
  gene_mask none;
  amq::draw_binomial_mask(none, 0.5, random);
}

TEST_CASE("recombining 64 genes at once gives what a mask gives, and draws as many numbers", "[operators]") {
  random_stream source(9);
  for (index const n : {0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 130, 224}) {
    auto const size = static_cast<std::size_t>(n);
    configuration a(size), b(size), child(size), expected(size);
    for (int repetition = 0; repetition < 50; ++repetition) {
      for (auto& g : a) g = static_cast<amq::gene>(source.below(256));
      for (auto& g : b) g = static_cast<amq::gene>(source.below(256));
      auto const seed = static_cast<std::uint64_t>(100 * n + repetition);
      random_stream fast(seed), plain(seed);
      amq::detail::recombine_evenly(a, b, child, fast);
      gene_mask mask(size);
      amq::draw_binomial_mask(mask, 0.5, plain);
      amq::recombine(a, b, mask, expected);
      REQUIRE(child == expected);
      REQUIRE(fast.uniform() == plain.uniform());
    }
  }
}

TEST_CASE("a uniform mask has its bias and may be empty", "[operators]") {
  random_stream random(8);
  index ones = 0, empty = 0;
  for (int i = 0; i < 4000; ++i) {
    gene_mask mask(3);
    amq::draw_uniform_mask(mask, 0.25, random);
    auto const count = std::count(mask.begin(), mask.end(), 1);
    ones += count;
    empty += count == 0;
  }
  CHECK(std::abs(ones - 3000) < 240);
  CHECK(std::abs(empty - 1687) < 160);  // 4000 x 0.75^3
}

TEST_CASE("successes are visited in order, with their probability, and surely at 0 and 1", "[operators]") {
  random_stream random(2);
  std::vector<index> visits(10, 0);
  for (int i = 0; i < 20000; ++i) {
    index last = -1;
    amq::for_each_success(10, 0.3, random, [&](index k) {
      REQUIRE(k > last);
      last = k;
      ++visits[static_cast<std::size_t>(k)];
    });
  }
  for (index const count : visits) CHECK(std::abs(static_cast<double>(count) - 6000) < 5 * std::sqrt(20000 * 0.21));
  index calls = 0;
  amq::for_each_success(7, 0.0, random, [&](index) { ++calls; });
  CHECK(calls == 0);
  amq::for_each_success(7, 1.0, random, [&](index k) { CHECK(k == calls++); });
  CHECK(calls == 7);
}

TEST_CASE("resample draws every level of every gene and nothing else", "[operators]") {
  random_stream random(3);
  std::vector<int> const levels{1, 2, 5};
  std::vector<std::vector<int>> seen(3, std::vector<int>(5, 0));
  for (int i = 0; i < 300; ++i) {
    configuration genes(3, 77);
    amq::resample(genes, levels, random);
    for (std::size_t k = 0; k < 3; ++k) ++seen[k].at(genes[k]);
  }
  for (std::size_t k = 0; k < 3; ++k)
    for (int v = 0; v < 5; ++v) CHECK((seen[k][static_cast<std::size_t>(v)] > 0) == (v < levels[k]));
}

TEST_CASE("reset changes a gene to another level, all of them equally often", "[operators]") {
  random_stream random(4);
  std::vector<int> const levels{4, 1};
  std::vector<int> seen(4, 0);
  for (int i = 0; i < 3000; ++i) {
    configuration genes{2, 0};
    amq::reset_genes(genes, levels, 1.0, random);
    ++seen[genes[0]];
    CHECK(genes[1] == 0);
  }
  CHECK(seen[2] == 0);
  for (int const v : {0, 1, 3}) CHECK(std::abs(seen[static_cast<std::size_t>(v)] - 1000) < 130);
}

TEST_CASE("a step moves one level, inwards at the ends", "[operators]") {
  random_stream random(5);
  std::vector<int> const levels{3, 3, 3, 1};
  std::vector<int> middle(3, 0);
  for (int i = 0; i < 1000; ++i) {
    configuration genes{0, 1, 2, 0};
    amq::step_genes(genes, levels, 1.0, random);
    CHECK(genes[0] == 1);
    CHECK(genes[2] == 1);
    CHECK(genes[3] == 0);
    ++middle[genes[1]];
  }
  CHECK(middle[1] == 0);
  CHECK(std::abs(middle[0] - 500) < 80);
}

TEST_CASE("crossover policies give genes of the parents, and a parent when they are not executed", "[operators]") {
  random_stream random(6);
  configuration const a(30, 1), b(30, 2);
  configuration child(30);
  int copies = 0;
  for (int i = 0; i < 2000; ++i) {
    amq::binomial_crossover{}(a, b, child, random);
    CHECK(std::all_of(child.begin(), child.end(), [](auto g) { return g == 1 || g == 2; }));
    copies += child == a || child == b;
  }
  CHECK(std::abs(copies - 200) < 70);
  amq::two_point_crossover const always{.probability = 1};
  for (int i = 0; i < 200; ++i) {
    always(a, b, child, random);
    index changes = 0;
    for (std::size_t k = 1; k < child.size(); ++k) changes += child[k] != child[k - 1];
    CHECK(changes <= 2);
    CHECK(std::count(child.begin(), child.end(), 2) > 0);
  }
  index from_a = 0;
  for (int i = 0; i < 300; ++i) {
    amq::uniform_crossover{.probability = 1, .bias = 0.2}(a, b, child, random);
    from_a += std::count(child.begin(), child.end(), 1);
  }
  CHECK(std::abs(from_a - 1800) < 200);
  configuration none;
  amq::two_point_crossover{}(none, none, none, random);
  amq::uniform_crossover{}(none, none, none, random);
}

TEST_CASE("mutation policies touch one individual in ten, one gene each on average", "[operators]") {
  random_stream random(7);
  std::vector<int> const levels(50, 3);
  configuration const before(50, 1);
  index resampled = 0, changed = 0, stepped = 0;
  for (int i = 0; i < 5000; ++i) {
    auto genes = before;
    amq::resample_mutation{}(genes, levels, random);
    resampled += genes != before;
    for (index const kind : {0, 1}) {
      genes = before;
      kind == 0 ? amq::reset_mutation{}(genes, levels, random) : amq::step_mutation{}(genes, levels, random);
      index const different = 50 - std::count(genes.begin(), genes.end(), 1);
      (kind == 0 ? changed : stepped) += different;
    }
  }
  CHECK(std::abs(resampled - 500) < 110);
  CHECK(std::abs(changed - 500) < 160);
  CHECK(std::abs(stepped - 500) < 160);
}

}  // namespace
