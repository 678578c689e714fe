// Byte-pair encoding of words, as tokenizer.json's model "BPE" describes it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "amq/core/error.hpp"
#include "amq/text/detail/merge_borders.hpp"
#include "amq/text/detail/merging.hpp"
#include "amq/text/detail/pair_table.hpp"
#include "amq/text/detail/utf8.hpp"

namespace amq {

struct bpe_options {
  std::string unknown = "";    ///< token for characters that have none; empty: they are left out
  bool fuse_unknown = false;   ///< unknown characters in a row become one token
  bool byte_fallback = false;  ///< characters without a token become their bytes' tokens, `<0x00>` to `<0xFF>`
  bool ignore_merges = false;  ///< a word that is a token is that token, whatever the merges say
};

/// A vocabulary and the merges that lead to its tokens. Characters become symbols, then the merge that stands first in
/// the list is applied, the leftmost place first, until none applies (Sennrich et al., 2016, arXiv 1508.07909).
class bpe {
 public:
  using merge_text = std::pair<std::string, std::string>;

  /// Words seen before and their tokens; one for each run of `encode`s, of bounded size.
  class word_cache {
   public:
    std::vector<std::int32_t> const* find(std::string_view symbols) const {
      auto const found = words_.find(symbols);
      return found == words_.end() ? nullptr : &found->second;
    }
    void insert(std::string_view symbols, std::span<std::int32_t const> ids) {
      if (words_.size() < capacity) words_.try_emplace(std::string(symbols), ids.begin(), ids.end());
    }

   private:
    static constexpr std::size_t capacity = 1u << 16;
    struct hash {
      using is_transparent = void;
      std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
    };
    std::unordered_map<std::string, std::vector<std::int32_t>, hash, std::equal_to<>> words_;
  };

  /// `vocabulary`: tokens with their ids, from 0 to `greatest_id`. Throws input_error for ids outside that or given
  /// twice, for merges whose parts or result are no tokens, and for an unknown token that is none. O(total length).
  bpe(std::vector<std::pair<std::string, std::int64_t>> const& vocabulary, std::vector<merge_text> const& merges,
      bpe_options options = {})
      : options_(std::move(options)) {
    add_tokens(vocabulary);
    add_merges(merges);
    for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte)
      if (options_.byte_fallback) byte_ids_[byte] = id(byte_token(byte)).value_or(none);
    if (options_.unknown.empty()) return;
    unknown_ = id(options_.unknown).value_or(none);
    if (unknown_ == none) throw input_error("the unknown token '" + options_.unknown + "' is not in the vocabulary");
  }

  static constexpr std::int64_t greatest_id = (std::int64_t{1} << 24) - 1;

  /// Number of tokens; ids may have gaps.
  std::size_t size() const { return ids_.size(); }
  /// 1 + the greatest id.
  std::size_t id_end() const { return texts_.size(); }
  std::optional<std::int32_t> id(std::string_view token) const {
    auto const found = ids_.find(token);
    return found == ids_.end() ? std::nullopt : std::optional(found->second);
  }
  /// The token of an id below `id_end()`; empty for a gap.
  std::string const& token(std::size_t id) const { return texts_[id]; }

  /// Appends the ids of one word, valid UTF-8. O(length), O(length log length) for words that the cache has not.
  void encode(std::string_view word, std::vector<std::int32_t>& ids, word_cache& cache) const {
    if (options_.ignore_merges) {
      if (auto const whole = id(word)) return ids.push_back(*whole);
    }
    auto const symbols = symbols_of(word);
    for (std::size_t begin = 0; begin < symbols.size();) {
      std::size_t const end = part_end(symbols, begin);
      encode_part(std::span(symbols).subspan(begin, end - begin), ids, cache);
      begin = end;
    }
  }

