// From run-time names to compile-time policies: the one place for Boost.Hana.
#pragma once

#include <algorithm>
#include <array>
#include <boost/hana/first.hpp>
#include <boost/hana/for_each.hpp>
#include <boost/hana/pair.hpp>
#include <boost/hana/second.hpp>
#include <boost/hana/string.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>
#include <boost/hana/unpack.hpp>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <vector>

#include "amq/compose/nearest_names.hpp"
#include "amq/search/preset_options.hpp"

namespace amq {

namespace hana = boost::hana;

/// One line of a registry of values: `entry(BOOST_HANA_STRING("hqq"), hqq{})`. A registry is a hana::tuple of them.
template <class Name, class Policy>
constexpr auto entry(Name name, Policy policy) {
  return hana::make_pair(name, policy);
}

/// The names in a registry, in its order.
template <class Registry>
std::vector<std::string_view> registered_names(Registry const& registry) {
  std::vector<std::string_view> names;
  hana::for_each(registry, [&](auto const& registered) { names.emplace_back(hana::first(registered).c_str()); });
  return names;
}

/// Calls use(policy) with the policy registered under a name; every policy's code is compiled. `what` is what the
/// input_error for an unknown name calls it ("a proxy").
template <class Registry, class Use>
void with_registered(Registry const& registry, std::string_view name, std::string_view what, Use&& use) {
  bool found = false;
  hana::for_each(registry, [&](auto const& registered) {
    if (found || name != hana::first(registered).c_str()) return;
    found = true;
    use(hana::second(registered));
  });
  if (!found) refuse_name(name, what, registered_names(registry));
}

/// Text as a template argument.
template <std::size_t Size>
struct text {
  char letters[Size];

  consteval text(char const (&from)[Size]) { std::copy_n(from, Size, letters); }
  constexpr std::string_view view() const { return {letters, Size - 1}; }
};

/// One line of a list of types: what a policy goes by, what it is, its options as they are set, and what makes it, from
/// preset_options or from nothing. `policy<"gp", "...", "...", [] { return gp<>{}; }>`.
template <text Name, text Description, text Options, auto Make>
struct policy {
  static constexpr std::string_view name = Name.view();
  static constexpr std::string_view description = Description.view();
  static constexpr std::string_view options = Options.view();

  static auto make([[maybe_unused]] preset_options const& given) {
    if constexpr (std::is_invocable_v<decltype(Make), preset_options const&>)
      return Make(given);
    else
      return Make();
  }
};

/// One line of a table of factories: a policy whose type is known at run time only.
template <class Made>
struct policy_entry {
  std::string_view name;
  std::string_view description;
  std::string_view options;
  Made (*make)(preset_options const&);
};

/// A list of types, `hana::tuple_t<policy<...>, ...>`, as a table of factories of one type (any_predictor, any_infill,
/// any_optimizer): the sum of the policies is compiled, never their product.
template <class Made, class List>
constexpr auto policy_table(List list) {
  return hana::unpack(list, [](auto... lines) {
    return std::array{[]<class Policy>(hana::basic_type<Policy>) {
      return policy_entry<Made>{Policy::name, Policy::description, Policy::options,
                                [](preset_options const& given) { return Made(Policy::make(given)); }};
    }(lines)...};
  });
}

}  // namespace amq
