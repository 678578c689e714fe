#include "amq/compose/gguf_companions.hpp"

#include "amq/core/executor.hpp"
#include "amq/io/gguf_file.hpp"
#include "amq/model/llama.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

TEST_CASE("A GGUF deployment has a recipe and an importance matrix beside it") {
  auto const model = amq::llama::load(AMQ_TESTS_FOLDER "/data/formats/tiny_llama_f16");
  amq::matrix<std::int32_t> ids(2, 16);
  for (amq::index i = 0; i < ids.size(); ++i) ids.data()[i] = static_cast<std::int32_t>(i);
  amq::token_sequences const tokens(std::move(ids));
  amq::thread_executor executor(1);
  amq::exporter<amq::llama> files;
  files.write = [](auto const&, auto const&, auto, auto const&) { return amq::export_report{7, {}}; };
  auto const with = amq::with_gguf_companions(files, tokens, "counting", executor);
  amq_test::scratch_folder const folder;
  std::vector<amq::format> const formats(model.linears().size(), {8, 32});
  CHECK(with.write(model, amq::quantized_memory{}, formats, folder.path()).weight_bytes == 7);
  CHECK(folder.listing() == "importance.imatrix tensor_types.txt");
  CHECK(amq_test::lacks(amq_test::read_bytes(folder.path() / "tensor_types.txt"),
                        {"^blk\\.1\\.ffn_up\\.weight$=q8_0\n"}) == "");
  amq::gguf_file const importance(folder.path() / "importance.imatrix");
  CHECK(*importance.find<std::uint32_t>("imatrix.chunk_count") == 2);
  CHECK(importance.tensor("blk.0.ffn_down.weight.in_sum2").shape == std::vector<amq::index>{1, 128});
}
