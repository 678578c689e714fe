#include "amq/kernel/cpu_path.hpp"

#include <cstdlib>
#include <optional>
#include <string>

#include "support/catch.hpp"

namespace amq {
namespace {

/// AMQ_CPU for as long as this lives.
class forced_path {
 public:
  explicit forced_path(char const* name) {
    if (char const* const before = std::getenv("AMQ_CPU")) before_ = before;
    ::setenv("AMQ_CPU", name, 1);
  }
  forced_path(forced_path const&) = delete;
  forced_path& operator=(forced_path const&) = delete;
  ~forced_path() {
    if (before_)
      ::setenv("AMQ_CPU", before_->c_str(), 1);
    else
      ::unsetenv("AMQ_CPU");
  }

 private:
  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("AMQ_CPU leaves out the paths beyond the one it names", "[kernel]") {
  {
    forced_path const forced("portable");
    CHECK(supported_paths() == std::vector{cpu_path::portable});
    CHECK(detail::fastest_path(precision::bf16, 1) == cpu_path::portable);
  }
  {
    forced_path const forced("avx512_dot");
    CHECK(!supported(cpu_path::amx));
    for (precision const p : {precision::f32, precision::bf16, precision::int8})
      CHECK(detail::fastest_path(p, 2) <= cpu_path::avx512_dot);
  }
  forced_path const forced("avx2");
  CHECK(!supported(cpu_path::avx512));
  CHECK(supported(cpu_path::avx2) == simd::supported(simd::isa::avx2));
}

TEST_CASE("Tiles are for products of many tokens in bf16 and int8, where there are any", "[kernel]") {
  bool const tiles = supported(cpu_path::amx);
  CHECK(tiles == supported(cpu_path::amx));  // the operating system is asked once
  for (precision const p : {precision::f32, precision::bf16, precision::int8}) {
    CHECK(detail::fastest_path(p, 1) <= cpu_path::avx512_dot);
    CHECK((detail::fastest_path(p, 2) == cpu_path::amx) == (tiles && p != precision::f32));
  }
}

TEST_CASE("AMQ_CPU with another text is refused with the list", "[kernel]") {
  forced_path const forced("sse9");
  CHECK_THROWS_WITH(supported(cpu_path::avx2),
                    Catch::Contains("'sse9'") && Catch::Contains("portable, avx2, avx512, avx512_dot or amx"));
}

TEST_CASE("A path's name is the name it is asked for by", "[kernel]") {
  for (cpu_path const path : cpu_paths) CHECK(parse_cpu_path(to_string(path)) == path);
  CHECK(!parse_cpu_path("avx"));
}

}  // namespace amq
