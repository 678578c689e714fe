#include "amq/compose/registry.hpp"

#include "amq/compose/evaluators.hpp"
#include "amq/compose/strategies.hpp"
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
  amq::hana::for_each(amq::proxies(), [](auto const& entry) {
    CHECK(amq::hana::second(entry).name() == amq::hana::first(entry).c_str());
  });
  amq::hana::for_each(amq::losses(), [](auto const& entry) {
    CHECK(amq::hana::second(entry).name() == amq::hana::first(entry).c_str());
  });
}

TEST_CASE("an unknown name is answered with the names there are") {
  auto const proxy = [] { amq::with_registered(amq::proxies(), "nf4", "a proxy", [](auto const&) { FAIL("used"); }); };
  CHECK(amq_test::lacks(amq_test::refusal(proxy), {"'nf4'", "a proxy", "hqq, rtn, rtn_symmetric or rtn_awq"}) == "");
  CHECK(amq_test::lacks(amq_test::refusal([] { amq::expect_strategy("amq2", "rbf", "nsga2"); }),
                        {"amq2", "amq_as_released"}) == "");
  CHECK(amq_test::lacks(amq_test::refusal([] { amq::expect_strategy("amq", "gp", "nsga2"); }),
                        {"gp", "rbf_thin_plate"}) == "");
  CHECK(amq_test::lacks(amq_test::refusal([] { amq::expect_strategy("amq", "rbf", "moead"); }), {"moead", "nsga2"}) ==
        "");
}
