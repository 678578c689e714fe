// Quantizing whole models by name.
#include "amq/compose/quantizers.hpp"
#include "engine.hpp"

namespace amq::cli {

void expect_quantizer(std::string const& name) {
  with_registered(model_quantizers(), name, "a quantizer", [](auto const&) {});
}

void quantize_into(quantized_sink& sink, llama const& model, std::span<format const> formats,
                   token_sequences const& calibration, std::string const& quantizer, interruptible_executor& executor) {
  quantize_model(model, formats, calibration, quantizer, sink, executor);
}

}  // namespace amq::cli
