// An initial design of any type behind one type: for run-time choices, and so that what uses it is compiled once.
#pragma once

#include <concepts>
#include <memory>
#include <utility>
#include <vector>

#include "amq/concepts/initial_design.hpp"
#include "amq/search/memory_archive.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

/// Owns an initial design. Models initial_design for format_space and memory_archive.
class any_initial_design {
 public:
  using policy_category = initial_design_category;

  template <class D>
    requires(!std::same_as<D, any_initial_design>)
  explicit any_initial_design(D owned) {
    if constexpr (diagnose_initial_design<D, format_space, memory_archive>())
      self_ = std::make_unique<holder<D>>(std::move(owned));
  }

  planned_batch next(format_space const& space, memory_archive const& measured, random_stream& random) const {
    return self_->next(space, measured, random);
  }
  std::vector<index> pinned(format_space const& space, memory_archive const& measured) const {
    return self_->pinned(space, measured);
  }

 private:
  struct erased {
    virtual ~erased() = default;
    virtual planned_batch next(format_space const& space, memory_archive const& measured,
                               random_stream& random) const = 0;
    virtual std::vector<index> pinned(format_space const& space, memory_archive const& measured) const = 0;
  };

  template <class D>
  struct holder final : erased {
    explicit holder(D owned) : design_(std::move(owned)) {}
    planned_batch next(format_space const& space, memory_archive const& measured,
                       random_stream& random) const override {
      return design_.next(space, measured, random);
    }
    std::vector<index> pinned(format_space const& space, memory_archive const& measured) const override {
      return design_.pinned(space, measured);
    }
    D design_;
  };

  std::unique_ptr<erased> self_;
};

}  // namespace amq
