// Whether files of a target can hold a configuration, said before anything is quantized or written.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/core/format.hpp"
#include "amq/space/target.hpp"

namespace amq {
namespace detail {

/// "a at 3g128 (why); b at 2g64 (why); and 3 more"
class misfit_list {
 public:
  void add(std::string const& misfit) {
    if (count_++ < named) text_ += (text_.empty() ? "" : "; ") + misfit;
  }
  bool empty() const { return count_ == 0; }
  std::string text() const {
    return count_ <= named ? text_ : text_ + "; and " + std::to_string(count_ - named) + " more";
  }

 private:
  static constexpr int named = 3;
  int count_ = 0;
  std::string text_;
};

inline void expect_each_held(target const& files, std::span<linear_layer const> layers,
                             std::span<format const> formats) {
  misfit_list misfits;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    auto const why = files.refusal(layers[i], formats[i]);
    if (!why.empty()) misfits.add(layers[i].name + " at " + spelling(formats[i]) + " (" + why + ")");
  }
  if (!misfits.empty()) throw input_error("files of the format " + files.name + " cannot hold " + misfits.text());
}

/// Layers whose names differ in one of the endings alone are fused.
inline void expect_fused_alike(target const& files, std::span<linear_layer const> layers,
                               std::span<format const> formats) {
  misfit_list misfits;
  for (auto const& endings : files.fused) {
    std::map<std::string, std::size_t> first_of;
    for (std::size_t i = 0; i < layers.size(); ++i)
      for (auto const& ending : endings) {
        if (!layers[i].name.ends_with(ending)) continue;
        auto const prefix = layers[i].name.substr(0, layers[i].name.size() - ending.size());
        std::size_t const first = first_of.try_emplace(prefix, i).first->second;
        if (formats[first] != formats[i])
          misfits.add(layers[first].name + " at " + spelling(formats[first]) + " with " + ending + " at " +
                      spelling(formats[i]));
      }
  }
  if (!misfits.empty())
    throw input_error("readers of the format " + files.name + " fuse layers that must be stored alike: " +
                      misfits.text() + "; search with --target " + files.name + ", which ties them");
}

inline void expect_one_group(target const& files, std::span<linear_layer const> layers,
                             std::span<format const> formats) {
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (formats[i].kept()) continue;
    if (!first) first = i;
    if (formats[*first].group != formats[i].group)
      throw input_error("files of the format " + files.name + " have one group for all layers, but " +
                        layers[*first].name + " is at " + spelling(formats[*first]) + " and " + layers[i].name +
                        " at " + spelling(formats[i]) + "; choose one group");
  }
}

}  // namespace detail

/// Throws input_error unless files of the format can hold this configuration, one format a layer, naming up to three
/// layers that are in the way. O(layers).
inline void expect_exportable(target const& files, std::span<linear_layer const> layers,
                              std::span<format const> formats) {
  AMQ_EXPECTS(layers.size() == formats.size(), "expect_exportable needs one format for each of " +
                                                   std::to_string(layers.size()) + " layers, not " +
                                                   std::to_string(formats.size()));
  detail::expect_each_held(files, layers, formats);
  detail::expect_fused_alike(files, layers, formats);
  if (files.one_group) detail::expect_one_group(files, layers, formats);
}

}  // namespace amq
