// objective: something that a configuration costs and that nobody has to measure: bytes, a table of latencies.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "amq/core/configuration.hpp"

namespace amq {

template <class O>
concept has_objective_name = requires(O const& o) {
  { o.name() } -> std::convertible_to<std::string>;
};
/// `value(genes)`: less is better. The same genes have the same value, whatever was asked before.
template <class O>
concept has_objective_value = requires(O const& o, std::span<gene const> genes) {
  { o.value(genes) } -> std::convertible_to<double>;
};

template <class O>
concept objective = has_objective_name<O> && has_objective_value<O>;

/// One sentence for each member that O lacks.
template <class O>
constexpr bool diagnose_objective() {
  static_assert(has_objective_name<O>, "amq: an objective needs `std::string name() const`, what tables call it");
  static_assert(has_objective_value<O>,
                "amq: an objective needs `double value(std::span<gene const>) const`, less being better");
  return objective<O>;
}

/// An objective of any type behind one type, so that lists can hold them. Copies share what they hold.
class any_objective {
 public:
  template <class O>
    requires(!std::same_as<O, any_objective>)
  any_objective(O owned) : name_(owned.name()) {
    static_assert(diagnose_objective<O>());
    value_ = [held = std::make_shared<O const>(std::move(owned))](std::span<gene const> genes) {
      return static_cast<double>(held->value(genes));
    };
  }

  std::string const& name() const { return name_; }
  double value(std::span<gene const> genes) const { return value_(genes); }

 private:
  std::string name_;
  std::function<double(std::span<gene const>)> value_;
};

}  // namespace amq
