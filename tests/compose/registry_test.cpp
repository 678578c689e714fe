#include "amq/compose/registry.hpp"

#include "amq/compose/evaluators.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

TEST_CASE("a name finds its policy, and only that one is used") {
  std::string used;
  amq::with_registered(amq::proxies(), "rtn_awq", "a proxy",
                       [&](auto const& quantizer) { used += quantizer.name() + ";"; });
  amq::with_registered(amq::losses(), "kl", "a loss", [&](auto const& loss) { used += loss.name() + ";"; });
  CHECK(used == "rtn_awq;kl;");
}

TEST_CASE("every registered quantizer and loss goes by the name it gives itself") {
  amq::hana::for_each(amq::proxies(), [](auto const& entry) {  // AWQ's as a proxy adds what it does without
    CHECK(amq_test::lacks(amq::hana::second(entry).name(), {amq::hana::first(entry).c_str()}) == "");
  });
  amq::hana::for_each(amq::losses(), [](auto const& entry) {
    CHECK(amq::hana::second(entry).name() == amq::hana::first(entry).c_str());
  });
}

TEST_CASE("an unknown name is answered with the names there are") {
  auto const proxy = [] { amq::with_registered(amq::proxies(), "nf4", "a proxy", [](auto const&) { FAIL("used"); }); };
  CHECK(amq_test::lacks(amq_test::refusal(proxy),
                        {"'nf4'", "a proxy", "hqq, rtn, rtn_symmetric, rtn_awq, gptq, awq or gguf"}) == "");
}

TEST_CASE("a list of types becomes a table of factories, in its order, with and without options") {
  struct counted {
    amq::index count;
    explicit counted(amq::index n) : count(n) {}
  };
  constexpr auto table = amq::policy_table<counted>(
      amq::hana::tuple_t<amq::policy<"three", "always three", "none", [] { return amq::index{3}; }>,
                         amq::policy<"asked", "as many as asked", "--population",
                                     [](amq::preset_options const& given) { return given.population; }>>);
  REQUIRE(table.size() == 2);
  CHECK(table[0].name == "three");
  CHECK(table[1].description == "as many as asked");
  CHECK(table[1].options == "--population");
  CHECK(table[0].make({.population = 9}).count == 3);
  CHECK(table[1].make({.population = 9}).count == 9);
}
