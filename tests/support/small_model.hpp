// A model of 2 blocks, 64 wide, vocabulary 96, at most 256 tokens, that a test may break; and tokens for it.
#pragma once

#include <nlohmann/json.hpp>

#include "support/files.hpp"

namespace amq_test {

class small_model {
 public:
  small_model() {
    std::filesystem::copy(AMQ_TESTS_FOLDER "/data/forward/llama3_rope_untied_f32", folder());
    std::string ids;
    for (int i = 0; i < 4096; ++i) ids += bytes_of(static_cast<std::uint16_t>(i * 37 % 96));
    scratch_.write("tokens.u16", ids);
  }

  std::filesystem::path folder() const { return scratch_.path() / "model"; }
  std::filesystem::path weights() const { return folder() / "model.safetensors"; }
  std::string path() const { return folder().string(); }
  std::string tokens() const { return (scratch_.path() / "tokens.u16").string(); }
  scratch_folder const& scratch() const { return scratch_; }

  /// Changes config.json through edit(json).
  template <class Edit>
  void configure(Edit const& edit) const {
    auto config = nlohmann::json::parse(read_bytes(folder() / "config.json"));
    edit(config);
    write("config.json", config.dump());
  }

  /// Changes the header of model.safetensors through edit(json); its length and the data follow.
  template <class Edit>
  void rewrite_header(Edit const& edit) const {
    auto const bytes = read_bytes(weights());
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof length);
    auto header = nlohmann::json::parse(bytes.substr(8, length));
    edit(header);
    write("model.safetensors", safetensors_bytes(header.dump(), bytes.substr(8 + length)));
  }

  /// Overwrites bytes of the weights, counted from the start of the data.
  void patch_weights(std::size_t offset, std::string const& patch) const {
    auto bytes = read_bytes(weights());
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof length);
    bytes.replace(8 + length + offset, patch.size(), patch);
    write("model.safetensors", bytes);
  }

  void write(std::string const& name, std::string const& bytes) const {
    std::ofstream(folder() / name, std::ios::binary) << bytes;
  }

 private:
  scratch_folder scratch_;
};

}  // namespace amq_test
