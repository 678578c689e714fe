// An archive as a search sees it whose space is sized by something else than bits.
#pragma once

#include <span>
#include <utility>

#include "amq/concepts/archive.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/core/configuration.hpp"
#include "amq/search/memory_archive.hpp"

namespace amq {

/// Models archive for run_search(sized, ...): `sized` is `plain` with another measure of size
/// (format_space::sized_by). Evaluations are given with the sizes that the search goes by, and recorded in the archive
/// behind with the bits that they have. All three must outlive it.
template <archive Archive, search_space Space>
class resized_archive {
 public:
  resized_archive(Archive& behind, Space const& plain, Space const& sized)
      : behind_(&behind), plain_(&plain), sized_(&sized) {
    for (auto const& e : std::span<evaluation const>(behind.evaluations())) seen_.record(as_sized(e));
  }

  std::span<evaluation const> evaluations() const { return seen_.evaluations(); }
  bool contains(std::span<gene const> genes) const { return behind_->contains(genes); }

  void record(evaluation e) {
    seen_.record(as_sized(e));
    e.average_bits = plain_->average_bits(e.configuration);
    behind_->record(std::move(e));
  }

  void flush()
    requires requires(Archive& a) { a.flush(); }
  {
    behind_->flush();
  }

 private:
  evaluation as_sized(evaluation e) const {
    e.average_bits = sized_->average_bits(e.configuration);
    return e;
  }

  Archive* behind_;
  Space const* plain_;
  Space const* sized_;
  memory_archive seen_;
};

}  // namespace amq
