#include "amq/io/checkpoint.hpp"

#include "amq/io/safetensors_writer.hpp"
#include "support/files.hpp"

using namespace amq_test;

namespace {

void write_shard(scratch_folder const& folder, std::string const& file, std::vector<std::string> const& names) {
  std::vector<amq::tensor_header> headers;
  for (auto const& name : names) headers.push_back({name, amq::dtype::f32, {1}});
  amq::safetensors_writer writer(folder.path() / file, headers);
  for (auto const& name : names) writer.write(std::vector<float>{static_cast<float>(name[0])});
  writer.commit();
}

std::string open_refusal(scratch_folder const& folder) {
  return refusal([&] { amq::checkpoint source(folder.path()); });
}

std::string index_refusal(scratch_folder const& folder, std::string const& index) {
  folder.write("model.safetensors.index.json", index);
  return open_refusal(folder);
}

}  // namespace

TEST_CASE("one file is a checkpoint, and goes before an index", "[io]") {
  scratch_folder const folder;
  write_shard(folder, "model.safetensors", {"b", "a"});
  folder.write("model.safetensors.index.json", "not read");
  amq::checkpoint const source(folder.path());
  CHECK(source.names() == std::vector<std::string>{"a", "b"});
  CHECK(source.contains("a"));
  CHECK_FALSE(source.contains("c"));
  std::vector<float> value(1);
  amq::to_f32(source.tensor("b"), value);
  CHECK(value[0] == 'b');
  CHECK(lacks(refusal([&] { source.tensor("c"); }), {"lacks the tensor 'c'"}) == "");
}

TEST_CASE("shards are one checkpoint", "[io]") {
  scratch_folder const folder;
  write_shard(folder, "1.safetensors", {"a", "c"});
  write_shard(folder, "2.safetensors", {"b"});
  folder.write("model.safetensors.index.json",
               R"({"metadata": {"total_size": 12},
          "weight_map": {"a": "1.safetensors", "c": "1.safetensors", "b": "2.safetensors"}})");
  amq::checkpoint source(folder.path());
  amq::checkpoint const moved(std::move(source));
  CHECK(moved.names() == std::vector<std::string>{"a", "b", "c"});
  CHECK(moved.files().size() == 2);
  CHECK(moved.file_of("b").filename() == "2.safetensors");
  std::vector<float> value(1);
  amq::to_f32(moved.tensor("c"), value);
  CHECK(value[0] == 'c');
}

TEST_CASE("a folder without a checkpoint is refused, and so is what is no folder", "[io]") {
  scratch_folder const folder;
  CHECK(lacks(open_refusal(folder), {"neither model.safetensors nor model.safetensors.index.json"}) == "");
  auto const file = folder.write("file", "x");
  CHECK(lacks(refusal([&] { amq::checkpoint source(file); }), {"file is not a folder", "Hugging Face"}) == "");
}

TEST_CASE("an index that names what is not there is refused", "[io]") {
  scratch_folder const folder;
  write_shard(folder, "1.safetensors", {"a"});
  CHECK(lacks(index_refusal(folder, R"({"weight_map": {"a": "2.safetensors"}})"),
              {"index.json names the file '2.safetensors'", "not in the folder"}) == "");
  CHECK(lacks(index_refusal(folder, R"({"weight_map": {"b": "1.safetensors"}})"),
              {"index.json places the tensor 'b' in 1.safetensors", "does not hold it"}) == "");
  CHECK(lacks(index_refusal(folder, R"({"weight_map": {"a": ")" + std::string(5000, 'x') + R"("}})"),
              {"not in the folder"}) == "");
}

TEST_CASE("an index whose files leave the folder is refused", "[io]") {
  scratch_folder const folder;
  for (std::string const path : {"../1.safetensors", "/1.safetensors", "sub/../../1.safetensors", ""})
    CHECK(lacks(index_refusal(folder, R"({"weight_map": {"a": ")" + path + R"("}})"), {"leaves the model's folder"}) ==
          "");
}

TEST_CASE("an index without a list of tensors is refused", "[io]") {
  scratch_folder const folder;
  for (std::string const text : {"{}", R"({"weight_map": []})", R"({"weight_map": {}})"})
    CHECK(lacks(index_refusal(folder, text), {"index.json", "'weight_map'"}) == "");
  CHECK(lacks(index_refusal(folder, R"({"weight_map": {"a": 3}})"), {"'a' is 3", "a string"}) == "");
}
