// From run-time names to compile-time policies: the one place for Boost.Hana.
#pragma once

#include <boost/hana/first.hpp>
#include <boost/hana/for_each.hpp>
#include <boost/hana/length.hpp>
#include <boost/hana/pair.hpp>
#include <boost/hana/second.hpp>
#include <boost/hana/string.hpp>
#include <boost/hana/tuple.hpp>
#include <string>
#include <string_view>

#include "amq/core/error.hpp"

namespace amq {

namespace hana = boost::hana;

/// One line of a registry: `entry(BOOST_HANA_STRING("hqq"), hqq{})`. A registry is a hana::tuple of them.
template <class Name, class Policy>
constexpr auto entry(Name name, Policy policy) {
  return hana::make_pair(name, policy);
}

/// The names in a registry: "a, b or c".
template <class Registry>
std::string registered_names(Registry const& registry) {
  constexpr std::size_t count = decltype(hana::length(registry))::value;
  std::string names;
  std::size_t seen = 0;
  hana::for_each(registry, [&](auto const& registered) {
    names += (seen == 0 ? "" : seen + 1 == count ? " or " : ", ") + std::string(hana::first(registered).c_str());
    ++seen;
  });
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
  if (!found)
    throw input_error("'" + std::string(name) + "' is not the name of " + std::string(what) + ": use " +
                      registered_names(registry));
}

}  // namespace amq
