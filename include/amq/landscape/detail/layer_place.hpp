// Block and kind of linear layers, from nothing but their names.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "amq/core/configuration.hpp"

namespace amq::detail {

/// The block is the first part of a name that is a number ("model.layers.3.mlp.down_proj": 3); the rest of the name, in
/// the order in which such rests appear, is the kind.
class layer_places {
 public:
  /// False, and nothing set, for a name without a number.
  bool place(linear_layer& layer) {
    std::string_view const name = layer.name;
    for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
      auto const part = name.substr(dot + 1, name.find('.', dot + 1) - dot - 1);
      int block = 0;
      auto const [end, failure] = std::from_chars(part.data(), part.data() + part.size(), block);
      if (failure != std::errc{} || end != part.data() + part.size() || block < 0) continue;
      layer.block = block;
      layer.kind = kind_of(std::string(name.substr(dot + 1 + part.size())));
      return true;
    }
    return false;
  }

 private:
  int kind_of(std::string const& rest) {
    auto const found = std::find(kinds_.begin(), kinds_.end(), rest);
    if (found == kinds_.end()) return kinds_.push_back(rest), static_cast<int>(kinds_.size()) - 1;
    return static_cast<int>(found - kinds_.begin());
  }

  std::vector<std::string> kinds_;
};

}  // namespace amq::detail