 private:
  static constexpr std::int32_t none = -1;
  static constexpr std::size_t longest_cached = 64;  ///< symbols; longer words are cut, and not cached

  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  };

  static std::string byte_token(std::size_t byte) {
    constexpr char const* digits = "0123456789ABCDEF";
    return std::string("<0x") + digits[byte >> 4] + digits[byte & 15u] + ">";
  }

  void add_tokens(std::vector<std::pair<std::string, std::int64_t>> const& vocabulary) {
    std::vector<bool> taken;
    for (auto const& [text, id] : vocabulary) {
      if (id < 0 || id > greatest_id)
        throw input_error("the token '" + text + "' has the id " + std::to_string(id) + "; expected ids from 0 to " +
                          std::to_string(greatest_id));
      auto const place = static_cast<std::size_t>(id);
      if (place >= texts_.size()) {
        texts_.resize(place + 1);
        taken.resize(place + 1);
      }
      if (taken[place])
        throw input_error("the id " + std::to_string(id) + " is given to '" + texts_[place] + "' and to '" + text +
                          "'; expected an id of its own for every token");
      taken[place] = true;
      texts_[place] = text;
      ids_.emplace(text, static_cast<std::int32_t>(id));
      remember_character(text, static_cast<std::int32_t>(id));
    }
  }

  void remember_character(std::string const& text, std::int32_t id) {
    if (text.empty()) return;
    auto const scalar = detail::read_scalar(text, 0);
    if (scalar.valid && scalar.length == text.size() && scalar.value < character_ids_.size())
      character_ids_[scalar.value] = id;
  }

  void add_merges(std::vector<merge_text> const& merges) {
    std::vector<detail::merge_rule> rules;
    rules.reserve(merges.size());
    merges_.reserve(merges.size());
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
      auto const& [left, right] = merges[rank];
      auto const part = [&](std::string const& text) {
        auto const found = id(text);
        if (!found || left.empty() || right.empty())
          throw input_error("merge " + std::to_string(rank) + " ('" + left + "' and '" + right +
                            "') needs the token '" + text + "', which is not in the vocabulary");
        return *found;
      };
      rules.push_back({part(left), part(right), part(left + right)});
      merges_[detail::pair_key(rules.back().left, rules.back().right)] = {static_cast<std::int32_t>(rank),
                                                                          rules.back().result};
    }
    find_borders(rules);
  }

  void find_borders(std::vector<detail::merge_rule>& rules) {
    auto const text = [&](std::int32_t id) -> std::string const& { return texts_[static_cast<std::size_t>(id)]; };
    // A result is longer than its parts, so by length it comes before the merges that it is a part of.
    std::stable_sort(rules.begin(), rules.end(),
                     [&](auto const& a, auto const& b) { return text(a.result).size() < text(b.result).size(); });
    borders_.build(rules);
    for (auto const& rule : rules)
      if (text(rule.result) == options_.unknown || text(rule.result).starts_with("<0x")) borders_.forget();
  }

  std::int32_t character_id(std::string_view character, char32_t value) const {
    if (value < character_ids_.size()) return character_ids_[value];
    auto const found = ids_.find(character);
    return found == ids_.end() ? none : found->second;
  }

  /// The symbols that merging starts from.
  std::vector<std::int32_t> symbols_of(std::string_view word) const {
    std::vector<std::int32_t> symbols;
    symbols.reserve(word.size());
    bool pending = false;  // an unknown token that further unknown characters may join
    auto const flush = [&] {
      if (pending) symbols.push_back(unknown_);
      pending = false;
    };
    for (std::size_t at = 0; at < word.size();) {
      auto const scalar = detail::read_scalar(word, at);
      auto const character = word.substr(at, scalar.length);
      at += scalar.length;
      if (auto const known = character_id(character, scalar.value); known != none) {
        flush();
        symbols.push_back(known);
      } else if (!append_bytes(character, symbols) && unknown_ != none) {
        if (!options_.fuse_unknown) flush();
        pending = true;
      }
    }
    flush();
    return symbols;
  }

  bool append_bytes(std::string_view character, std::vector<std::int32_t>& symbols) const {
    auto const byte_id = [&](char c) { return byte_ids_[static_cast<unsigned char>(c)]; };
    if (!options_.byte_fallback) return false;
    if (std::any_of(character.begin(), character.end(), [&](char c) { return byte_id(c) == none; })) return false;
    for (char const c : character) symbols.push_back(byte_id(c));
    return true;
  }

  std::size_t part_end(std::span<std::int32_t const> symbols, std::size_t begin) const {
    if (symbols.size() <= longest_cached) return symbols.size();
    std::size_t end = begin + 1;
    while (end < symbols.size() && !borders_.between(symbols[end - 1], symbols[end])) ++end;
    return end;
  }

  void encode_part(std::span<std::int32_t const> symbols, std::vector<std::int32_t>& ids, word_cache& cache) const {
    if (symbols.size() == 1) return ids.push_back(symbols[0]);
    std::string_view const key(reinterpret_cast<char const*>(symbols.data()), symbols.size_bytes());
    bool const cached = symbols.size() <= longest_cached;
    if (auto const* const known = cached ? cache.find(key) : nullptr) {
      ids.insert(ids.end(), known->begin(), known->end());
      return;
    }
    std::size_t const before = ids.size();
    detail::word_merger(symbols, merges_).append_to(ids);
    if (cached) cache.insert(key, std::span(ids).subspan(before));
  }

  bpe_options options_;
  std::vector<std::string> texts_;
  std::unordered_map<std::string, std::int32_t, text_hash, std::equal_to<>> ids_;
  std::vector<std::int32_t> character_ids_ = std::vector<std::int32_t>(0x800, none);  ///< of the commonest characters
  std::array<std::int32_t, 256> byte_ids_ = [] {
    std::array<std::int32_t, 256> ids{};
    ids.fill(none);
    return ids;
  }();
  std::int32_t unknown_ = none;
  detail::merge_table merges_;
  detail::merge_borders borders_;
};

}  // namespace amq
