#include "amq/store/settings.hpp"

#include "support/catch.hpp"

TEST_CASE("equal settings do not differ", "[store]") {
  amq::settings_map const settings{{"seed", "7"}, {"loss", "jsd"}};
  auto const difference = amq::compare_settings(settings, settings);
  CHECK(difference.refused.empty());
  CHECK(difference.warned.empty());
}

TEST_CASE("a difference names the key, what is stored and what is wanted", "[store]") {
  auto const difference = amq::compare_settings({{"seed", "7"}, {"loss", "jsd"}}, {{"seed", "8"}, {"loss", "kl"}});
  CHECK(difference.refused == "loss is jsd (wanted kl); seed is 7 (wanted 8)");
}

TEST_CASE("a setting that was not recorded differs, one that is not asked for does not", "[store]") {
  auto const difference = amq::compare_settings({{"pinned", "2"}}, {{"group", "128"}});
  CHECK(difference.refused == "group was not recorded (wanted 128)");
}

TEST_CASE("a larger number of evaluations is free, another machine only warns", "[store]") {
  auto const difference =
      amq::compare_settings({{"evaluations", "100"}, {"machine", "a"}}, {{"evaluations", "200"}, {"machine", "b"}});
  CHECK(difference.refused.empty());
  CHECK(difference.warned == "machine is a (wanted b)");
  CHECK(amq::compare_settings({{"machine", "a"}}, {{"machine", "b"}}, {.free = {}, .warned = {}}).refused ==
        "machine is a (wanted b)");
}

TEST_CASE("long values are shown around the place where they part", "[store]") {
  std::string stored(5000, 'x');
  std::string wanted = stored;
  stored.replace(3000, 4, "OLD!");
  wanted.replace(3000, 4, "new?");
  auto const difference = amq::compare_settings({{"space", stored}}, {{"space", wanted}});
  CHECK(difference.refused == "space is ...xxxxxxxxOLD!xxxxxxxxxxxxxx... (wanted ...xxxxxxxxnew?xxxxxxxxxxxxxx...)");
  auto const longer = amq::compare_settings({{"space", "[1,2]"}}, {{"space", "[1,2]" + std::string(100, ' ') + "3"}});
  CHECK(longer.refused == "space is [1,2] (wanted [1,2]" + std::string(21, ' ') + "...)");
}

TEST_CASE("many long differences of several lines stay short and on one line", "[store]") {
  amq::settings_map stored;
  amq::settings_map wanted;
  for (int i = 0; i < 20; ++i) {
    std::string const key(100, static_cast<char>('a' + i));
    std::string value(300, 'q');
    stored[key] = value.append("\n1");
    wanted[key] = value.append("\n2");
  }
  auto const difference = amq::compare_settings(stored, wanted);
  CHECK(difference.refused.size() <= 400);
  CHECK(difference.refused.find('\n') == std::string::npos);
  CHECK(difference.refused.find("; and 17 more") != std::string::npos);
}
