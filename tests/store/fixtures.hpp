// A folder that goes away, and evaluations that anybody can make again from their number.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "amq/core/random.hpp"
#include "amq/store/sqlite_archive.hpp"
#include "support/catch.hpp"

namespace store_test {

class temporary_folder {
 public:
  temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "amq-store-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  temporary_folder(temporary_folder const&) = delete;
  temporary_folder& operator=(temporary_folder const&) = delete;
  ~temporary_folder() { std::filesystem::remove_all(path_); }

  std::string operator/(std::string const& name) const { return (path_ / name).string(); }
  /// Names of what lies in it.
  std::vector<std::string> listing() const {
    std::vector<std::string> names;
    for (auto const& entry : std::filesystem::directory_iterator(path_))
      names.push_back(entry.path().filename().string());
    return names;
  }

 private:
  std::filesystem::path path_;
};

inline std::vector<amq::archived_layer> layers(int count = 4) {
  std::vector<amq::archived_layer> result;
  for (int i = 0; i < count; ++i)
    result.push_back({"model.layers." + std::to_string(i) + ".mlp.down_proj", {{2, 128}, {3, 128}, {4, 128}}});
  return result;
}

/// The i-th evaluation of a search that never was; doubles with all their bits in use.
inline amq::evaluation synthetic(int i, int layer_count = 4) {
  amq::random_stream random(99, static_cast<std::uint64_t>(i));
  amq::evaluation e;
  for (int layer = 0; layer < layer_count; ++layer) e.configuration.push_back(static_cast<amq::gene>(random.below(3)));
  e.average_bits = 2 + random.uniform();
  e.model_bytes = 3'000'000'000 + random.below(1'000'000'000);
  e.loss = random.normal() * 1e-9;
  for (int s = 0; s < 16; ++s) e.sequence_losses.push_back(random.normal());
  e.phase = static_cast<amq::phase>(i % 4);
  e.batch = i / 10;
  e.seconds = random.uniform() * 1e-3;
  e.fidelity = i % 5 == 3 ? 0.25 : 1;
  return e;
}

inline bool same(amq::evaluation const& a, amq::evaluation const& b) {
  return a.configuration == b.configuration && a.average_bits == b.average_bits && a.model_bytes == b.model_bytes &&
         a.loss == b.loss && a.sequence_losses == b.sequence_losses && a.phase == b.phase && a.batch == b.batch &&
         a.seconds == b.seconds && a.fidelity == b.fidelity;
}

/// True when `archive` holds exactly synthetic(0), synthetic(1), ...
inline bool in_order(amq::sqlite_archive const& archive) {
  auto const evaluations = archive.evaluations();
  for (std::size_t i = 0; i < evaluations.size(); ++i)
    if (!same(evaluations[i], synthetic(static_cast<int>(i)))) return false;
  return true;
}

inline std::string read_bytes(std::string const& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}
inline void write_bytes(std::string const& path, std::string const& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// The message of the input_error that `work` must throw; it keeps the library's limits.
template <class Work>
std::string refusal(Work work) {
  try {
    work();
  } catch (amq::input_error const& e) {
    std::string const message = e.what();
    CHECK(message.size() <= 600);
    CHECK(std::count(message.begin(), message.end(), '\n') <= 2);
    return message;
  }
  FAIL("no input_error was thrown");
  return "";
}

inline bool says(std::string const& message, std::string const& part) {
  return message.find(part) != std::string::npos;
}

}  // namespace store_test
